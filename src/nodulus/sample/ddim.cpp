#include "nodulus/sample/ddim.h"

#include <cmath>

namespace nodulus::sample {

torch::Tensor ddim(const SamplerInput& input, double eta) {
  torch::Tensor x = input.x;
  const auto steps = static_cast<std::int64_t>(input.sigmas.size()) - 1;
  for (std::int64_t i = 0; i < steps; ++i) {
    const double s = input.sigmas[static_cast<std::size_t>(i)];
    const double r = input.sigmas[static_cast<std::size_t>(i) + 1];
    const torch::Tensor clean = input.denoiser(x, torch::full({1}, s, torch::kDouble));
    if (r == 0) {
      x = clean;
    } else {
      const double c = eta * std::sqrt(r * r * (s * s - r * r) / (s * s));
      x = clean + (std::sqrt(r * r - c * c) / s) * (x - clean);
      if (c > 0) x = x + c * input.noise(i);
    }
    input.on_step(i + 1, steps);
  }
  return x;
}

}  // namespace nodulus::sample
