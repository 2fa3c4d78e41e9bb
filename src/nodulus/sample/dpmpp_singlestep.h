#pragma once

#include "nodulus/sample/sampler.h"

namespace nodulus::sample {

/// DPM-Solver++(2S), Lu et al. 2022 (arXiv 2211.01095), algorithm 1 with r_1 = 1/2, in the unscaled form of Denoiser,
/// where lambda = -ln sigma. From level s to r < s by way of m = sqrt(s r), the middle in lambda, with h = ln(s / r):
///   u  = e^(-h/2) x + (1 - e^(-h/2)) D(x; s)
///   x' = e^(-h) x + (1 - e^(-h)) D(u; m)
/// The step to 0 returns D(x; s).
torch::Tensor dpmpp_2s(const SamplerInput& input);

/// The same rule for the SDE (the paper's section 5; eta = 1 is the reverse SDE, eta = 0 dpmpp_2s()), k = 1 + eta:
///   u  = e^(-k h/2) x + (1 - e^(-k h/2)) D(x; s) + m c z_1,  c = sqrt(1 - e^(-eta h))
///   x' = e^(-k h) x + (1 - e^(-k h)) D(u; m) + e^(-k h/2) m c z_1 + r c z_2
/// Both halves of the last noise are those of one path of the SDE, the first of them that of u: a noise of its own for
/// u would leave the variance with an error of first order. z_1 and z_2 are noises 2i and 2i + 1 of step i.
torch::Tensor dpmpp_sde(const SamplerInput& input, double eta);

}  // namespace nodulus::sample
