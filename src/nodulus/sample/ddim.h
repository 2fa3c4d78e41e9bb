#pragma once

#include "nodulus/sample/sampler.h"

namespace nodulus::sample {

/// DDIM, Song, Meng, Ermon 2021 (arXiv 2010.02502), eq. 12, in the unscaled form of Denoiser. From level s to r < s:
///   c^2 = eta^2 r^2 (s^2 - r^2) / s^2             (eq. 16)
///   x' = D + (sqrt(r^2 - c^2) / s) (x - D) + c z
/// eta = 0 is deterministic (the probability-flow ODE by Euler steps in sigma), eta = 1 is ancestral sampling with the
/// small variance. The step to 0 returns D.
torch::Tensor ddim(const SamplerInput& input, double eta);

}  // namespace nodulus::sample
