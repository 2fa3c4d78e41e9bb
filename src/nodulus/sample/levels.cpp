#include "nodulus/sample/levels.h"

#include <fmt/format.h>

#include "nodulus/core/error.h"

namespace nodulus::sample {

using torch::Tensor;

namespace {

std::int64_t steps_of(const SamplerInput& input) { return static_cast<std::int64_t>(input.sigmas.size()) - 1; }

}  // namespace

Tensor through_levels(const SamplerInput& input, const StepRule& rule) {
  return down_levels(input, [&](const Tensor& x, const Level& level) {
    const Tensor clean = denoised(input, x, level.from, level.number);
    return level.to == 0 ? clean : rule({x, clean, level.from, level.to, level.number});
  });
}

Tensor down_levels(const SamplerInput& input, const LevelRule& rule) {
  Tensor x = input.x;
  const std::int64_t steps = steps_of(input);
  for (std::int64_t i = 0; i < steps; ++i) {
    const auto at = static_cast<std::size_t>(i);
    x = rule(x, {input.sigmas[at], input.sigmas[at + 1], i});
    input.on_step(i + 1, steps);
  }
  return x;
}

Tensor denoised(const SamplerInput& input, const Tensor& x, double sigma, std::int64_t number) {
  Tensor clean = input.denoiser(x, torch::full({1}, sigma, torch::kDouble));
  require_finite(clean, number + 1, steps_of(input), sigma);
  return clean;
}

void require_finite(const Tensor& answer, std::int64_t step, std::int64_t steps, double sigma) {
  if (answer.isfinite().all().item<bool>()) return;
  throw Error(ErrorCode::bad_input,
              fmt::format("the network answered with {} at step {} of {}, sigma {:.4g}",
                          answer.isnan().any().item<bool>() ? "NaN" : "infinity", step, steps, sigma));
}

double posterior_variance(double from, double to) { return to * to * (from * from - to * to) / (from * from); }

}  // namespace nodulus::sample
