#pragma once

#include <functional>

#include "nodulus/sample/sampler.h"

namespace nodulus::sample {

/// From noise level `from` down to `to`, which is 0 in the last step.
struct Level {
  double from;
  double to;
  std::int64_t number;  ///< Of the step, from 0.
};

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

/// The same for a sampler that asks the denoiser itself, in the step to 0 too.
using LevelRule = std::function<torch::Tensor(const torch::Tensor& x, const Level& level)>;

/// Goes down the noise levels with one evaluation a step before the rule's own; the step to 0 takes D. So do all
/// samplers: below the lowest level that a network has learnt, its D is all that is known.
torch::Tensor through_levels(const SamplerInput& input, const StepRule& rule);

/// Goes down the noise levels by `rule`.
torch::Tensor down_levels(const SamplerInput& input, const LevelRule& rule);

/// D(x; sigma), asked for in step `number`. Throws what require_finite() throws.
torch::Tensor denoised(const SamplerInput& input, const torch::Tensor& x, double sigma, std::int64_t number);

/// Throws Error{bad_input} "the network answered with NaN at step 12 of 50, sigma 3.2" unless all of `answer` is
/// finite. `step` counts from 1.
void require_finite(const torch::Tensor& answer, std::int64_t step, std::int64_t steps, double sigma);

/// Variance of level `to` given level `from` and the clean image: to^2 (from^2 - to^2) / from^2 (Ho et al. 2020, eq. 7,
/// in the unscaled form of Denoiser).
double posterior_variance(double from, double to);

}  // namespace nodulus::sample
