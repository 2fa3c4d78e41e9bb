#pragma once

#include "nodulus/sample/sampler.h"

namespace nodulus::sample {

/// Variance of a reverse step (Ho et al. 2020, section 3.2): the posterior's given the clean image (small), or that of
/// the forward step (large). The two bound the true one.
enum class StepVariance { small, large };

/// Ancestral sampling, Ho et al. 2020, algorithm 2, in the unscaled form of Denoiser. From level s to level r < s:
///   x' = D + (r^2 / s^2) (x - D) + c z
///   small: c^2 = r^2 (s^2 - r^2) / s^2            (eq. 7)
///   large: c^2 = (s^2 - r^2) (1 + r^2) / (1 + s^2)  (beta_t of the step, in this scale)
/// The step to 0 returns D.
torch::Tensor ancestral(const SamplerInput& input, StepVariance variance);

}  // namespace nodulus::sample
