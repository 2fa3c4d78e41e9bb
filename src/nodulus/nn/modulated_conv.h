#pragma once

#include <torch/types.h>

#include "nodulus/nn/bias_act.h"

namespace nodulus::nn {

/// A convolution whose weight is scaled for each image (Karras et al. 2020, arXiv 1912.04958, section 2.2):
///
///     w'_oik = s_i w_oik               modulation
///     w''    = w' / sqrt(sum_ik w'^2 + 1e-8)      demodulation
///
/// Done by scaling the images before the convolution and after it, so that all images share one weight.
struct ModulatedConv {
  torch::Tensor weight;  ///< [out, in, k, k], k odd
  torch::Tensor style;   ///< s, [N, in]
  bool demodulate = true;
  bool up = false;  ///< To twice the size, filtered by [1, 3, 3, 1].
};

/// x [N, in, H, W] -> [N, out, H, W], or [N, out, 2H, 2W] with `up`; then noise, bias and activation (`terms.scale` is
/// this function's own). Differentiable any number of times.
torch::Tensor modulated_conv(const torch::Tensor& x, const ModulatedConv& conv, Preactivation terms,
                             const Activation& activation);

/// The same with a weight for each image, by libtorch's operations.
torch::Tensor modulated_conv_reference(const torch::Tensor& x, const ModulatedConv& conv, const Preactivation& terms,
                                       const Activation& activation);

}  // namespace nodulus::nn
