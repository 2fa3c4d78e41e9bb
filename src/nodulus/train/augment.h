#pragma once

#include <torch/types.h>

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "nodulus/core/options.h"

namespace nodulus::train {

/// The augmentations that a discriminator sees its images through (Karras et al. 2020b, arXiv 2006.06676, appendix B):
/// how probable each is relative to p, and how strong. The defaults of the strengths are the paper's.
struct AugmentOptions {
  // Pixels moved, but not resampled.
  double flip = 0;
  double quarter_turns = 0;
  double shift = 0;           ///< by whole pixels
  double shift_most = 0.125;  ///< of the image's side
  // Geometry.
  double scale = 0;
  double rotate = 0;
  double stretch = 0;              ///< Anisotropic scaling.
  double move = 0;                 ///< by fractions of a pixel
  double scale_deviation = 0.2;    ///< of log2
  double stretch_deviation = 0.2;  ///< of log2
  double move_deviation = 0.125;   ///< of the image's side
  // Intensity: of the CT alone.
  double brightness = 0;
  double contrast = 0;
  double luma_flip = 0;
  double hue = 0;         ///< Three channels only.
  double saturation = 0;  ///< Three channels only.
  double brightness_deviation = 0.2;
  double contrast_deviation = 0.5;  ///< of log2
  double saturation_deviation = 1;  ///< of log2
  // Corruption: of the CT alone.
  double filter = 0;
  double filter_deviation = 1;  ///< of log2, for each of four bands
  double noise = 0;
  double noise_deviation = 0.1;
  double cutout = 0;
  double cutout_size = 0.5;  ///< of the image's side
};

/// The paper's pipelines: "blit", "geom", "color", "filter", "noise", "cutout", and "bg", "bgc", "bgcf", "bgcfn",
/// "bgcfnc". Throws Error{usage} for another.
AugmentOptions augment_pipeline(std::string_view name);
std::vector<std::string> augment_pipeline_names();

/// All probabilities -1: for settings that stand in place of a pipeline's where they are not.
AugmentOptions augment_unset();
/// The pipeline with those probabilities of `parts` that are not -1, and all its strengths.
AugmentOptions with_parts(AugmentOptions pipeline, const AugmentOptions& parts);
/// A setting `augment.NAME` for each of them.
void describe_augment(Options& options, AugmentOptions& parts);

constexpr std::size_t filter_bands = 4;

/// What is done to one image. The defaults do nothing.
struct Augmentation {
  bool flip = false;
  int quarter_turns = 0;
  std::array<double, 2> shift{0, 0};  ///< Columns and rows, of the image's side; rounded to pixels.
  double scale = 1;
  double turn_before = 0;  ///< Radians, before the stretch.
  double stretch = 1;      ///< The width by it, the height by its inverse.
  double turn_after = 0;
  std::array<double, 2> move{0, 0};  ///< Columns and rows, of the image's side.
  double brightness = 0;
  double contrast = 1;
  bool luma_flip = false;
  double hue = 0;  ///< Radians.
  double saturation = 1;
  std::array<double, filter_bands> gains{1, 1, 1, 1};  ///< Of the bands from the lowest; their power is kept.
  double noise = 0;                                    ///< Deviation.
  double cutout = 0;                                   ///< Side of the square, of the image's side.
  std::array<double, 2> cutout_centre{0, 0};
};

/// Draws what is done to sample `number`, each augmentation with probability p times its own: a function of (seed,
/// number) alone.
Augmentation draw_augmentation(const AugmentOptions& options, double p, std::uint64_t seed, std::uint64_t number);

/// [2, 3] float64: where pixel (column, row, 1), from the image's centre, of the augmented image comes from.
torch::Tensor inverse_map(const Augmentation& augmentation, std::int64_t rows, std::int64_t columns);

/// images [N, C, H, W] augmented, image i by `all[i]`. One channel is CT, two are CT and mask, three colour. Noise is a
/// function of (seed, numbers[i]). Differentiable any number of times in the images.
torch::Tensor augment(const torch::Tensor& images, std::span<const Augmentation> all, std::uint64_t seed,
                      std::span<const std::uint64_t> numbers);

}  // namespace nodulus::train
