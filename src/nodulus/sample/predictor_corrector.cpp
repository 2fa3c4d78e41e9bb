#include "nodulus/sample/predictor_corrector.h"

#include <cmath>

#include "nodulus/core/error.h"
#include "nodulus/sample/ancestral.h"
#include "nodulus/sample/euler_maruyama.h"
#include "nodulus/sample/image_norms.h"
#include "nodulus/sample/own_scale.h"
#include "nodulus/sample/reverse_diffusion.h"

namespace nodulus::sample {

using torch::Tensor;

namespace {

/// e of each image, [N, 1, 1, 1], or [1] where it is the same for all.
Tensor step_size(const PredictorCorrectorOptions& options, const Tensor& gradient, const Tensor& z, double a,
                 double deviation) {
  if (options.corrector == Corrector::annealed_langevin)
    return torch::full({1}, 2 * a * std::pow(options.snr * deviation, 2), gradient.options());
  const std::vector<double> noise = image_norms(z);
  std::vector<double> sizes = image_norms(gradient);
  for (std::size_t i = 0; i < sizes.size(); ++i) sizes[i] = 2 * a * std::pow(options.snr * noise[i] / sizes[i], 2);
  return by_image(sizes, gradient);
}

/// A Langevin step at level.from, unscaled x to unscaled x.
Tensor corrected(const SamplerInput& input, const PredictorCorrectorOptions& options, const Tensor& x,
                 const Level& level, const Tensor& z) {
  const OwnScale at = own_scale(sde_of(input), level.from, level.to);
  const double ratio = at.s_from / at.s_to;
  const Tensor x_t = at.s_from * x;
  const Tensor gradient = score(x_t, denoised(input, x, level.from, level.number), at.s_from, level.from);
  const Tensor e = step_size(options, gradient, z, ratio * ratio, at.s_from * level.from);
  return (x_t + e * gradient + (2 * e).sqrt() * z) / at.s_from;
}

Tensor predicted(const process::Sde& sde, Predictor predictor, const LevelStep& step, const Tensor& z) {
  if (predictor == Predictor::reverse_diffusion) return reverse_diffusion_step(sde, step, z);
  if (predictor == Predictor::euler_maruyama) return euler_maruyama_step(sde, step, z);
  const bool drifts = sde.drift(sde.time_of(step.from)) != 0;
  const StepVariance variance = drifts ? StepVariance::large : StepVariance::small;
  return ancestral_step(step, std::sqrt(ancestral_variance(&sde, variance, step.from, step.to)), z);
}

}  // namespace

std::int64_t corrections(const PredictorCorrectorOptions& options) {
  return options.corrector == Corrector::none ? 0 : options.corrector_steps;
}

Tensor predictor_corrector(const SamplerInput& input, const PredictorCorrectorOptions& options) {
  const process::Sde& sde = sde_of(input);
  const std::int64_t M = corrections(options);
  if (options.predictor == Predictor::none && M == 0)
    throw Error(ErrorCode::usage, "predictor-corrector: expected a predictor or a corrector, found neither");
  return down_levels(input, [&](Tensor x, const Level& level) {
    const std::int64_t first = level.number * (M + 1);  // of the step's noises
    for (std::int64_t j = 0; j < M; ++j) x = corrected(input, options, x, level, input.noise(first + j));
    if (options.predictor == Predictor::none && level.to > 0) {
      const OwnScale at = own_scale(sde, level.from, level.to);
      return x * (at.s_from / at.s_to);
    }
    Tensor clean = denoised(input, x, level.from, level.number);
    if (level.to == 0) return clean;
    return predicted(sde, options.predictor, {x, clean, level.from, level.to, level.number}, input.noise(first + M));
  });
}

}  // namespace nodulus::sample
