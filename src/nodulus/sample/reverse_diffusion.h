#pragma once

#include "nodulus/sample/levels.h"

namespace nodulus::sample {

/// The reverse diffusion sampler (Song et al. 2021, arXiv 2011.13456, appendix E, eq. 46): the reverse SDE discretised
/// as the forward one is. The forward step from t_to to t_from is x(t_from) = a x(t_to) + G z, exactly, with
///   a = s(t_from) / s(t_to),  G^2 = s(t_from)^2 (sigma_from^2 - sigma_to^2)
/// for VP, sub-VP and VE alike (VP: a^2 = 1 - beta_i, G^2 = beta_i). Backwards, with x_t = s(t) x:
///   x' = (2 - a) x_t + G^2 score(x_t) + G z
/// The step to 0 returns D.
torch::Tensor reverse_diffusion(const SamplerInput& input);

/// One step of it, unscaled x to unscaled x. z: standard normal, of the shape of x.
torch::Tensor reverse_diffusion_step(const process::Sde& sde, const LevelStep& step, const torch::Tensor& z);

}  // namespace nodulus::sample
