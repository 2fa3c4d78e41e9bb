#include "nodulus/sample/reverse_diffusion.h"

#include <cmath>

#include "nodulus/sample/own_scale.h"

namespace nodulus::sample {

using torch::Tensor;

Tensor reverse_diffusion_step(const process::Sde& sde, const LevelStep& step, const Tensor& z) {
  const OwnScale at = own_scale(sde, step.from, step.to);
  const double a = at.s_from / at.s_to;
  const double G_squared = at.s_from * at.s_from * (step.from * step.from - step.to * step.to);
  const Tensor x_t = at.s_from * step.x;
  // eq. 46
  return ((2 - a) * x_t + G_squared * score(x_t, step.clean, at.s_from, step.from) + std::sqrt(G_squared) * z) /
         at.s_to;
}

Tensor reverse_diffusion(const SamplerInput& input) {
  const process::Sde& sde = sde_of(input);
  return through_levels(
      input, [&](const LevelStep& step) { return reverse_diffusion_step(sde, step, input.noise(step.number)); });
}

}  // namespace nodulus::sample
