#include "nodulus/models/scorenet.h"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <numeric>

#include "nodulus/core/error.h"
#include "nodulus/models/label_embedding.h"
#include "nodulus/nn/group_norm_silu.h"
#include "nodulus/nn/layers.h"
#include "nodulus/nn/time_embedding.h"

namespace nodulus::models {
namespace {

using torch::Tensor;

constexpr double frequency_scale = 30;
constexpr double tutorial_norm_eps = 1e-5;
constexpr int smallest_image = 17;  // smaller ones vanish in the fourth convolution

/// Groups of every normalisation but the first: 32, or the next power of two that divides the channels.
int stage_groups(int channels) { return std::gcd(channels, 32); }

/// Zeros to add on each side, so that four convolutions fit.
int image_margin(int resolution) { return resolution < smallest_image ? (smallest_image - resolution + 1) / 2 : 0; }

/// Heights of the image and of the four stages: 3x3 without padding, strides 1, 2, 2, 2.
std::array<int, 5> stage_sizes(int resolution) {
  std::array<int, 5> sizes{resolution + 2 * image_margin(resolution)};
  sizes[1] = sizes[0] - 2;
  for (std::size_t i = 2; i < sizes.size(); ++i) sizes[i] = (sizes[i - 1] - 3) / 2 + 1;
  return sizes;
}

/// libtorch's own initialiser of convolutions and linear layers, which the tutorial leaves in place: weight and bias
/// from U(-b, b), b = 1 / sqrt(fan-in).
void fill_uniform_fan_in(const torch::nn::Module& network) {
  const torch::NoGradGuard no_grad;
  double bound = 0;
  for (const auto& item : network.named_parameters()) {
    Tensor values = item.value();
    if (item.key().find("norm") != std::string::npos) continue;
    if (values.dim() > 1) bound = 1 / std::sqrt(static_cast<double>(values.numel()) / values.size(0));
    values.uniform_(-bound, bound);  // a bias comes after its weight
  }
}

}  // namespace

/// A convolution, the embedding's share of each channel, normalisation and silu.
template <class Convolution>
struct ScoreNetStage {
  Convolution convolution{nullptr};
  nn::Linear dense{nullptr};
  nn::GroupNormSilu norm{nullptr};

  Tensor finish(const Tensor& h, const Tensor& embedding) {
    return norm(h + dense(embedding).unsqueeze(-1).unsqueeze(-1));
  }
};

namespace {

class ScoreNet final : public Network {
 public:
  explicit ScoreNet(const ScoreNetOptions& options) : margin_(image_margin(options.resolution)) {
    fourier_ = register_module("fourier", nn::FourierFeatures(options.embedding, frequency_scale));
    embed_ = register_module("embed", nn::Linear(options.embedding, options.embedding));
    const std::vector<int>& c = options.channels;
    for (int i = 0; i < 4; ++i) {
      const int in = i == 0 ? options.image_channels : c[i - 1];
      auto convolution = nn::Conv2d(in, c[i], nn::Conv2dOptions{3, i == 0 ? 1 : 2, 1.0, false, false});
      const int groups = i == 0 ? 4 : stage_groups(c[i]);
      down_.push_back(
          {register_module(fmt::format("conv{}", i + 1), convolution), dense(i + 1, options, c[i]),
           register_module(fmt::format("norm{}", i + 1), nn::GroupNormSilu(c[i], groups, tutorial_norm_eps))});
    }
    for (int i = 3; i > 0; --i) {
      const int in = i == 3 ? c[3] : 2 * c[i];
      const int out = c[i - 1];
      up_.push_back({register_module(fmt::format("tconv{}", i + 1), nn::ConvTranspose2d(in, out, 2, false)),
                     dense(8 - i, options, out),
                     register_module(fmt::format("tnorm{}", i + 1),
                                     nn::GroupNormSilu(out, stage_groups(out), tutorial_norm_eps))});
    }
    last_ = register_module("tconv1", nn::ConvTranspose2d(2 * c[0], options.image_channels, 1));
    fill_uniform_fan_in(*this);
    if (options.labels > 0) labels_ = register_module("labels", LabelEmbedding(options.labels, options.embedding));
  }

  Tensor forward(const Tensor& x, const Tensor& c_noise, const Tensor& labels) override {
    const Tensor level = nn::embed_each(c_noise, [this](const Tensor& one) { return embed_(fourier_(one)); });
    const Tensor embedding = torch::silu(with_labels(level, labels_, labels));
    const std::int64_t m = margin_;
    Tensor h = m > 0 ? torch::constant_pad_nd(x, {m, m, m, m}) : x;
    const std::int64_t height = h.size(2);
    const std::int64_t width = h.size(3);
    std::vector<Tensor> stages;
    for (auto& stage : down_) {
      h = stage.finish(stage.convolution(h), embedding);
      stages.push_back(h);
    }
    stages.pop_back();
    for (auto& stage : up_) {
      const Tensor& same_size = stages.back();
      h = stage.finish(stage.convolution(h, same_size.size(2), same_size.size(3)), embedding);
      h = torch::cat({h, same_size}, 1);
      stages.pop_back();
    }
    h = last_(h, height, width);
    return m > 0 ? h.narrow(2, m, x.size(2)).narrow(3, m, x.size(3)).contiguous() : h;
  }

 private:
  nn::Linear dense(int number, const ScoreNetOptions& options, int out) {
    return register_module(fmt::format("dense{}", number), nn::Linear(options.embedding, out));
  }

  int margin_;
  nn::FourierFeatures fourier_{nullptr};
  nn::Linear embed_{nullptr};
  LabelEmbedding labels_{nullptr};
  std::vector<ScoreNetStage<nn::Conv2d>> down_;
  std::vector<ScoreNetStage<nn::ConvTranspose2d>> up_;
  nn::ConvTranspose2d last_{nullptr};
};

}  // namespace

void check(const ScoreNetOptions& options) {
  auto refuse = [](const std::string& why) { throw Error(ErrorCode::usage, "scorenet: " + why); };
  if (options.image_channels < 1) refuse(fmt::format("image channels must be >= 1, found {}", options.image_channels));
  if (options.resolution < 16) refuse(fmt::format("resolution must be >= 16, found {}", options.resolution));
  if (options.channels.size() != 4) refuse(fmt::format("channels must be four, found {}", options.channels.size()));
  for (const int c : options.channels)
    if (c < 4 || c % 4 != 0) refuse(fmt::format("channels must be multiples of 4, found {}", c));
  if (options.embedding < 2 || options.embedding % 2 != 0)
    refuse(fmt::format("embedding must be even and >= 2, found {}", options.embedding));
}

std::shared_ptr<Network> make_scorenet(const ScoreNetOptions& options) {
  check(options);
  return std::make_shared<ScoreNet>(options);
}

double forward_flop(const ScoreNetOptions& options) {
  const std::array<int, 5> sizes = stage_sizes(options.resolution);
  const double embedding = options.embedding;
  auto pixels = [&](std::size_t i) { return static_cast<double>(sizes.at(i)) * sizes.at(i); };
  double flop = 2 * embedding * embedding;
  if (options.labels > 0) flop += 2 * (options.labels * embedding + embedding * embedding);
  double in = options.image_channels;
  for (std::size_t i = 0; i < 4; ++i) {
    const double out = options.channels[i];
    flop += 2 * 9 * pixels(i + 1) * in * out + 2 * embedding * out;
    in = out;
  }
  // A transposed convolution multiplies each pixel of what it is given.
  for (std::size_t i = 4; i-- > 0;) {
    const double out = i > 0 ? options.channels[i - 1] : options.image_channels;
    flop += 2 * 9 * pixels(i + 1) * in * out + (i > 0 ? 2 * embedding * out : 0);
    in = 2 * out;
  }
  return flop;
}

}  // namespace nodulus::models
