#include <fmt/format.h>

#include <cmath>

#include "nodulus/core/error.h"
#include "nodulus/models/stylegan2.h"
#include "nodulus/models/stylegan2_mapping.h"
#include "nodulus/nn/equalized.h"
#include "nodulus/nn/fir.h"
#include "nodulus/nn/modulated_conv.h"

namespace nodulus::models {
namespace {

using torch::Tensor;

constexpr int first_resolution = 4;

}  // namespace

/// A convolution with a style, noise and leaky ReLU.
class StyledLayer : public torch::nn::Module {
 public:
  StyledLayer(std::int64_t in, std::int64_t out, const StyleGan2Options& options, int resolution, bool up)
      : resolution_(resolution), up_(up) {
    activation_.clamp = options.clamp;
    affine_ = register_module("affine", nn::EqualizedLinear(options.w, in, nn::EqualizedLinearOptions{true, 1}));
    weight_ = register_parameter("weight", torch::randn({out, in, 3, 3}));
    constant_ = register_buffer("noise_const", torch::randn({resolution, resolution}));
    strength_ = register_parameter("noise_strength", torch::zeros({}));
    bias_ = register_parameter("bias", torch::zeros({out}));
  }

  /// `random`: the noise of each image, undefined for none of that kind.
  Tensor forward(const Tensor& x, const Tensor& w, LayerNoise noise, const Tensor& random) {
    nn::Preactivation terms;
    terms.bias = bias_;
    if (noise != LayerNoise::none) {
      terms.noise = noise == LayerNoise::random ? random : constant_.view({1, 1, resolution_, resolution_});
      terms.strength = strength_;
    }
    return nn::modulated_conv(x, {weight_, affine_(w), true, up_}, terms, activation_);
  }
  [[nodiscard]] int resolution() const { return resolution_; }

 private:
  nn::EqualizedLinear affine_{nullptr};
  Tensor weight_;
  Tensor constant_;
  Tensor strength_;
  Tensor bias_;
  nn::Activation activation_;
  int resolution_;
  bool up_;
};

/// Features to an image's channels: 1x1, modulated without demodulation.
class ToImage : public torch::nn::Module {
 public:
  ToImage(std::int64_t in, const StyleGan2Options& options) : gain_(1 / std::sqrt(static_cast<double>(in))) {
    affine_ = register_module("affine", nn::EqualizedLinear(options.w, in, nn::EqualizedLinearOptions{true, 1}));
    weight_ = register_parameter("weight", torch::randn({options.image_channels, in, 1, 1}));
    bias_ = register_parameter("bias", torch::zeros({options.image_channels}));
    activation_.clamp = options.clamp;
  }

  Tensor forward(const Tensor& x, const Tensor& w) {
    nn::Preactivation terms;
    terms.bias = bias_;
    return nn::modulated_conv(x, {weight_, affine_(w) * gain_, false, false}, terms, activation_);
  }

 private:
  nn::EqualizedLinear affine_{nullptr};
  Tensor weight_;
  Tensor bias_;
  nn::Activation activation_ = nn::Activation::none();
  double gain_;
};

/// The "skip" architecture: every resolution adds its image to the one below it, twice enlarged.
class Synthesis : public torch::nn::Module {
 public:
  explicit Synthesis(const StyleGan2Options& options) {
    for (int resolution = first_resolution; resolution <= options.resolution; resolution *= 2) {
      const std::int64_t out = options.channels(resolution);
      auto block = std::make_shared<torch::nn::Module>();
      auto layer = [&](const char* name, std::int64_t in, bool up) {
        layers_.push_back(
            block->register_module(name, std::make_shared<StyledLayer>(in, out, options, resolution, up)));
      };
      if (resolution == first_resolution) {
        first_ = block->register_parameter("const", torch::randn({out, resolution, resolution}));
      } else {
        layer("conv0", options.channels(resolution / 2), true);
      }
      layer("conv1", out, false);
      to_image_.push_back(block->register_module("torgb", std::make_shared<ToImage>(out, options)));
      register_module(fmt::format("b{}", resolution), block);
    }
  }

  Tensor forward(const Tensor& ws, LayerNoise noise, const NoiseDraw& draw) {
    const std::int64_t count = ws.size(0);
    Tensor x = first_.unsqueeze(0).expand({count, -1, -1, -1});
    Tensor image;
    std::size_t next_image = 0;
    for (std::size_t i = 0; i < layers_.size(); ++i) {
      StyledLayer& layer = *layers_[i];
      Tensor random;
      if (noise == LayerNoise::random) {
        random = draw ? draw(static_cast<int>(i), count, layer.resolution()).to(ws.device())
                      : torch::randn({count, 1, layer.resolution(), layer.resolution()}, ws.options());
      }
      x = layer.forward(x, ws.select(1, static_cast<std::int64_t>(i)), noise, random);
      if (i % 2 != 0) continue;  // the first of a block, but for the block that has one alone
      const Tensor y = to_image_[next_image++]->forward(x, ws.select(1, static_cast<std::int64_t>(i) + 1));
      image = image.defined() ? nn::fir(image, nn::fir_up) + y : y;
    }
    return image;
  }

 private:
  Tensor first_;
  std::vector<std::shared_ptr<StyledLayer>> layers_;
  std::vector<std::shared_ptr<ToImage>> to_image_;
};

StyleGan2Generator::StyleGan2Generator(const StyleGan2Options& options) : options_(options) {
  layers_ = 0;
  for (int r = first_resolution; r <= options.resolution; r *= 2) layers_ += 2;
  mapping_ = register_module("mapping", std::make_shared<Mapping>(MappingOptions{options.z, options.labels, options.w,
                                                                                 options.mapping_layers}));
  synthesis_ = register_module("synthesis", std::make_shared<Synthesis>(options));
  mean_ = register_buffer("w_avg", torch::zeros({options.w}));
}

Tensor StyleGan2Generator::map(const Tensor& z, const Tensor& labels) { return mapping_->forward(z, labels); }

Tensor StyleGan2Generator::broadcast(const Tensor& w, double psi) const {
  const Tensor kept = psi == 1 ? w : mean_.lerp(w, psi);
  return kept.unsqueeze(1).expand({-1, layers_, -1});
}

Tensor StyleGan2Generator::synthesize(const Tensor& ws, LayerNoise noise, const NoiseDraw& draw) {
  return synthesis_->forward(ws, noise, draw);
}

void StyleGan2Generator::track(const Tensor& w, double decay) {
  const torch::NoGradGuard no_grad;
  mean_.copy_(w.detach().mean(0).lerp(mean_, decay));
}

std::shared_ptr<StyleGan2Generator> make_generator(const StyleGan2Options& options) {
  check(options);
  return std::make_shared<StyleGan2Generator>(options);
}

}  // namespace nodulus::models
