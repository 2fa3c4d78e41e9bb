#include <cuda_bf16.h>

#include "nodulus/nn/device_kernels.h"
#include "nodulus/nn/device_launch.h"

namespace nodulus::nn {
namespace {

constexpr unsigned sum_threads = 256;  // of a block that adds up a plane; a power of 2

template <class T>
__global__ void forward_kernel(BiasActBatch batch, unsigned chunks, const T* __restrict__ x, T* __restrict__ y) {
  const PlanePlace place = plane_place(chunks);
  const BiasActPlane plane = bias_act_plane(batch, place.plane);
  const std::int64_t offset = place.plane * batch.pixels;
#pragma unroll 4
  for (std::int64_t i = place.first; i < batch.pixels; i += place.step)
    bias_act_point(plane, x + offset, y + offset, i);
}

/// One block a plane, so that the order of the additions is always the same.
template <class T>
__global__ void backward_kernel(BiasActBatch batch, const T* __restrict__ x, const T* __restrict__ y,
                                const T* __restrict__ dy, T* __restrict__ dx, float* __restrict__ sums) {
  const PlanePlace place = plane_place(1);
  const BiasActPlane plane = bias_act_plane(batch, place.plane);
  const std::int64_t offset = place.plane * batch.pixels;
  BiasActSums own;
#pragma unroll 4
  for (std::int64_t i = place.first; i < batch.pixels; i += place.step)
    bias_act_point_backward(plane, x == nullptr ? x : x + offset, y + offset, dy + offset, dx + offset, i, own);

  __shared__ float parts[3][sum_threads];
  parts[0][threadIdx.x] = own.bias;
  parts[1][threadIdx.x] = own.scale;
  parts[2][threadIdx.x] = own.strength;
  for (unsigned half = sum_threads / 2; half > 0; half /= 2) {
    __syncthreads();
    if (threadIdx.x < half)
      for (auto& part : parts) part[threadIdx.x] += part[threadIdx.x + half];
  }
  if (threadIdx.x == 0)
    for (int s = 0; s < 3; ++s) sums[s * batch.images * batch.channels + place.plane] = parts[s][0];
}

template <class T>
const char* forward_of(const BiasActBatch& batch, const void* x, void* y, void* stream) {
  const PlaneGrid grid = plane_grid(batch.images * batch.channels, batch.pixels, 4);
  return launch(forward_kernel<T>, grid, stream, batch, grid.chunks, static_cast<const T*>(x), static_cast<T*>(y));
}

template <class T>
const char* backward_of(const BiasActBatch& batch, const void* x, const void* y, const void* dy, void* dx, float* sums,
                        void* stream) {
  const PlaneGrid grid{batch.images * batch.channels, 1, sum_threads};
  return launch(backward_kernel<T>, grid, stream, batch, static_cast<const T*>(x), static_cast<const T*>(y),
                static_cast<const T*>(dy), static_cast<T*>(dx), sums);
}

}  // namespace

const char* bias_act_device(const BiasActBatch& batch, Element element, const void* x, void* y, void* stream) {
  return (element == Element::float32 ? forward_of<float> : forward_of<__nv_bfloat16>)(batch, x, y, stream);
}

const char* bias_act_device_backward(const BiasActBatch& batch, Element element, const void* x, const void* y,
                                     const void* dy, void* dx, float* sums, void* stream) {
  return (element == Element::float32 ? backward_of<float> : backward_of<__nv_bfloat16>)(batch, x, y, dy, dx, sums,
                                                                                         stream);
}

}  // namespace nodulus::nn
