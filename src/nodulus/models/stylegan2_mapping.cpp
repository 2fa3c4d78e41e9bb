#include "nodulus/models/stylegan2_mapping.h"

#include <fmt/format.h>

namespace nodulus::models {
namespace {

using torch::Tensor;

/// x / sqrt(mean(x^2) + 1e-8), each row by itself.
Tensor unit_mean_square(const Tensor& x) { return x * (x.square().mean(1, true) + 1e-8).rsqrt(); }

}  // namespace

Mapping::Mapping(const MappingOptions& options) : options_(options) {
  int in = options.z;
  if (options.labels > 0) {
    embed_ = register_module("embed", nn::EqualizedLinear(options.labels, options.w));
    in += options.w;
  }
  nn::EqualizedLinearOptions layer;
  layer.learning_rate_multiplier = 0.01;
  layer.activation = nn::Activation{};
  for (int i = 0; i < options.layers; ++i) {
    layers_.push_back(register_module(fmt::format("fc{}", i), nn::EqualizedLinear(in, options.w, layer)));
    in = options.w;
  }
}

Tensor Mapping::forward(const Tensor& z, const Tensor& labels) {
  Tensor x;
  if (options_.z > 0) x = unit_mean_square(z);
  if (options_.labels > 0) {
    const Tensor y = unit_mean_square(embed_(labels));
    x = x.defined() ? torch::cat({x, y}, 1) : y;
  }
  for (auto& layer : layers_) x = layer(x);
  return x;
}

}  // namespace nodulus::models
