#include "nodulus/sample/dpmpp_singlestep.h"

#include <cmath>

#include "nodulus/sample/levels.h"

namespace nodulus::sample {

using torch::Tensor;

Tensor dpmpp_sde(const SamplerInput& input, double eta) {
  return through_levels(input, [&](const LevelStep& step) {
    const double h = std::log(step.from / step.to);
    const double half = (1 + eta) * h / 2;
    const double middle = std::sqrt(step.from * step.to);
    const double c = std::sqrt(-std::expm1(-eta * h));
    Tensor u = std::exp(-half) * step.x - std::expm1(-half) * step.clean;
    Tensor noise;
    if (eta > 0) {
      const Tensor first = middle * c * input.noise(2 * step.number);
      u = u + first;
      noise = std::exp(-half) * first + step.to * c * input.noise(2 * step.number + 1);
    }
    const Tensor clean_middle = denoised(input, u, middle, step.number);
    const Tensor x = std::exp(-2 * half) * step.x - std::expm1(-2 * half) * clean_middle;
    return noise.defined() ? x + noise : x;
  });
}

Tensor dpmpp_2s(const SamplerInput& input) { return dpmpp_sde(input, 0); }

}  // namespace nodulus::sample
