#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "nodulus/core/error.h"
#include "nodulus/models/stylegan2.h"
#include "nodulus/models/stylegan2_mapping.h"
#include "nodulus/nn/equalized.h"

namespace nodulus::models {
namespace {

using torch::Tensor;

constexpr int last_resolution = 4;
constexpr int label_layers = 8;
const double half_power = std::sqrt(0.5);  // of each of two branches that are added

/// Numbers the discriminator's layers from the image on, to say which are trained.
class LayerCount {
 public:
  explicit LayerCount(int frozen) : frozen_(frozen) {}
  bool next_is_trained() { return count_++ >= frozen_; }

 private:
  int frozen_;
  int count_ = 0;
};

nn::EqualizedConvOptions conv_options(const StyleGan2Options& options, std::int64_t kernel) {
  nn::EqualizedConvOptions conv;
  conv.kernel = kernel;
  conv.activation = nn::Activation{};
  conv.activation.clamp = options.clamp;
  return conv;
}

/// One resolution: two convolutions, the second to half the size, and a 1x1 beside them where it is residual.
class DiscriminatorBlock : public torch::nn::Module {
 public:
  DiscriminatorBlock(const StyleGan2Options& options, int resolution, LayerCount& layers) {
    const std::int64_t in = options.channels(resolution);
    const std::int64_t out = options.channels(resolution / 2);
    nn::EqualizedConvOptions conv = conv_options(options, 1);
    if (resolution == options.resolution) {
      conv.trained = layers.next_is_trained();
      from_image_ = register_module("fromrgb", nn::EqualizedConv(options.image_channels, in, conv));
    }
    conv.kernel = 3;
    conv.trained = layers.next_is_trained();
    first_ = register_module("conv0", nn::EqualizedConv(in, in, conv));
    conv.down = true;
    conv.trained = layers.next_is_trained();
    second_ = register_module("conv1", nn::EqualizedConv(in, out, conv));
    if (options.discriminator != "resnet") return;
    nn::EqualizedConvOptions skip;
    skip.kernel = 1;
    skip.bias = false;
    skip.down = true;
    skip.trained = layers.next_is_trained();
    skip_ = register_module("skip", nn::EqualizedConv(in, out, skip));
  }

  Tensor forward(const Tensor& images_or_features) {
    const Tensor x = from_image_.is_empty() ? images_or_features : from_image_(images_or_features);
    if (skip_.is_empty()) return second_(first_(x));
    return skip_(x, half_power) + second_(first_(x), half_power);
  }

 private:
  nn::EqualizedConv from_image_{nullptr};
  nn::EqualizedConv first_{nullptr};
  nn::EqualizedConv second_{nullptr};
  nn::EqualizedConv skip_{nullptr};
};

/// x [N, C, H, W] with one more channel: the mean over channels and pixels of the deviation over the images of a group.
/// Image i is in group i mod (N / group).
Tensor with_deviation(const Tensor& x, std::int64_t group) {
  const std::int64_t images = x.size(0);
  const std::int64_t size = std::min(group, images);
  TORCH_CHECK(images % size == 0, "[StyleGan2Discriminator] the batch must be a multiple of the group of ", size,
              ". Received ", images, ".");
  const Tensor y = x.reshape({size, images / size, -1});
  const Tensor variance = (y - y.mean(0)).square().mean(0);
  const Tensor deviation = (variance + 1e-8).sqrt().mean(1);  // [N / group]
  return torch::cat({x, deviation.repeat({size}).view({images, 1, 1, 1}).expand({-1, 1, x.size(2), x.size(3)})}, 1);
}

/// 4x4 features to a number: minibatch deviation, a convolution, two fully connected layers.
class Epilogue : public torch::nn::Module {
 public:
  Epilogue(const StyleGan2Options& options, std::int64_t outputs) : group_(options.group) {
    const std::int64_t channels = options.channels(last_resolution);
    nn::EqualizedLinearOptions hidden;
    hidden.activation = nn::Activation{};
    conv_ = register_module("conv", nn::EqualizedConv(channels + 1, channels, conv_options(options, 3)));
    hidden_ =
        register_module("fc", nn::EqualizedLinear(channels * last_resolution * last_resolution, channels, hidden));
    out_ = register_module("out", nn::EqualizedLinear(channels, outputs));
  }

  Tensor forward(const Tensor& x) { return out_(hidden_(conv_(with_deviation(x, group_)).flatten(1))); }

 private:
  std::int64_t group_;
  nn::EqualizedConv conv_{nullptr};
  nn::EqualizedLinear hidden_{nullptr};
  nn::EqualizedLinear out_{nullptr};
};

/// Conditional by projection: with labels, the last layer's features times those of the labels.
class Discriminator final : public StyleGan2Discriminator {
 public:
  explicit Discriminator(const StyleGan2Options& options) : StyleGan2Discriminator(options) {
    LayerCount layers(options.freeze);
    for (int resolution = options.resolution; resolution > last_resolution; resolution /= 2)
      blocks_.push_back(register_module(fmt::format("b{}", resolution),
                                        std::make_shared<DiscriminatorBlock>(options, resolution, layers)));
    const int features = options.labels > 0 ? options.channels(last_resolution) : 1;
    if (options.labels > 0)
      mapping_ = register_module("mapping",
                                 std::make_shared<Mapping>(MappingOptions{0, options.labels, features, label_layers}));
    epilogue_ = register_module("b4", std::make_shared<Epilogue>(options, features));
  }

  Tensor forward(const Tensor& images, const Tensor& labels) override {
    Tensor x = images;
    for (auto& block : blocks_) x = block->forward(x);
    x = epilogue_->forward(x);
    if (!mapping_) return x;
    const double gain = 1 / std::sqrt(static_cast<double>(x.size(1)));
    return (x * mapping_->forward({}, labels)).sum(1, true) * gain;
  }

 private:
  std::vector<std::shared_ptr<DiscriminatorBlock>> blocks_;
  std::shared_ptr<Mapping> mapping_;
  std::shared_ptr<Epilogue> epilogue_;
};

}  // namespace

std::shared_ptr<StyleGan2Discriminator> make_discriminator(const StyleGan2Options& options) {
  check(options);
  return std::make_shared<Discriminator>(options);
}

}  // namespace nodulus::models
