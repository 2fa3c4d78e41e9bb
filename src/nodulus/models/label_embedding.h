#pragma once

#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>
#include <torch/types.h>

#include "nodulus/nn/layers.h"

namespace nodulus::models {

/// What a network adds to its embedding of the noise level for labels: two layers, the second 0 at first, so that a
/// training begins as one without labels.
class LabelEmbeddingImpl : public torch::nn::Module {
 public:
  LabelEmbeddingImpl(std::int64_t labels, std::int64_t channels);
  /// labels [N, D] or undefined for all unknown -> [N, channels] or [1, channels].
  torch::Tensor forward(const torch::Tensor& labels);

 private:
  std::int64_t labels_;
  nn::Linear first_{nullptr};
  nn::Linear second_{nullptr};
};
TORCH_MODULE(LabelEmbedding);

/// embedding [N or 1, channels], with that of the labels added where the network takes some.
torch::Tensor with_labels(const torch::Tensor& embedding, LabelEmbedding& module, const torch::Tensor& labels);

}  // namespace nodulus::models
