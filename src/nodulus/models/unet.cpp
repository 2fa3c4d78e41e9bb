#include "nodulus/models/unet.h"

#include <fmt/format.h>

#include <algorithm>

#include "nodulus/core/error.h"
#include "nodulus/models/unet_blocks.h"
#include "nodulus/nn/layers.h"
#include "nodulus/nn/time_embedding.h"

namespace nodulus::models {

/// A step of the way down or up: a residual block and what may follow it.
struct UnetStep {
  ResidualBlock block{nullptr};
  AttentionBlock attention{nullptr};
};

namespace {

using torch::Tensor;

class Unet final : public Network {
 public:
  explicit Unet(const UnetOptions& options) : options_(options) {
    const int embedding = 4 * options.channels;
    time1_ = register_module("time1", nn::Linear(options.channels, embedding));
    time2_ = register_module("time2", nn::Linear(embedding, embedding));
    conv_in_ = register_module("conv_in", nn::Conv2d(options.image_channels, options.channels));
    const std::vector<int> skips = build_down(embedding);
    const int middle = options.channels * options.multipliers.back();
    middle1_ = register_module("middle1", ResidualBlock(middle, middle, embedding, options.dropout));
    middle_attention_ = register_module("middle_attention", AttentionBlock(middle));
    middle2_ = register_module("middle2", ResidualBlock(middle, middle, embedding, options.dropout));
    build_up(embedding, skips);
    norm_out_ = register_module("norm_out", nn::GroupNormSilu(options.channels, norm_groups(options.channels)));
    conv_out_ =
        register_module("conv_out", nn::Conv2d(options.channels, options.image_channels, nn::Conv2dOptions{3, 1, 0.0}));
  }

  Tensor forward(const Tensor& x, const Tensor& c_noise) override {
    const Tensor t = time_embedding(c_noise);
    std::vector<Tensor> skips{conv_in_(x)};
    Tensor h = skips.back();
    std::size_t next = 0;
    for (std::size_t level = 0; level < options_.multipliers.size(); ++level) {
      for (int block = 0; block < options_.blocks; ++block) {
        h = run(down_.at(next++), h, t);
        skips.push_back(h);
      }
      if (level < downsamples_.size()) {
        h = downsamples_[level](h);
        skips.push_back(h);
      }
    }
    h = middle2_(middle_attention_(middle1_(h, t)), t);
    next = 0;
    for (std::size_t level = options_.multipliers.size(); level-- > 0;) {
      for (int block = 0; block <= options_.blocks; ++block) {
        h = run(up_.at(next++), torch::cat({h, skips.back()}, 1), t);
        skips.pop_back();
      }
      if (level > 0) h = upsamples_.at(upsamples_.size() - level)(h);
    }
    return conv_out_(norm_out_(h));
  }

 private:
  UnetStep make_step(const std::string& name, int in, int out, int embedding, int resolution) {
    UnetStep step;
    step.block = register_module(name, ResidualBlock(in, out, embedding, options_.dropout));
    const auto& at = options_.attention_resolutions;
    if (std::find(at.begin(), at.end(), resolution) != at.end())
      step.attention = register_module(name + "_attention", AttentionBlock(out));
    return step;
  }

  /// Returns the channels of every feature map that the way up will take.
  std::vector<int> build_down(int embedding) {
    std::vector<int> skips{options_.channels};
    int resolution = options_.resolution;
    for (std::size_t level = 0; level < options_.multipliers.size(); ++level) {
      const int out = options_.channels * options_.multipliers[level];
      for (int block = 0; block < options_.blocks; ++block) {
        down_.push_back(make_step(fmt::format("down{}_{}", level, block), skips.back(), out, embedding, resolution));
        skips.push_back(out);
      }
      if (level + 1 == options_.multipliers.size()) break;
      downsamples_.push_back(register_module(fmt::format("downsample{}", level), Downsample(out)));
      skips.push_back(out);
      resolution /= 2;
    }
    return skips;
  }

  void build_up(int embedding, std::vector<int> skips) {
    int in = options_.channels * options_.multipliers.back();
    for (std::size_t level = options_.multipliers.size(); level-- > 0;) {
      const int out = options_.channels * options_.multipliers[level];
      const int resolution = options_.resolution >> level;
      for (int block = 0; block <= options_.blocks; ++block) {
        up_.push_back(make_step(fmt::format("up{}_{}", level, block), in + skips.back(), out, embedding, resolution));
        skips.pop_back();
        in = out;
      }
      if (level > 0) upsamples_.push_back(register_module(fmt::format("upsample{}", level), Upsample(out)));
    }
  }

  Tensor time_embedding(const Tensor& c_noise) {
    const Tensor t = time1_(nn::sinusoidal_embedding(c_noise, options_.channels));
    return torch::silu(time2_(torch::silu(t)));  // every block applies silu first: done once here
  }

  static Tensor run(UnetStep& step, const Tensor& x, const Tensor& t) {
    const Tensor h = step.block(x, t);
    return step.attention.is_empty() ? h : step.attention(h);
  }

  UnetOptions options_;
  nn::Linear time1_{nullptr};
  nn::Linear time2_{nullptr};
  nn::Conv2d conv_in_{nullptr};
  std::vector<UnetStep> down_;
  std::vector<Downsample> downsamples_;
  ResidualBlock middle1_{nullptr};
  AttentionBlock middle_attention_{nullptr};
  ResidualBlock middle2_{nullptr};
  std::vector<UnetStep> up_;
  std::vector<Upsample> upsamples_;
  nn::GroupNormSilu norm_out_{nullptr};
  nn::Conv2d conv_out_{nullptr};
};

/// FLOP of a residual block, with the attention after it where there is one.
double block_flop(double in, double out, double embedding, double pixels, bool attention) {
  const double convolutions = 2 * 9 * pixels * (in * out + out * out) + (in != out ? 2 * pixels * in * out : 0);
  const double attending = attention ? 2 * pixels * (4 * out * out + 2 * pixels * out) : 0;
  return convolutions + 2 * embedding * out + attending;
}

}  // namespace

void check(const UnetOptions& options) {
  auto refuse = [](const std::string& why) { throw Error(ErrorCode::usage, "unet: " + why); };
  if (options.image_channels < 1) refuse(fmt::format("image channels must be >= 1, found {}", options.image_channels));
  if (options.channels < 4 || options.channels % 4 != 0)
    refuse(fmt::format("channels must be a multiple of 4, found {}", options.channels));
  if (options.multipliers.empty() || options.multipliers.size() > 10) refuse("multipliers must name 1 to 10 levels");
  for (const int m : options.multipliers)
    if (m < 1) refuse(fmt::format("multipliers must be >= 1, found {}", m));
  const int divisor = 1 << (options.multipliers.size() - 1);
  if (options.resolution < divisor || options.resolution % divisor != 0)
    refuse(fmt::format("{} levels need a resolution divisible by {}, found {}", options.multipliers.size(), divisor,
                       options.resolution));
  if (options.blocks < 1) refuse(fmt::format("blocks must be >= 1, found {}", options.blocks));
}

std::shared_ptr<Network> make_unet(const UnetOptions& options) {
  check(options);
  return std::make_shared<Unet>(options);
}

double forward_flop(const UnetOptions& options) {
  const double embedding = 4.0 * options.channels;
  double flop = 2 * (options.channels * embedding + embedding * embedding);
  const double pixels_in = static_cast<double>(options.resolution) * options.resolution;
  flop += 2 * 2 * 9 * pixels_in * options.image_channels * options.channels;  // first and last convolution
  auto attends = [&](int resolution) {
    const auto& at = options.attention_resolutions;
    return std::find(at.begin(), at.end(), resolution) != at.end();
  };
  std::vector<int> skips{options.channels};
  int in = options.channels;
  for (std::size_t level = 0; level < options.multipliers.size(); ++level) {
    const int resolution = options.resolution >> level;
    const double pixels = static_cast<double>(resolution) * resolution;
    const int out = options.channels * options.multipliers[level];
    for (int block = 0; block < options.blocks; ++block) {
      flop += block_flop(in, out, embedding, pixels, attends(resolution));
      skips.push_back(in = out);
    }
    if (level + 1 == options.multipliers.size()) break;
    flop += 2 * 9 * pixels / 4 * out * out;
    skips.push_back(out);
  }
  const int smallest = options.resolution >> (options.multipliers.size() - 1);
  const double pixels_middle = static_cast<double>(smallest) * smallest;
  flop += block_flop(in, in, embedding, pixels_middle, true) + block_flop(in, in, embedding, pixels_middle, false);
  for (std::size_t level = options.multipliers.size(); level-- > 0;) {
    const int resolution = options.resolution >> level;
    const double pixels = static_cast<double>(resolution) * resolution;
    const int out = options.channels * options.multipliers[level];
    for (int block = 0; block <= options.blocks; ++block) {
      flop += block_flop(in + skips.back(), out, embedding, pixels, attends(resolution));
      skips.pop_back();
      in = out;
    }
    if (level > 0) flop += 2 * 9 * pixels * 4 * out * out;
  }
  return flop;
}

}  // namespace nodulus::models
