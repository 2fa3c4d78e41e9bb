#pragma once

#include <torch/nn/module.h>
#include <torch/types.h>

#include <vector>

#include "nodulus/nn/equalized.h"

namespace nodulus::models {

struct MappingOptions {
  int z = 512;  ///< 0: labels alone.
  int labels = 0;
  int w = 512;
  int layers = 8;
};

/// z [N, z] and labels [N, labels], each brought to mean square 1, the labels by way of a layer of their own; then
/// fully connected layers with leaky ReLU whose learning rate is a hundredth.
class Mapping : public torch::nn::Module {
 public:
  explicit Mapping(const MappingOptions& options);
  torch::Tensor forward(const torch::Tensor& z, const torch::Tensor& labels);

 private:
  MappingOptions options_;
  nn::EqualizedLinear embed_{nullptr};
  std::vector<nn::EqualizedLinear> layers_;
};

}  // namespace nodulus::models
