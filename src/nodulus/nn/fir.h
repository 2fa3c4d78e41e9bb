#pragma once

#include <torch/types.h>

namespace nodulus::nn {

/// One use of the filter [1, 3, 3, 1] / 8 (Zhang 2019, arXiv 1904.11486; Karras et al. 2020, arXiv 1912.04958, appendix
/// B): zeros between the pixels (up 2), `before` and `after` zeros around, filter, every second pixel (down 2).
struct FirStep {
  int up = 1;
  int down = 1;
  int before = 0;
  int after = 0;
  float gain = 1;  ///< Along each axis: `up` keeps the brightness.
};

constexpr FirStep fir_up{2, 1, 2, 1, 2};           ///< [H, W] -> [2H, 2W]
constexpr FirStep fir_up_bordered{2, 1, 3, 2, 2};  ///< -> [2H + 2, 2W + 2]: for a 3x3 convolution without padding.
constexpr FirStep fir_down{1, 2, 1, 1, 1};         ///< -> [H/2, W/2], both even.
constexpr FirStep fir_blur{1, 1, 2, 2, 1};         ///< -> [H + 1, W + 1]: for a 3x3 convolution of stride 2 without.

/// x [N, C, H, W], each plane filtered along both axes. `step` is one of the above. float32 on the CPU, and
/// float32 and bfloat16 on CUDA, go through our kernels, one pass over memory each way; all else through the reference.
torch::Tensor fir(const torch::Tensor& x, const FirStep& step);

/// The same by libtorch's convolutions of one channel.
torch::Tensor fir_reference(const torch::Tensor& x, const FirStep& step);

}  // namespace nodulus::nn
