#include "nodulus/sample/euler_maruyama.h"

#include <cmath>

#include "nodulus/sample/own_scale.h"

namespace nodulus::sample {

using torch::Tensor;

Tensor euler_maruyama_step(const process::Sde& sde, const LevelStep& step, const Tensor& z) {
  const OwnScale at = own_scale(sde, step.from, step.to);
  const double dt = at.t_from - at.t_to;
  const double f = sde.drift(at.t_from);
  const double g2 = sde.squared_diffusion(at.t_from);
  const Tensor x_t = at.s_from * step.x;
  // eq. 6
  const Tensor drift = f * x_t - g2 * score(x_t, step.clean, at.s_from, step.from);
  return (x_t - drift * dt + std::sqrt(g2 * dt) * z) / at.s_to;
}

Tensor euler_maruyama(const SamplerInput& input) {
  const process::Sde& sde = sde_of(input);
  return through_levels(
      input, [&](const LevelStep& step) { return euler_maruyama_step(sde, step, input.noise(step.number)); });
}

}  // namespace nodulus::sample
