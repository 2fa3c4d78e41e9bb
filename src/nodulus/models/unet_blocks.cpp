#include "nodulus/models/unet_blocks.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "nodulus/models/unet_resampling.h"

namespace nodulus::models {
namespace {

using torch::Tensor;
using Size = ResidualBlockOptions::Size;
constexpr double norm_eps = 1e-6;

}  // namespace

std::int64_t norm_groups(std::int64_t channels) {
  std::int64_t groups = std::clamp<std::int64_t>(channels / 4, 1, 32);
  while (channels % groups != 0) --groups;
  return groups;
}

Tensor residual_sum(const Tensor& a, const Tensor& b, bool rescale) {
  Tensor sum = a + b;
  return rescale ? sum.mul_(std::numbers::sqrt2 / 2) : sum;
}

ResidualBlockImpl::ResidualBlockImpl(std::int64_t in, std::int64_t out, const ResidualBlockOptions& options)
    : norm1_(register_module("norm1", nn::GroupNormSilu(in, norm_groups(in), norm_eps))),
      conv1_(register_module("conv1", nn::Conv2d(in, out))),
      time_(register_module("time", nn::Linear(options.embedding, out))),
      norm2_(register_module("norm2", nn::GroupNormSilu(out, norm_groups(out), norm_eps))),
      conv2_(register_module("conv2", nn::Conv2d(out, out, nn::Conv2dOptions{3, 1, 0.0}))),
      options_(options) {
  if (in == out && options.size == Size::same) return;
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
  h = h + time_(activated_embedding).unsqueeze(-1).unsqueeze(-1);
  h = torch::dropout(norm2_(h), options_.dropout, is_training());
  h = conv2_(h);
  return residual_sum(shortcut_.is_empty() ? x : shortcut_(resampled(x)), h, options_.rescale);
}

AttentionBlockImpl::AttentionBlockImpl(std::int64_t channels, bool rescale, double init_scale)
    : norm_(register_module("norm", nn::GroupNorm(channels, norm_groups(channels), norm_eps))),
      query_key_value_(register_module("query_key_value", nn::Conv2d(channels, 3 * channels, nn::Conv2dOptions{1}))),
      projection_(register_module("projection", nn::Conv2d(channels, channels, nn::Conv2dOptions{1, 1, 0.0}))),
      rescale_(rescale) {
  // Each of the three is a layer of its own to the initialiser: fan-out is `channels`, not three times that.
  for (const Tensor& part : query_key_value_->weight().chunk(3, 0)) nn::variance_scaling_(part, init_scale);
}

Tensor AttentionBlockImpl::forward(const Tensor& x) {
  const auto n = x.size(0);
  const auto c = x.size(1);
  const auto parts = query_key_value_(norm_(x)).reshape({n, 3, c, x.size(2) * x.size(3)}).unbind(1);
  // weights[n, i, j]: how much pixel i takes from pixel j.
  const Tensor scores = torch::bmm(parts[0].transpose(1, 2), parts[1]) * (1.0 / std::sqrt(static_cast<double>(c)));
  const Tensor weights = torch::softmax(scores, -1);
  const Tensor h = torch::bmm(parts[2], weights.transpose(1, 2)).reshape(x.sizes());
  return residual_sum(x, projection_(h), rescale_);
}

}  // namespace nodulus::models
