#pragma once

#include <torch/types.h>

namespace nodulus::nn {

/// A weight's filters as Winograd's kernels take them, four times its size, kept while the weight stays as it is: for a
/// batch of one, making them is a third of a convolution's time. Belongs to one weight and is used by one thread at a
/// time. Whoever writes to a weight's memory by other means than libtorch's operations counts its version up.
class FilterCache {
 public:
  /// The filters of `weight`, from `make` where there are none yet or the weight has changed since.
  template <class Make>
  const torch::Tensor& of(const torch::Tensor& weight, Make make) {
    if (!filters_.defined() || version_ != weight._version() || weight_.data_ptr() != weight.data_ptr()) {
      filters_ = make();
      weight_ = weight.detach();  // keeps its memory, so that no other weight can come to lie there
      version_ = weight._version();
    }
    return filters_;
  }
  void clear() { *this = {}; }

 private:
  torch::Tensor filters_;
  torch::Tensor weight_;
  decltype(filters_._version()) version_ = 0;
};

/// y = x * weight + bias with zeros around: x [N, in, H, W], weight [out, in, k, k], bias [out] or undefined.
///
/// float32 on the CPU: 3x3 of stride 1 by our kernels where they have the shape, Winograd's F(4x4, 3x3) for values and
/// both gradients (winograd_kernel.h), else a kernel of its own for the weight's gradient
/// (conv_weight_gradient_kernel.h); 3x3 of stride 2 without zeros around: kernels for both gradients
/// (strided_conv_kernel.h); all else by oneDNN, values and the gradient of x always by the same algorithm, so
/// that an image's do not depend on the batch that it is in. Elsewhere libtorch's own. Differentiable any number of
/// times.
///
/// `cache`, which may be null, is used where no gradient is asked for. Throws c10::Error where shapes do not fit.
torch::Tensor convolve(const torch::Tensor& x, const torch::Tensor& weight, const torch::Tensor& bias,
                       std::int64_t stride, std::int64_t padding, FilterCache* cache = nullptr);

/// The transposed convolution, x [N, in, h, w], weight [in, out, k, k] -> [N, out, height, width]: where convolve() of
/// that stride and padding takes height x width to h x w. As above in all else.
/// @throws c10::Error where it does not.
torch::Tensor convolve_transposed(const torch::Tensor& x, const torch::Tensor& weight, const torch::Tensor& bias,
                                  std::int64_t stride, std::int64_t padding, std::int64_t height, std::int64_t width);

}  // namespace nodulus::nn
