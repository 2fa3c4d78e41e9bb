#pragma once

#include <functional>
#include <memory>
#include <span>

#include "nodulus/models/stylegan2.h"
#include "nodulus/sample/image_source.h"

namespace nodulus::sample {

struct GanParts {
  std::shared_ptr<models::StyleGan2Generator> generator;
  double truncation = 1;  ///< psi: styles are moved towards their mean, truer and less varied below 1.
  models::LayerNoise noise = models::LayerNoise::constant;
  torch::Device device = torch::kCPU;
  std::function<void(std::int64_t done, std::int64_t total)> on_step;  ///< As SamplerInput's: here one step a batch.
};

/// Images of a StyleGAN2 generator: z, and the noise of the layers where it is random, follow from the image's seed.
class GanSource final : public ImageSource {
 public:
  explicit GanSource(GanParts parts);

  torch::Tensor images(std::span<const std::uint64_t> seeds, const torch::Tensor& labels) override;
  /// Styles of a seed, [layers, w], truncated. labels [1, D] or undefined.
  [[nodiscard]] torch::Tensor styles_of(std::uint64_t seed, const torch::Tensor& labels) const;
  /// The way from some styles to others, [layers, w]: those of each image are (1 - weight) from + weight to. Noise,
  /// where it is random, is that of `seed` in all.
  torch::Tensor between(const torch::Tensor& from, const torch::Tensor& to, std::span<const double> weights,
                        std::uint64_t seed);
  /// The styles of each seed up to layer `layer`, from there on those of `fine`.
  torch::Tensor mixed(std::span<const std::uint64_t> seeds, std::uint64_t fine, int layer, const torch::Tensor& labels);
  [[nodiscard]] torch::Device device() const { return parts_.device; }

 private:
  /// [N, w]
  [[nodiscard]] torch::Tensor styles(std::span<const std::uint64_t> seeds, const torch::Tensor& labels) const;
  [[nodiscard]] torch::Tensor synthesized(const torch::Tensor& ws, std::span<const std::uint64_t> seeds) const;

  GanParts parts_;
};

}  // namespace nodulus::sample
