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

/// Of a normalisation: what norm_groups() says with epsilon 1e-6, or, of the form `adm`, 32 groups with 1e-5.
struct NormForm {
  std::int64_t groups;
  double eps;
};
NormForm norm_form(std::int64_t channels, bool adm);

/// a + b, divided by sqrt 2 where `rescale` (Song et al. 2021, section 4.4).
torch::Tensor residual_sum(const torch::Tensor& a, const torch::Tensor& b, bool rescale);

struct ResidualBlockOptions {
  enum class Size { same, halved, doubled };
  std::int64_t embedding = 0;
  double dropout = 0;
  bool rescale = false;  ///< Divide the sum by sqrt 2.
  bool fir = false;      ///< Resample with the filter of nn/fir.h.
  double shortcut_init_scale = 1.0;
  Size size = Size::same;
  bool scale_shift = false;  ///< W act(t) scales and shifts the second norm: norm(h) (1 + scale) + shift.
  bool adm = false;          ///< Norms and shortcuts as UnetOptions::form has them.
};

/// x + conv(dropout(act(norm(conv(act(norm(x))) + W act(t))))), with a 1x1 convolution on x where channels or size
/// change. A block that changes the size resamples x and act(norm(x)) (Brock et al. 2019, arXiv 1809.11096, figure 15).
class ResidualBlockImpl : public torch::nn::Module {
 public:
  ResidualBlockImpl(std::int64_t in, std::int64_t out, const ResidualBlockOptions& options);
  /// x [N, in, H, W]; activated_embedding [N or 1, embedding], silu already applied. Returns [N, out, H, W], or half or
  /// twice that height and width.
  torch::Tensor forward(const torch::Tensor& x, const torch::Tensor& activated_embedding);

 private:
  [[nodiscard]] torch::Tensor resampled(const torch::Tensor& x) const;

  nn::GroupNormSilu norm1_;
  nn::Conv2d conv1_;
  nn::Linear time_;
  nn::GroupNormSilu norm2_;
  nn::Conv2d conv2_;
  nn::Conv2d shortcut_{nullptr};
  ResidualBlockOptions options_;
};
TORCH_MODULE(ResidualBlock);

struct AttentionBlockOptions {
  bool rescale = false;
  double init_scale = 1.0;
  std::int64_t heads = 1;  ///< Of which each attends by its share of the channels.
  bool adm = false;
};

/// Self-attention over pixels, added to its input (Wang et al. 2018, embedded Gaussian).
class AttentionBlockImpl : public torch::nn::Module {
 public:
  AttentionBlockImpl(std::int64_t channels, const AttentionBlockOptions& options);
  torch::Tensor forward(const torch::Tensor& x);

 private:
  nn::GroupNorm norm_;
  nn::Conv2d query_key_value_;
  nn::Conv2d projection_;
  bool rescale_;
  std::int64_t heads_;
};
TORCH_MODULE(AttentionBlock);

}  // namespace nodulus::models
