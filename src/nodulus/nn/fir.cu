#include <cuda_bf16.h>

#include "nodulus/nn/device_kernels.h"
#include "nodulus/nn/device_launch.h"
#include "nodulus/nn/fir_point.h"

namespace nodulus::nn {
namespace {

template <int up, class T>
__global__ void fir_kernel(FirPlan plan, unsigned chunks, const T* __restrict__ x, T* __restrict__ y) {
  const PlanePlace place = plane_place(chunks);
  const auto columns = static_cast<int>(plan.out_columns);
  const int pixels = static_cast<int>(plan.out_rows) * columns;
  const T* const from = x + place.plane * plan.rows * plan.columns;
  T* const to = y + place.plane * pixels;
  for (auto i = static_cast<int>(place.first); i < pixels; i += static_cast<int>(place.step))
    to[i] = static_cast<T>(fir_point<up>(plan, from, i / columns, i % columns));
}

template <class T>
const char* fir_of(const FirPlan& plan, std::int64_t planes, const void* x, void* y, void* stream) {
  const PlaneGrid grid = plane_grid(planes, plan.out_rows * plan.out_columns, 1);
  return launch(plan.up == 2 ? fir_kernel<2, T> : fir_kernel<1, T>, grid, stream, plan, grid.chunks,
                static_cast<const T*>(x), static_cast<T*>(y));
}

}  // namespace

const char* fir_device(const FirPlan& plan, Element element, std::int64_t planes, const void* x, void* y,
                       void* stream) {
  return (element == Element::float32 ? fir_of<float> : fir_of<__nv_bfloat16>)(plan, planes, x, y, stream);
}

}  // namespace nodulus::nn
