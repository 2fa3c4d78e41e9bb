#pragma once

#include <torch/types.h>

#include <cstdint>
#include <functional>
#include <vector>

#include "nodulus/models/stylegan2.h"

namespace nodulus::sample {

/// Settings of projection (Karras et al. 2020a, arXiv 1912.04958, appendix D).
struct ProjectionOptions {
  std::int64_t steps = 1000;
  std::int64_t mean_samples = 10000;  ///< Styles from which mean and deviation are taken.
  double learning_rate = 0.1;         ///< The highest.
  double ramp_up = 0.05;              ///< Share of the steps in which it rises from 0
  double ramp_down = 0.25;            ///< and falls to 0.
  double style_noise = 0.05;          ///< Noise on the style at the start, in deviations
  double style_noise_until = 0.75;    ///< which is gone after this share of the steps.
  double noise_regularisation = 1e5;  ///< Holds the layers' noise to be noise, not to draw the image.
  bool style_a_layer = false;         ///< A style for each layer: nearer to the target, further from what was learnt.
  std::uint64_t seed = 0;
};

struct Projection {
  torch::Tensor styles;              ///< [layers, w]
  std::vector<torch::Tensor> noise;  ///< Of each layer that has noise, [1, 1, r, r].
  torch::Tensor image;               ///< [1, C, H, W] in [-1, 1], what the two make.
  double first_distance = 0;         ///< Of the mean style's image from the target.
  double distance = 0;               ///< Of `image`.
};

/// Called after each step with the distance then; may throw to stop.
using ProjectionProgress = std::function<void(std::int64_t done, double distance)>;

/// The styles, and the noise of the layers, whose image is nearest to the target [1, C, H, W] in [-1, 1] as
/// nn::PerceptualDistance sees it; where the target has fewer channels than the model, in those alone. The generator is
/// in evaluation and on the target's device. Throws Error{internal} where the search diverges.
Projection project(models::StyleGan2Generator& generator, const torch::Tensor& target, const ProjectionOptions& options,
                   const ProjectionProgress& on_step);

/// The image of styles [layers, w] and noise that a projection found.
torch::Tensor image_of(models::StyleGan2Generator& generator, const torch::Tensor& styles,
                       const std::vector<torch::Tensor>& noise);

}  // namespace nodulus::sample
