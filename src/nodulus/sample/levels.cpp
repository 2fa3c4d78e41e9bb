#include "nodulus/sample/levels.h"

namespace nodulus::sample {

torch::Tensor through_levels(const SamplerInput& input, const StepRule& rule) {
  torch::Tensor x = input.x;
  const auto steps = static_cast<std::int64_t>(input.sigmas.size()) - 1;
  for (std::int64_t i = 0; i < steps; ++i) {
    const double from = input.sigmas[static_cast<std::size_t>(i)];
    const double to = input.sigmas[static_cast<std::size_t>(i) + 1];
    const torch::Tensor clean = input.denoiser(x, torch::full({1}, from, torch::kDouble));
    x = to == 0 ? clean : rule({x, clean, from, to, i});
    input.on_step(i + 1, steps);
  }
  return x;
}

double posterior_variance(double from, double to) { return to * to * (from * from - to * to) / (from * from); }

}  // namespace nodulus::sample
