#include "nodulus/sample/dpmpp_multistep.h"

#include <cmath>

#include "nodulus/sample/levels.h"

namespace nodulus::sample {

using torch::Tensor;

Tensor dpmpp_2m_sde(const SamplerInput& input, double eta) {
  Tensor clean_last;
  double h_last = 0;
  return through_levels(input, [&](const LevelStep& step) {
    const double h = std::log(step.from / step.to);
    const Tensor guess = step.number == 0 ? step.clean : step.clean + (h / (2 * h_last)) * (step.clean - clean_last);
    clean_last = step.clean;
    h_last = h;
    const Tensor x = std::exp(-(1 + eta) * h) * step.x - std::expm1(-(1 + eta) * h) * guess;
    return eta > 0 ? x + step.to * std::sqrt(-std::expm1(-2 * eta * h)) * input.noise(step.number) : x;
  });
}

Tensor dpmpp_2m(const SamplerInput& input) { return dpmpp_2m_sde(input, 0); }

}  // namespace nodulus::sample
