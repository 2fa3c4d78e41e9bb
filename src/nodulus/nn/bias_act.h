#pragma once

#include <torch/types.h>

namespace nodulus::nn {

/// How an activation bends and scales (Karras et al. 2020, arXiv 1912.04958): leaky ReLU with gain sqrt 2, which keeps
/// the variance.
struct Activation {
  double slope = 0.2;                ///< Of negative numbers; 1: no activation.
  double gain = 1.4142135623730951;  ///< > 0
  double clamp = 0;                  ///< Largest magnitude of the result; 0: no limit.

  static Activation none(double gain = 1) { return {1, gain, 0}; }
};

/// What is done to x before its activation; each may be undefined.
struct Preactivation {
  torch::Tensor scale;     ///< [N, C]
  torch::Tensor noise;     ///< [N, 1, H, W] or [1, 1, H, W]; with a gradient by the reference alone.
  torch::Tensor strength;  ///< of the noise, one number
  torch::Tensor bias;      ///< [C]
};

/// y = clamp(gain lrelu(scale x + strength noise + bias)), x [N, C, H, W]; y has the type of x, whatever that of the
/// terms. float32 on the CPU, and float32 and bfloat16 on CUDA, go through our kernels, one pass over memory forwards
/// and one back; all else through the reference. Differentiable any number of times in x, scale, strength and bias.
torch::Tensor bias_act(const torch::Tensor& x, const Preactivation& terms, const Activation& activation);

/// The same by libtorch's operations.
torch::Tensor bias_act_reference(const torch::Tensor& x, const Preactivation& terms, const Activation& activation);

}  // namespace nodulus::nn
