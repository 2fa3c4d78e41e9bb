#include "nodulus/models/unet.h"

#include <functional>

#include "nodulus/models/label_embedding.h"
#include "nodulus/models/unet_blocks.h"
#include "nodulus/models/unet_plan.h"
#include "nodulus/models/unet_resampling.h"
#include "nodulus/nn/layers.h"
#include "nodulus/nn/time_embedding.h"

namespace nodulus::models {

/// What flows through the network.
struct UnetFlow {
  torch::Tensor h;                   ///< The features.
  torch::Tensor embedding;           ///< Of c_noise, silu applied: every block applies it first, so it is done once.
  torch::Tensor input;               ///< The shrinking input.
  torch::Tensor output;              ///< The growing output.
  std::vector<torch::Tensor> skips;  ///< What the way up will take.
};

namespace {

using torch::Tensor;
using Kind = UnetPartKind;

class Unet final : public Network {
 public:
  explicit Unet(const UnetOptions& options) : options_(options) {
    const int features = embedding_features(options);
    const int embedding = embedding_channels(options);
    if (options.embedding == "fourier")
      fourier_ =
          register_module("fourier", nn::FourierFeatures(features, options.fourier_scale, options.fourier_frequencies));
    time1_ = register_module("time1", nn::Linear(features, embedding));
    time2_ = register_module("time2", nn::Linear(embedding, embedding));
    if (options.labels > 0) labels_ = register_module("labels", LabelEmbedding(options.labels, embedding));
    for (const UnetPart& part : unet_parts(options)) add(part);
  }

  Tensor forward(const Tensor& x, const Tensor& c_noise, const Tensor& labels) override {
    const Tensor level = nn::embed_each(c_noise, [this](const Tensor& one) { return embed(one); });
    const Tensor embedding = torch::silu(with_labels(level, labels_, labels));
    const Tensor squares = options_.patch > 1 ? torch::pixel_unshuffle(x, options_.patch) : x;
    UnetFlow flow{squares, embedding, squares, {}, {}};
    for (const auto& step : steps_) step(flow);
    const Tensor& result = options_.progressive == "output_skip" ? flow.output : flow.h;
    return options_.patch > 1 ? torch::pixel_shuffle(result, options_.patch) : result;
  }

 private:
  using Step = std::function<void(UnetFlow&)>;

  void add(const UnetPart& part) {
    if (part.takes_skip) {
      steps_.push_back(Step([](UnetFlow& flow) {
        flow.h = torch::cat({flow.h, flow.skips.back()}, 1);
        flow.skips.pop_back();
      }));
    }
    steps_.push_back(make_step(part));
    if (part.keep) steps_.push_back(Step([](UnetFlow& flow) { flow.skips.push_back(flow.h); }));
  }

  /// Registers the part's layers.
  Step make_step(const UnetPart& part) {
    switch (part.kind) {
      case Kind::conv_in: return through(register_module(part.name, nn::Conv2d(part.in, part.out)));
      case Kind::residual:
      case Kind::residual_down:
      case Kind::residual_up: return residual(part);
      case Kind::attention:
        return through(register_module(
            part.name,
            AttentionBlock(part.out, AttentionBlockOptions{options_.skip_rescale, options_.pointwise_init_scale,
                                                           attention_heads(options_, part.out), adm()})));
      case Kind::downsample:
        return through(register_module(part.name, Downsample(part.in, part.out, options_.fir, adm())));
      case Kind::upsample: return through(register_module(part.name, Upsample(part.in, part.out, options_.fir)));
      case Kind::input_skip: return input_skip(part);
      case Kind::input_residual: return input_residual(part);
      case Kind::output_skip: return output_skip(part);
      case Kind::output_first: return output_first(part);
      case Kind::output_residual: return output_residual(part);
      default: break;
    }
    const NormForm form = norm_form(part.in, adm());
    const auto norm = register_module("norm_out", nn::GroupNormSilu(part.in, form.groups, form.eps));
    const auto conv = register_module("conv_out", nn::Conv2d(part.in, part.out, nn::Conv2dOptions{3, 1, 0.0}));
    return [norm, conv](UnetFlow& flow) { flow.h = conv->forward(norm->forward(flow.h)); };
  }

  template <class Layer>
  static Step through(const std::shared_ptr<Layer>& layer) {
    return [layer](UnetFlow& flow) { flow.h = layer->forward(flow.h); };
  }

  Step residual(const UnetPart& part) {
    ResidualBlockOptions options;
    options.embedding = embedding_channels(options_);
    options.dropout = options_.dropout;
    options.rescale = options_.skip_rescale;
    options.fir = options_.fir;
    options.scale_shift = options_.scale_shift;
    options.adm = adm();
    if (options_.block == "ddpm") options.shortcut_init_scale = options_.pointwise_init_scale;
    if (part.kind == Kind::residual_down) options.size = ResidualBlockOptions::Size::halved;
    if (part.kind == Kind::residual_up) options.size = ResidualBlockOptions::Size::doubled;
    const auto block = register_module(part.name, ResidualBlock(part.in, part.out, options));
    return [block](UnetFlow& flow) { flow.h = block->forward(flow.h, flow.embedding); };
  }

  Step input_skip(const UnetPart& part) {
    const auto conv = register_module(part.name, nn::Conv2d(part.in, part.out, nn::Conv2dOptions{1}));
    const bool cat = options_.progressive_combine == "cat";
    return [conv, cat, fir = options_.fir](UnetFlow& flow) {
      flow.input = halved(flow.input, fir);
      const Tensor features = conv->forward(flow.input);
      flow.h = cat ? torch::cat({features, flow.h}, 1) : features + flow.h;
    };
  }

  Step input_residual(const UnetPart& part) {
    const auto downsample = register_module(part.name, Downsample(part.in, part.out, options_.fir));
    return [downsample, rescale = options_.skip_rescale](UnetFlow& flow) {
      flow.h = flow.input = residual_sum(downsample->forward(flow.input), flow.h, rescale);
    };
  }

  Step output_skip(const UnetPart& part) {
    const auto norm = register_module(part.name + "_norm", nn::GroupNormSilu(part.in, norm_groups(part.in)));
    const auto conv = register_module(part.name + "_conv", nn::Conv2d(part.in, part.out, nn::Conv2dOptions{3, 1, 0.0}));
    return [norm, conv, fir = options_.fir](UnetFlow& flow) {
      const Tensor image = conv->forward(norm->forward(flow.h));
      flow.output = flow.output.defined() ? doubled(flow.output, fir) + image : image;
    };
  }

  Step output_first(const UnetPart& part) {
    const auto norm = register_module(part.name + "_norm", nn::GroupNormSilu(part.in, norm_groups(part.in)));
    const auto conv = register_module(part.name + "_conv", nn::Conv2d(part.in, part.out));
    return [norm, conv](UnetFlow& flow) { flow.output = conv->forward(norm->forward(flow.h)); };
  }

  Step output_residual(const UnetPart& part) {
    const auto upsample = register_module(part.name, Upsample(part.in, part.out, options_.fir));
    return [upsample, rescale = options_.skip_rescale](UnetFlow& flow) {
      flow.h = flow.output = residual_sum(upsample->forward(flow.output), flow.h, rescale);
    };
  }

  Tensor embed(const Tensor& c_noise) { return time2_(torch::silu(time1_(noise_features(c_noise)))); }

  Tensor noise_features(const Tensor& c_noise) {
    if (!fourier_.is_empty()) return fourier_(c_noise);
    const auto features = embedding_features(options_);
    return adm() ? nn::cosine_first_embedding(c_noise, features) : nn::sinusoidal_embedding(c_noise, features);
  }

  [[nodiscard]] bool adm() const { return options_.form == "adm"; }

  UnetOptions options_;
  nn::FourierFeatures fourier_{nullptr};
  nn::Linear time1_{nullptr};
  nn::Linear time2_{nullptr};
  LabelEmbedding labels_{nullptr};
  std::vector<Step> steps_;
};

}  // namespace

std::shared_ptr<Network> make_unet(const UnetOptions& options) {
  check(options);
  return std::make_shared<Unet>(options);
}

}  // namespace nodulus::models
