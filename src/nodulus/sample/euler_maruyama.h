#pragma once

#include "nodulus/sample/levels.h"

namespace nodulus::sample {

/// The reverse SDE by Euler's rule (Song et al. 2021, arXiv 2011.13456, eq. 6), in the SDE's own time and scale. From
/// t down to t - dt, with x_t = s(t) x:
///   x' = x_t - (f(t) x_t - g(t)^2 score(x_t)) dt + g(t) sqrt(dt) z
/// The times are those of the noise levels. The step to 0 returns D.
torch::Tensor euler_maruyama(const SamplerInput& input);

/// One step of it, unscaled x to unscaled x. z: standard normal, of the shape of x.
torch::Tensor euler_maruyama_step(const process::Sde& sde, const LevelStep& step, const torch::Tensor& z);

}  // namespace nodulus::sample
