#pragma once

#include "nodulus/sample/sampler.h"

namespace nodulus::sample {

/// DPM-Solver++(2M), Lu et al. 2022 (arXiv 2211.01095), algorithm 2, in the unscaled form of Denoiser, where
/// lambda = -ln sigma. From level s to r < s, with h = ln(s / r) and h_last that of the step before:
///   D~ = D + (h / (2 h_last)) (D - D_last)         (first step: D~ = D)
///   x' = (r / s) x + (1 - e^-h) D~
/// The step to 0 returns D, which is the rule's own first-order step there.
torch::Tensor dpmpp_2m(const SamplerInput& input);

/// SDE-DPM-Solver++(2M), the same paper, section 5 (its eta is 1):
///   x' = (r / s) e^(-eta h) x + (1 - e^(-(1 + eta) h)) D~ + r sqrt(1 - e^(-2 eta h)) z
/// eta = 0 is dpmpp_2m().
torch::Tensor dpmpp_2m_sde(const SamplerInput& input, double eta);

}  // namespace nodulus::sample
