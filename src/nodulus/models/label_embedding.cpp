#include "nodulus/models/label_embedding.h"

namespace nodulus::models {

LabelEmbeddingImpl::LabelEmbeddingImpl(std::int64_t labels, std::int64_t channels) : labels_(labels) {
  first_ = register_module("first", nn::Linear(labels, channels));
  second_ = register_module("second", nn::Linear(channels, channels, 0.0));
}

torch::Tensor LabelEmbeddingImpl::forward(const torch::Tensor& labels) {
  const torch::Tensor given =
      labels.defined() ? labels : torch::zeros({1, labels_}, first_->parameters().front().options());
  TORCH_CHECK(given.dim() == 2 && given.size(1) == labels_, "[LabelEmbedding] labels must be [N, ", labels_,
              "]. Received ", given.sizes(), ".");
  return second_(torch::silu(first_(given)));
}

torch::Tensor with_labels(const torch::Tensor& embedding, LabelEmbedding& module, const torch::Tensor& labels) {
  if (!module.is_empty()) return embedding + module(labels);
  TORCH_CHECK(!labels.defined(), "[Network] labels must be undefined, as the network takes none. Received ",
              labels.sizes(), ".");
  return embedding;
}

}  // namespace nodulus::models
