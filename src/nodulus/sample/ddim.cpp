#include "nodulus/sample/ddim.h"

#include <cmath>

#include "nodulus/sample/levels.h"

namespace nodulus::sample {

torch::Tensor ddim(const SamplerInput& input, double eta) {
  return through_levels(input, [&](const LevelStep& step) {
    const double c = eta * std::sqrt(posterior_variance(step.from, step.to));
    const double kept = std::sqrt(step.to * step.to - c * c) / step.from;
    const torch::Tensor x = step.clean + kept * (step.x - step.clean);
    return c > 0 ? x + c * input.noise(step.number) : x;
  });
}

}  // namespace nodulus::sample
