#pragma once

#include <torch/nn/module.h>
#include <torch/types.h>

namespace nodulus::models {

/// F(x, c_noise; labels): what a diffusion family trains. What F predicts is its preconditioning's business (process/).
class Network : public torch::nn::Module {
 public:
  /// x [N, C, H, W]; c_noise [N], or [1] where all images have the same noise level, which then is embedded once;
  /// labels [N, D] or [1, D] as encode() makes them (core/condition.h), undefined where nothing is known or the network
  /// takes none. Returns [N, C, H, W].
  virtual torch::Tensor forward(const torch::Tensor& x, const torch::Tensor& c_noise, const torch::Tensor& labels) = 0;
  /// The same of any image.
  torch::Tensor forward(const torch::Tensor& x, const torch::Tensor& c_noise) { return forward(x, c_noise, {}); }
};

/// Trainable numbers in a module.
inline std::int64_t parameter_count(const torch::nn::Module& module) {
  std::int64_t count = 0;
  for (const torch::Tensor& parameter : module.parameters()) count += parameter.numel();
  return count;
}

}  // namespace nodulus::models
