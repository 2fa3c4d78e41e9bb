#include "nodulus/nn/device.h"

#include <cstring>

#include "nodulus/nn/plain_operations.h"

#ifdef NODULUS_HAVE_CUDA
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>
#endif

namespace nodulus::nn {
namespace {

using torch::Tensor;

#ifdef NODULUS_HAVE_CUDA
constexpr bool have_device_kernels = true;

const char* launch_on_stream(const Tensor& x, const Launch& launch) {
  const c10::cuda::CUDAGuard guard(x.device());
  return launch(c10::cuda::getCurrentCUDAStream(x.device().index()).stream());
}
#else
constexpr bool have_device_kernels = false;

const char* launch_on_stream(const Tensor& /*x*/, const Launch& launch) { return launch(nullptr); }
#endif

}  // namespace

Form form_of(const Tensor& x, bool takes_bfloat16) {
  if (PlainOperations::active()) return Form::reference;
  const auto type = x.scalar_type();
  if (x.is_cpu() && type == torch::kFloat) return Form::cpu_kernel;
  const bool taken = type == torch::kFloat || (takes_bfloat16 && type == torch::kBFloat16);
  return have_device_kernels && x.is_cuda() && taken ? Form::device_kernel : Form::reference;
}

Element element_of(const Tensor& x) {
  return x.scalar_type() == torch::kBFloat16 ? Element::bfloat16 : Element::float32;
}

void launch_on_device(const Tensor& x, const char* operation, const Launch& launch) {
  const char* const fault = launch_on_stream(x, launch);
  TORCH_CHECK(fault == nullptr, "[", operation, "] CUDA kernel for ", x.sizes(), ": ", fault);
}

Tensor copied_to_device(const void* bytes, std::int64_t count, const Tensor& x) {
  // Pinned memory, so that the copy runs in the stream; libtorch keeps it until that is done.
  Tensor pinned = torch::empty({count}, torch::TensorOptions(torch::kByte).pinned_memory(true));
  std::memcpy(pinned.data_ptr(), bytes, static_cast<std::size_t>(count));
  return pinned.to(x.device(), torch::kByte, true);
}

}  // namespace nodulus::nn
