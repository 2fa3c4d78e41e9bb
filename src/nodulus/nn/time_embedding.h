#pragma once

#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>
#include <torch/types.h>

#include <vector>

#include "nodulus/nn/plain_operations.h"

namespace nodulus::nn {

/// Sinusoidal embedding of t [N] as [N, dim]: sin(t f_i) then cos(t f_i), f_i = 10000^(-i / (dim/2 - 1)).
/// Vaswani et al. 2017, section 3.5, in the form of Ho et al. 2020 (frequencies end exactly at 1/10000).
torch::Tensor sinusoidal_embedding(const torch::Tensor& t, std::int64_t dim);

/// The same in the form of Nichol and Dhariwal 2021 (arXiv 2102.09672): cos(t f_i) then sin(t f_i),
/// f_i = 10000^(-i / (dim/2)).
torch::Tensor cosine_first_embedding(const torch::Tensor& t, std::int64_t dim);

/// Gaussian Fourier features of t [N] as [N, dim]: sin(2 pi f_i t) then cos(2 pi f_i t), f_i from N(0, scale^2).
/// Tancik et al. 2020 (arXiv 2006.10739); Song et al. 2021 (arXiv 2011.13456, appendix H.2). The frequencies are a
/// buffer, not a parameter: nothing trains them, and a checkpoint need not hold them, for they are the same numbers in
/// every network of the same dim and scale, unless they are given.
class FourierFeaturesImpl : public torch::nn::Module {
 public:
  /// `given`: dim / 2 frequencies to have instead; empty: none.
  FourierFeaturesImpl(std::int64_t dim, double scale, const std::vector<double>& given = {});
  torch::Tensor forward(const torch::Tensor& t);

 private:
  torch::Tensor frequencies_;
};
TORCH_MODULE(FourierFeatures);

/// embed(c_noise) for c_noise [N]; where no gradient is asked for, each element by itself, so that its embedding does
/// not depend on its neighbours in the batch.
template <class Embed>
torch::Tensor embed_each(const torch::Tensor& c_noise, const Embed& embed) {
  if (torch::GradMode::is_enabled() || PlainOperations::active() || c_noise.size(0) < 2) return embed(c_noise);
  std::vector<torch::Tensor> rows;
  for (std::int64_t i = 0; i < c_noise.size(0); ++i) rows.push_back(embed(c_noise.narrow(0, i, 1)));
  return torch::cat(rows);
}

}  // namespace nodulus::nn
