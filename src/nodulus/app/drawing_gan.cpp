#include <fmt/format.h>

#include <optional>

#include "nodulus/app/drawing.h"
#include "nodulus/app/gan.h"
#include "nodulus/core/error.h"
#include "nodulus/core/numbers.h"
#include "nodulus/sample/gan_source.h"

namespace nodulus::app {
namespace {

struct Mix {
  std::uint64_t seed = 0;
  int layer = 0;
};

class GanDrawing final : public Drawing {
 public:
  GanDrawing(std::filesystem::path checkpoint, const sample::GanParts& parts, const ImageEdit& edit,
             std::optional<Mix> mix, const Asked* asked)
      : checkpoint_(std::move(checkpoint)),
        generator_(parts.generator),
        source_(parts),
        edit_(edit),
        mix_(mix),
        asked_(asked) {
    if (!edit.interpolates()) return;
    noise_seed_ = whole_number(edit.from()).value_or(0);
    from_ = end_of(edit.from());
    to_ = end_of(edit.to());
  }

  torch::Tensor images(std::span<const std::uint64_t> seeds, std::int64_t first) override {
    const torch::Tensor labels = asked_ != nullptr ? asked_->rows(seeds) : torch::Tensor();
    if (mix_) return source_.mixed(seeds, mix_->seed, mix_->layer, labels);
    if (!edit_.interpolates()) return source_.images(seeds, labels);
    return source_.between(from_, to_, edit_.weights(first, seeds.size()), noise_seed_);
  }
  [[nodiscard]] std::string condition(std::int64_t i, std::uint64_t own) const override {
    if (edit_.interpolates()) return edit_.condition(i);
    std::string text = asked_ != nullptr ? asked_->text(own) : "";
    if (mix_) text += fmt::format("{}styles of {} from layer {} on", text.empty() ? "" : "; ", mix_->seed, mix_->layer);
    return text;
  }
  [[nodiscard]] std::uint64_t seed(std::uint64_t own) const override { return edit_.seed(own); }
  [[nodiscard]] std::string sampler() const override { return ""; }
  [[nodiscard]] int steps() const override { return 1; }
  [[nodiscard]] std::int64_t evaluations() const override { return 1; }
  [[nodiscard]] double evaluation_flop() const override { return models::generator_flop(generator_->options()); }
  [[nodiscard]] std::int64_t parameters() const override { return models::parameter_count(*generator_); }

 private:
  /// Styles of one end of --interpolate: a seed, or the folder of a projection.
  [[nodiscard]] torch::Tensor end_of(const std::string& text) const {
    if (const auto seed = whole_number(text)) return source_.styles_of(*seed, labels_of(*seed));
    std::error_code ignored;
    if (!std::filesystem::exists(std::filesystem::path(text) / latent_file, ignored))
      throw Error(ErrorCode::usage,
                  fmt::format("--interpolate: expected seeds or folders that project made, found '{}'", text));
    return read_styles(text, *generator_, checkpoint_).to(source_.device());
  }

  [[nodiscard]] torch::Tensor labels_of(std::uint64_t seed) const {
    return asked_ != nullptr ? asked_->rows({&seed, 1}) : torch::Tensor();
  }

  std::filesystem::path checkpoint_;
  std::shared_ptr<models::StyleGan2Generator> generator_;
  sample::GanSource source_;
  const ImageEdit& edit_;
  std::optional<Mix> mix_;
  const Asked* asked_;
  std::uint64_t noise_seed_ = 0;  // of all images of an interpolation
  torch::Tensor from_;
  torch::Tensor to_;
};

models::LayerNoise layer_noise(const std::string& name) {
  if (name == "random") return models::LayerNoise::random;
  return name == "none" ? models::LayerNoise::none : models::LayerNoise::constant;
}

}  // namespace

void GanDrawingSettings::describe(Options& options) {
  options.add("truncation", truncation_, "of StyleGAN2: styles are moved to their mean, truer and less varied below 1")
      .between(-4, 4);
  options.add("layer_noise", noise_, "of StyleGAN2: the same for all images, each its own, or none")
      .one_of({"const", "random", "none"});
  options.add("mix", mix_, "of StyleGAN2, SEED or SEED:LAYER: from that layer on the styles of that seed");
}

void GanDrawingSettings::refuse(const std::string& family) const {
  const GanDrawingSettings usual;
  if (truncation_ != usual.truncation_ || noise_ != usual.noise_ || mix_ != usual.mix_)
    throw Error(ErrorCode::usage,
                fmt::format("--truncation, --layer-noise and --mix: {} has no styles; expected none of them", family));
}

std::unique_ptr<Drawing> GanDrawingSettings::open(const DrawingRequest& request, ImageEdit& edit) const {
  sample::GanParts parts;
  parts.generator = load_generator(request.checkpoint, request.info, request.device);
  parts.truncation = truncation_;
  parts.noise = layer_noise(noise_);
  parts.device = request.device;
  parts.on_step = request.on_step;
  std::optional<Mix> mix;
  if (!mix_.empty()) {
    const std::size_t colon = mix_.find(':');
    const int layers = parts.generator->layers();
    const auto seed = whole_number(std::string_view(mix_).substr(0, colon));
    const auto layer = colon == std::string::npos ? std::optional<std::uint64_t>(static_cast<std::uint64_t>(layers) / 2)
                                                  : whole_number(std::string_view(mix_).substr(colon + 1));
    if (!seed || !layer || *layer > static_cast<std::uint64_t>(layers))
      throw Error(ErrorCode::usage, fmt::format("--mix: expected a seed, or a seed and a layer of 0 to {} as in 7:4, "
                                                "found '{}'",
                                                layers, mix_));
    mix = Mix{*seed, static_cast<int>(*layer)};
  }
  edit.check_interpolation(request.count);
  if (mix && edit.interpolates())
    throw Error(ErrorCode::usage, "--mix and --interpolate: expected one of them, found both");
  edit.check_region();
  if (!edit.data().empty())
    throw Error(ErrorCode::usage, "--inpaint: expected a model of a diffusion family, found " + request.info.family);
  return std::make_unique<GanDrawing>(request.checkpoint, parts, edit, mix, request.asked);
}

}  // namespace nodulus::app
