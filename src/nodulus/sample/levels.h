#pragma once

#include <functional>

#include "nodulus/sample/sampler.h"

namespace nodulus::sample {

/// One step of a sampler, from noise level `from` down to `to` > 0.
struct LevelStep {
  const torch::Tensor& x;      ///< At level `from`.
  const torch::Tensor& clean;  ///< The denoiser's D(x; from).
  double from;
  double to;
  std::int64_t number;
};

/// x at level `to`.
using StepRule = std::function<torch::Tensor(const LevelStep& step)>;

/// Goes down the noise levels with one evaluation a step; the step to 0 takes D.
torch::Tensor through_levels(const SamplerInput& input, const StepRule& rule);

/// Variance of level `to` given level `from` and the clean image: to^2 (from^2 - to^2) / from^2 (Ho et al. 2020, eq. 7,
/// in the unscaled form of Denoiser).
double posterior_variance(double from, double to);

}  // namespace nodulus::sample
