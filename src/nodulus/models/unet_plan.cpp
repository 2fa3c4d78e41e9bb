#include "nodulus/models/unet_plan.h"

#include <fmt/format.h>

#include <algorithm>

namespace nodulus::models {
namespace {

using Kind = UnetPartKind;

/// Walks down and up, remembering the channels of what it passes.
class UnetPlanner {
 public:
  explicit UnetPlanner(const UnetOptions& options)
      : options_(options),
        resolution_(options.resolution / options.patch),
        image_channels_(options.image_channels * options.patch * options.patch),
        input_channels_(image_channels_),
        resamples_in_blocks_(options.block == "biggan") {}

  std::vector<UnetPart> plan() {
    add(Kind::conv_in, "conv_in", image_channels_, options_.form == "adm" ? level_channels(0) : options_.channels);
    keep();
    const int levels = static_cast<int>(options_.multipliers.size());
    for (int level = 0; level < levels; ++level) down(level);
    add(Kind::residual, "middle1", channels_, channels_);
    add(Kind::attention, "middle_attention", channels_, channels_);
    add(Kind::residual, "middle2", channels_, channels_);
    for (int level = levels; level-- > 0;) up(level);
    if (options_.progressive != "output_skip") add(Kind::conv_out, "", channels_, image_channels_);
    return std::move(parts_);
  }

 private:
  void add(Kind kind, const std::string& name, int in, int out) {
    parts_.push_back({kind, name, in, out, resolution_});
    channels_ = out;
  }

  void keep() {
    parts_.back().keep = true;
    skips_.push_back(channels_);
  }

  [[nodiscard]] bool attends() const {
    const auto& at = options_.attention_resolutions;
    return std::find(at.begin(), at.end(), resolution_) != at.end();
  }

  [[nodiscard]] int level_channels(int level) const {
    return options_.channels * options_.multipliers.at(static_cast<std::size_t>(level));
  }

  void down(int level) {
    for (int block = 0; block < options_.blocks; ++block) {
      const std::string name = fmt::format("down{}_{}", level, block);
      add(Kind::residual, name, channels_, level_channels(level));
      if (attends()) add(Kind::attention, name + "_attention", channels_, channels_);
      keep();
    }
    if (level + 1 == static_cast<int>(options_.multipliers.size())) return;
    resolution_ /= 2;
    add(resamples_in_blocks_ ? Kind::residual_down : Kind::downsample, fmt::format("downsample{}", level), channels_,
        channels_);
    if (options_.progressive_input == "input_skip") {
      add(Kind::input_skip, fmt::format("input_combine{}", level), image_channels_, channels_);
      if (options_.progressive_combine == "cat") channels_ *= 2;
    } else if (options_.progressive_input == "residual") {
      add(Kind::input_residual, fmt::format("input_downsample{}", level), input_channels_, channels_);
      input_channels_ = channels_;
    }
    keep();
  }

  void up(int level) {
    for (int block = 0; block <= options_.blocks; ++block) {
      const std::string name = fmt::format("up{}_{}", level, block);
      add(Kind::residual, name, channels_ + skips_.back(), level_channels(level));
      parts_.back().takes_skip = true;
      skips_.pop_back();
      if (attends() && (options_.attention_up == "every" || block == options_.blocks))
        add(Kind::attention, name + "_attention", channels_, channels_);
    }
    output(level);
    if (level == 0) return;
    resolution_ *= 2;
    add(resamples_in_blocks_ ? Kind::residual_up : Kind::upsample, fmt::format("upsample{}", level), channels_,
        channels_);
  }

  void output(int level) {
    const bool lowest = level + 1 == static_cast<int>(options_.multipliers.size());
    if (options_.progressive == "output_skip") {
      const int features = channels_;
      add(Kind::output_skip, fmt::format("output{}", level), features, image_channels_);
      channels_ = features;  // the image goes its own way
    } else if (options_.progressive == "residual") {
      add(lowest ? Kind::output_first : Kind::output_residual, fmt::format("output{}", level),
          lowest ? channels_ : output_channels_, channels_);
      output_channels_ = channels_;
    }
  }

  const UnetOptions& options_;
  std::vector<UnetPart> parts_;
  std::vector<int> skips_;  // channels of what is kept for the way up
  int channels_ = 0;
  int resolution_;
  int image_channels_;       // of the squares
  int input_channels_;       // of the shrinking input
  int output_channels_ = 0;  // of the growing output
  bool resamples_in_blocks_;
};

double part_flop(const UnetPart& part, double embedding, const UnetOptions& options) {
  const double pixels = static_cast<double>(part.resolution) * part.resolution;
  const double in = part.in;
  const double out = part.out;
  const double convolution = 2 * 9 * pixels * in * out;
  const double pointwise = 2 * pixels * in * out;
  switch (part.kind) {
    case Kind::residual:
    case Kind::residual_down:
    case Kind::residual_up: {
      const bool shortcut = part.in != part.out || (part.kind != Kind::residual && options.form != "adm");
      const double terms = options.scale_shift ? 2 * out : out;
      return convolution + 2 * 9 * pixels * out * out + 2 * embedding * terms + (shortcut ? pointwise : 0);
    }
    case Kind::attention: return 2 * pixels * (4 * out * out + 2 * pixels * out);
    case Kind::input_skip: return pointwise;
    default: return convolution;
  }
}

}  // namespace

std::vector<UnetPart> unet_parts(const UnetOptions& options) { return UnetPlanner(options).plan(); }

int embedding_features(const UnetOptions& options) {
  return options.embedding == "fourier" ? 2 * options.channels : options.channels;
}

int attention_heads(const UnetOptions& options, int channels) {
  return options.head_channels > 0 ? channels / options.head_channels : options.heads;
}

double forward_flop(const UnetOptions& options) {
  const double embedding = embedding_channels(options);
  double flop = 2 * (embedding_features(options) * embedding + embedding * embedding);
  if (options.labels > 0) flop += 2 * (options.labels * embedding + embedding * embedding);
  for (const UnetPart& part : unet_parts(options)) flop += part_flop(part, embedding, options);
  return flop;
}

}  // namespace nodulus::models
