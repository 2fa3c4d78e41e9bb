#include "nodulus/models/unet_blocks.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

#include "nodulus/models/unet_resampling.h"

namespace nodulus::models {
namespace {

using torch::Tensor;
using Size = ResidualBlockOptions::Size;

nn::GroupNormSilu norm_silu(std::int64_t channels, bool adm) {
  const NormForm form = norm_form(channels, adm);
  return nn::GroupNormSilu(channels, form.groups, form.eps);
}

nn::GroupNorm plain_norm(std::int64_t channels, bool adm) {
  const NormForm form = norm_form(channels, adm);
  return nn::GroupNorm(channels, form.groups, form.eps);
}

}  // namespace

std::int64_t norm_groups(std::int64_t channels) {
  std::int64_t groups = std::clamp<std::int64_t>(channels / 4, 1, 32);
  while (channels % groups != 0) --groups;
  return groups;
}

NormForm norm_form(std::int64_t channels, bool adm) {
  // Where 32 do not divide the channels, as no network of theirs has them: the most that do.
  if (adm) return {std::gcd(channels, std::int64_t{32}), 1e-5};
  return {norm_groups(channels), 1e-6};
}

Tensor residual_sum(const Tensor& a, const Tensor& b, bool rescale) {
  Tensor sum = a + b;
  return rescale ? sum.mul_(std::numbers::sqrt2 / 2) : sum;
}

ResidualBlockImpl::ResidualBlockImpl(std::int64_t in, std::int64_t out, const ResidualBlockOptions& options)
    : norm1_(register_module("norm1", norm_silu(in, options.adm))),
      conv1_(register_module("conv1", nn::Conv2d(in, out))),
      time_(register_module("time", nn::Linear(options.embedding, options.scale_shift ? 2 * out : out))),
      norm2_(register_module("norm2", norm_silu(out, options.adm))),
      conv2_(register_module("conv2", nn::Conv2d(out, out, nn::Conv2dOptions{3, 1, 0.0}))),
      options_(options) {
  if (in == out && (options.size == Size::same || options.adm)) return;
  shortcut_ = register_module("shortcut", nn::Conv2d(in, out, nn::Conv2dOptions{1, 1, options.shortcut_init_scale}));
}

Tensor ResidualBlockImpl::resampled(const Tensor& x) const {
  switch (options_.size) {
    case Size::halved: return halved(x, options_.fir);
    case Size::doubled: return doubled(x, options_.fir);
    default: return x;
  }
}

Tensor ResidualBlockImpl::forward(const Tensor& x, const Tensor& activated_embedding) {
  Tensor h = conv1_(resampled(norm1_(x)));
  const Tensor terms = time_(activated_embedding);
  if (options_.scale_shift) {
    const auto parts = terms.chunk(2, 1);
    h = norm2_->scaled(h, parts[0], parts[1]);
  } else {
    h = norm2_(h + terms.unsqueeze(-1).unsqueeze(-1));
  }
  h = conv2_(torch::dropout(h, options_.dropout, is_training()));
  const Tensor same = resampled(x);
  return residual_sum(shortcut_.is_empty() ? same : shortcut_(same), h, options_.rescale);
}

AttentionBlockImpl::AttentionBlockImpl(std::int64_t channels, const AttentionBlockOptions& options)
    : norm_(register_module("norm", plain_norm(channels, options.adm))),
      query_key_value_(register_module("query_key_value", nn::Conv2d(channels, 3 * channels, nn::Conv2dOptions{1}))),
      projection_(register_module("projection", nn::Conv2d(channels, channels, nn::Conv2dOptions{1, 1, 0.0}))),
      rescale_(options.rescale),
      heads_(options.heads) {
  // Each of the three is a layer of its own to the initialiser: fan-out is `channels`, not three times that.
  for (const Tensor& part : query_key_value_->weight().chunk(3, 0)) nn::variance_scaling_(part, options.init_scale);
}

Tensor AttentionBlockImpl::forward(const Tensor& x) {
  const auto c = x.size(1);
  const auto own = c / heads_;  // channels of a head
  const auto pixels = x.size(2) * x.size(3);
  const auto parts = query_key_value_(norm_(x)).reshape({-1, 3, c, pixels}).unbind(1);
  const auto of_heads = [&](const Tensor& part) { return heads_ == 1 ? part : part.reshape({-1, own, pixels}); };
  const Tensor query = of_heads(parts[0]);
  const Tensor key = of_heads(parts[1]);
  // weights[n, i, j]: how much pixel i takes from pixel j; n counts images and heads.
  const Tensor scores = torch::bmm(query.transpose(1, 2), key) * (1.0 / std::sqrt(static_cast<double>(own)));
  const Tensor weights = torch::softmax(scores, -1);
  const Tensor h = torch::bmm(of_heads(parts[2]), weights.transpose(1, 2)).reshape({-1, c, x.size(2), x.size(3)});
  return residual_sum(x, projection_(h), rescale_);
}

}  // namespace nodulus::models
