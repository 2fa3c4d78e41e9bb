#include "nodulus/sample/ancestral.h"

#include <cmath>

#include "nodulus/sample/levels.h"

namespace nodulus::sample {

torch::Tensor ancestral(const SamplerInput& input, StepVariance variance) {
  return through_levels(input, [&](const LevelStep& step) {
    const double s2 = step.from * step.from;
    const double r2 = step.to * step.to;
    const double c2 =
        variance == StepVariance::small ? posterior_variance(step.from, step.to) : (s2 - r2) * (1 + r2) / (1 + s2);
    return step.clean + (r2 / s2) * (step.x - step.clean) + std::sqrt(c2) * input.noise(step.number);
  });
}

}  // namespace nodulus::sample
