#include "nodulus/sample/ancestral.h"

#include <cmath>

#include "nodulus/sample/own_scale.h"

namespace nodulus::sample {

double ancestral_variance(const process::Sde* sde, StepVariance variance, double from, double to) {
  if (variance == StepVariance::small) return posterior_variance(from, to);
  const double s2 = from * from;
  const double r2 = to * to;
  if (sde == nullptr) return (s2 - r2) * (1 + r2) / (1 + s2);
  const OwnScale at = own_scale(*sde, from, to);
  const double ratio = at.s_from / at.s_to;
  return ratio * ratio * (s2 - r2);
}

torch::Tensor ancestral_step(const LevelStep& step, double c, const torch::Tensor& z) {
  const double kept = step.to * step.to / (step.from * step.from);
  return step.clean + kept * (step.x - step.clean) + c * z;
}

torch::Tensor ancestral(const SamplerInput& input, StepVariance variance) {
  return through_levels(input, [&](const LevelStep& step) {
    const double c2 = ancestral_variance(input.sde, variance, step.from, step.to);
    return ancestral_step(step, std::sqrt(c2), input.noise(step.number));
  });
}

}  // namespace nodulus::sample
