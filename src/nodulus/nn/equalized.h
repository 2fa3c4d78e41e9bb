#pragma once

#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>
#include <torch/types.h>

#include "nodulus/nn/bias_act.h"

namespace nodulus::nn {

/// Layers of equalised learning rate (Karras et al. 2018, arXiv 1710.10196, section 4.1): weights are stored as N(0, 1)
/// and multiplied by 1 / sqrt(fan-in) when they are used, so that Adam moves all of them by the same share.

struct EqualizedLinearOptions {
  bool bias = true;
  double first_bias = 0;
  double learning_rate_multiplier = 1;  ///< Slows the layer down: weights are stored larger and used smaller by it.
  Activation activation = Activation::none();
};

/// y = act(gain weight x + bias), x [N, in]; on the CPU and without a graph each row by itself, as Linear.
class EqualizedLinearImpl : public torch::nn::Module {
 public:
  EqualizedLinearImpl(std::int64_t in, std::int64_t out, const EqualizedLinearOptions& options = {});
  torch::Tensor forward(const torch::Tensor& x);

 private:
  torch::Tensor weight_;
  torch::Tensor bias_;
  EqualizedLinearOptions options_;
  double gain_;
};
TORCH_MODULE(EqualizedLinear);

struct EqualizedConvOptions {
  std::int64_t kernel = 3;
  bool bias = true;
  bool down = false;    ///< To half the size, filtered by [1, 3, 3, 1] first.
  bool trained = true;  ///< False: weight and bias stay as they are (freeze-D).
  Activation activation = Activation::none();
};

/// y = act(gain weight * x + bias), x [N, in, H, W], zeros around.
class EqualizedConvImpl : public torch::nn::Module {
 public:
  EqualizedConvImpl(std::int64_t in, std::int64_t out, const EqualizedConvOptions& options);
  /// `gain` multiplies the activation's gain, and its clamp.
  torch::Tensor forward(const torch::Tensor& x, double gain = 1);

 private:
  torch::Tensor weight_;
  torch::Tensor bias_;
  EqualizedConvOptions options_;
  double gain_;
};
TORCH_MODULE(EqualizedConv);

}  // namespace nodulus::nn
