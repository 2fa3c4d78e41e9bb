#pragma once

#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>
#include <torch/types.h>

#include "nodulus/nn/group_norm_silu.h"
#include "nodulus/nn/layers.h"

namespace nodulus::models {

/// Groups of the normalisation: 32, or a quarter of the channels where those are few (Song et al. 2021), lowered to the
/// next divisor where that does not divide the channels.
std::int64_t norm_groups(std::int64_t channels);

/// x + conv(dropout(act(norm(conv(act(norm(x))) + W act(t))))), with a 1x1 convolution on x where channels change.
class ResidualBlockImpl : public torch::nn::Module {
 public:
  ResidualBlockImpl(std::int64_t in, std::int64_t out, std::int64_t embedding, double dropout);
  /// x [N, in, H, W]; activated_embedding [N or 1, embedding], silu already applied. Returns [N, out, H, W].
  torch::Tensor forward(const torch::Tensor& x, const torch::Tensor& activated_embedding);

 private:
  nn::GroupNormSilu norm1_;
  nn::Conv2d conv1_;
  nn::Linear time_;
  nn::GroupNormSilu norm2_;
  nn::Conv2d conv2_;
  nn::Conv2d shortcut_{nullptr};
  double dropout_;
};
TORCH_MODULE(ResidualBlock);

/// Single-head self-attention over pixels, added to its input (Wang et al. 2018, embedded Gaussian).
class AttentionBlockImpl : public torch::nn::Module {
 public:
  explicit AttentionBlockImpl(std::int64_t channels);
  torch::Tensor forward(const torch::Tensor& x);

 private:
  nn::GroupNorm norm_;
  nn::Conv2d query_key_value_;
  nn::Conv2d projection_;
};
TORCH_MODULE(AttentionBlock);

/// Halves height and width: 3x3 convolution of stride 2, zeros added below and to the right only.
class DownsampleImpl : public torch::nn::Module {
 public:
  explicit DownsampleImpl(std::int64_t channels);
  torch::Tensor forward(const torch::Tensor& x);

 private:
  nn::Conv2d conv_;
};
TORCH_MODULE(Downsample);

/// Doubles height and width: each pixel repeated, then a 3x3 convolution.
class UpsampleImpl : public torch::nn::Module {
 public:
  explicit UpsampleImpl(std::int64_t channels);
  torch::Tensor forward(const torch::Tensor& x);

 private:
  nn::Conv2d conv_;
};
TORCH_MODULE(Upsample);

}  // namespace nodulus::models
