#pragma once

#include <torch/types.h>

#include <functional>

#include "nodulus/nn/device_kernels.h"

/// What stands between libtorch and the CUDA kernels: which tensors they take, streams, and their faults.
namespace nodulus::nn {

/// By what an operation with a CPU kernel, a CUDA kernel and a plain reference is done.
enum class Form { cpu_kernel, device_kernel, reference };

/// float32 on the CPU: its kernel. float32, and with `takes_bfloat16` bfloat16, on CUDA, in a program built with
/// NODULUS_CUDA: the device's. All else, and all under
/// PlainOperations: the reference.
Form form_of(const torch::Tensor& x, bool takes_bfloat16);

/// Of float32 and bfloat16 tensors.
Element element_of(const torch::Tensor& x);

/// What a kernel's launch answers: null, or what went wrong.
using Launch = std::function<const char*(void* stream)>;

/// Launches on x's device, on its current stream. A fault is a c10::Error that names the operation.
void launch_on_device(const torch::Tensor& x, const char* operation, const Launch& launch);

/// The bytes on x's device, in order with what is launched there afterwards. The host does not wait.
torch::Tensor copied_to_device(const void* bytes, std::int64_t count, const torch::Tensor& x);

}  // namespace nodulus::nn
