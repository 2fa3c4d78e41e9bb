#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>

#include "nodulus/models/stylegan2.h"
#include "nodulus/sample/image_source.h"

namespace nodulus::sample {

struct GanParts {
  std::shared_ptr<models::StyleGan2Generator> generator;
  double truncation = 1;  ///< psi: styles are moved towards their mean, truer and less varied below 1.
  models::LayerNoise noise = models::LayerNoise::constant;
  std::optional<std::int64_t> class_index;  ///< Of a model with classes, what is asked for; nothing: each as often.
  torch::Device device = torch::kCPU;
  std::function<void(std::int64_t done, std::int64_t total)> on_step;  ///< As SamplerInput's: here one step a batch.
};

/// Images of a StyleGAN2 generator: z, and the noise of the layers where it is random, follow from the image's seed.
class GanSource final : public ImageSource {
 public:
  explicit GanSource(GanParts parts);

  /// [N, C, resolution, resolution] in [-1, 1]. Throws Error{usage} for a condition: `class_index`
  /// says what is asked for.
  torch::Tensor images(std::span<const std::uint64_t> seeds, const Condition& condition) override;
  /// Styles of a seed, [layers, w], truncated.
  [[nodiscard]] torch::Tensor styles_of(std::uint64_t seed) const;
  /// The way from some styles to others, [layers, w]: those of each image are (1 - weight) from + weight to. Noise,
  /// where it is random, is that of `seed` in all.
  torch::Tensor between(const torch::Tensor& from, const torch::Tensor& to, std::span<const double> weights,
                        std::uint64_t seed);
  /// The styles of each seed up to layer `layer`, from there on those of `fine`.
  torch::Tensor mixed(std::span<const std::uint64_t> seeds, std::uint64_t fine, int layer);
  /// Which class the image of a seed is, of a model with classes.
  [[nodiscard]] std::int64_t class_of(std::uint64_t seed) const;
  [[nodiscard]] torch::Device device() const { return parts_.device; }

 private:
  /// [N, w]
  [[nodiscard]] torch::Tensor styles(std::span<const std::uint64_t> seeds) const;
  [[nodiscard]] torch::Tensor synthesized(const torch::Tensor& ws, std::span<const std::uint64_t> seeds) const;

  GanParts parts_;
};

}  // namespace nodulus::sample
