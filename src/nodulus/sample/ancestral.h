#pragma once

#include "nodulus/sample/levels.h"

namespace nodulus::sample {

/// Variance of a reverse step (Ho et al. 2020, section 3.2): the posterior's given the clean image (small), or that of
/// the forward step (large). The two bound the true one.
enum class StepVariance { small, large };

/// Ancestral sampling, Ho et al. 2020, algorithm 2, in the unscaled form of Denoiser. From level s to level r < s:
///   x' = D + (r^2 / s^2) (x - D) + c z
///   small: c^2 = r^2 (s^2 - r^2) / s^2                     (eq. 7)
///   large: c^2 = (scale_s / scale_r)^2 (s^2 - r^2)         (beta_t of the step, in this scale)
/// scale: of the input's SDE; without one the variance-preserving 1 / sqrt(1 + s^2), which is Ho's. The step to 0
/// returns D.
torch::Tensor ancestral(const SamplerInput& input, StepVariance variance);

/// c^2 of the step from level `from` to `to`. `sde` may be null.
double ancestral_variance(const process::Sde* sde, StepVariance variance, double from, double to);

/// One step, with the deviation c. z: standard normal, of the shape of x.
torch::Tensor ancestral_step(const LevelStep& step, double c, const torch::Tensor& z);

}  // namespace nodulus::sample
