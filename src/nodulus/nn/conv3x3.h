#pragma once

#include <torch/types.h>

namespace nodulus::nn {

/// libtorch's convolution with zeros around, by the one algorithm that gives an image the same values in any batch.
/// An undefined bias is none.
torch::Tensor libtorch_conv(const torch::Tensor& x, const torch::Tensor& weight, const torch::Tensor& bias,
                            std::int64_t stride, std::int64_t padding);

/// libtorch's transposed convolution, likewise: x [N, in, H, W], weight [in, out, k, k]. An undefined bias is none.
torch::Tensor libtorch_conv_transpose(const torch::Tensor& x, const torch::Tensor& weight, const torch::Tensor& bias,
                                      std::int64_t stride, at::IntArrayRef output_padding);

/// y = x * weight + bias, 3x3, stride 1, zeros around; x [N, in, H, W], weight [out, in, 3, 3], bias [out]. The forward
/// pass and the gradient of x are libtorch's; the gradient of the weight is our kernel's where it has one for the shape
/// (conv_weight_gradient_kernel.h), else libtorch's as well. Not twice differentiable.
torch::Tensor conv3x3(const torch::Tensor& x, const torch::Tensor& weight, const torch::Tensor& bias);

}  // namespace nodulus::nn
