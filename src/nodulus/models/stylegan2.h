#pragma once

#include <torch/nn/module.h>
#include <torch/types.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace nodulus::models {

/// StyleGAN2 as trained with adaptive discriminator augmentation: Karras et al. 2020a (arXiv 1912.04958) and 2020b
/// (arXiv 2006.06676). Trainable parameters with z = w = 512, 2 mapping layers, one image channel and channel_base
/// 16384 at 64x64: generator 22,238,990, discriminator 23,406,849.
struct StyleGan2Options {
  int resolution = 64;  ///< A power of two from 8 on.
  int image_channels = 1;
  int z = 512;
  int w = 512;
  int mapping_layers = 2;
  int channel_base =
      16384;  ///< Channels at a resolution r: min(channel_base / r, channel_max). "fmaps" is this / 32768.
  int channel_max = 512;
  int labels = 0;                        ///< Numbers that an image is asked for by; 0: none.
  std::string discriminator = "resnet";  ///< or "orig", without residual connections
  int group = 4;                         ///< Images over which the discriminator looks at the deviation.
  int freeze = 0;                        ///< First layers of the discriminator that stay as they are (freeze-D).
  double clamp = 0;                      ///< Largest activation, 256 for half precision; 0: no limit.

  [[nodiscard]] int channels(int at_resolution) const;
};

/// Throws Error{usage} naming the first option that makes no network.
void check(const StyleGan2Options& options);

/// What a synthesis layer adds: const, the same for all images; random, anew for each; none.
enum class LayerNoise { constant, random, none };

/// The numbers of a random noise: [N, 1, resolution, resolution] for layer `layer`, counted from 0.
using NoiseDraw = std::function<torch::Tensor(int layer, std::int64_t images, int resolution)>;

class Mapping;
class Synthesis;

/// z and labels -> w -> image. The buffer "w_avg" is the mean of w.
class StyleGan2Generator : public torch::nn::Module {
 public:
  explicit StyleGan2Generator(const StyleGan2Options& options);

  /// Styles of every layer: w of z [N, z] and labels [N, labels] (undefined for none). [N, w].
  torch::Tensor map(const torch::Tensor& z, const torch::Tensor& labels);
  /// w [N, w] -> [N, layers(), w], truncated towards the mean: mean + psi (w - mean).
  [[nodiscard]] torch::Tensor broadcast(const torch::Tensor& w, double psi = 1) const;
  /// ws [N, layers(), w] -> [N, C, resolution, resolution]. `draw` is asked where the noise is random; undefined:
  /// libtorch's own generator.
  torch::Tensor synthesize(const torch::Tensor& ws, LayerNoise noise, const NoiseDraw& draw = {});

  /// Moves the mean of w towards that of a batch: mean = w.mean() + decay (mean - w.mean()).
  void track(const torch::Tensor& w, double decay = 0.995);
  [[nodiscard]] int layers() const { return layers_; }
  [[nodiscard]] const StyleGan2Options& options() const { return options_; }

 private:
  StyleGan2Options options_;
  int layers_;
  std::shared_ptr<Mapping> mapping_;
  std::shared_ptr<Synthesis> synthesis_;
  torch::Tensor mean_;
};

/// images and labels -> [N, 1], positive where they are taken for real. Images of a group (each of N / group groups,
/// interleaved) see one another's deviation.
class StyleGan2Discriminator : public torch::nn::Module {
 public:
  explicit StyleGan2Discriminator(const StyleGan2Options& options) : options_(options) {}
  virtual torch::Tensor forward(const torch::Tensor& images, const torch::Tensor& labels) = 0;
  [[nodiscard]] const StyleGan2Options& options() const { return options_; }

 private:
  StyleGan2Options options_;
};

std::shared_ptr<StyleGan2Generator> make_generator(const StyleGan2Options& options);
std::shared_ptr<StyleGan2Discriminator> make_discriminator(const StyleGan2Options& options);

/// FLOP of one image's forward pass, convolutions and matrix products, 2 a multiply-add.
double generator_flop(const StyleGan2Options& options);
double discriminator_flop(const StyleGan2Options& options);

}  // namespace nodulus::models
