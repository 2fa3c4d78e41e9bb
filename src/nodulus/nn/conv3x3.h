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

/// y = x * weight + bias, 3x3, stride 1, zeros around; x [N, in, H, W], weight [out, in, 3, 3], bias [out]. float32 on
/// the CPU goes through our kernels where they have the shape: Winograd's F(4x4, 3x3) for values and both gradients
/// (winograd_kernel.h), else a kernel of its own for the weight's gradient (conv_weight_gradient_kernel.h). All else is
/// libtorch's. An image's values do not depend on the batch. Not twice differentiable.
torch::Tensor conv3x3(const torch::Tensor& x, const torch::Tensor& weight, const torch::Tensor& bias);

}  // namespace nodulus::nn
