#include "nodulus/sample/ode.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "nodulus/sample/levels.h"

namespace nodulus::sample {

using torch::Tensor;

namespace {

/// The number of the step, from 1, in which a sampler that goes by levels would be at sigma.
std::int64_t step_at(const SamplerInput& input, double sigma) {
  // The first and last levels went through a logarithm.
  const auto passed = std::count_if(input.sigmas.begin(), input.sigmas.end(),
                                    [&](double level) { return level > 0 && sigma <= level * (1 + 1e-12); });
  return std::max<std::int64_t>(passed, 1);
}

/// D of images each at its own level, sigma [n].
Tensor denoised_each(const SamplerInput& input, const Tensor& x, const Tensor& sigma, const Tensor& rows) {
  Tensor clean = (input.denoiser_of ? input.denoiser_of(rows) : input.denoiser)(x, sigma);
  if (clean.isfinite().all().item<bool>()) return clean;
  for (std::int64_t i = 0; i < x.size(0); ++i) {
    const double level = sigma[i].item<double>();
    require_finite(clean[i], step_at(input, level), static_cast<std::int64_t>(input.sigmas.size()) - 1, level);
  }
  return clean;
}

}  // namespace

Tensor ode(const SamplerInput& input, const OdeTolerance& tolerance) {
  const auto steps = static_cast<std::int64_t>(input.sigmas.size()) - 1;
  const double lowest = input.sigmas[static_cast<std::size_t>(steps - 1)];
  std::int64_t told = 0;
  OdeReport report;
  report.name_time = [](double u) { return fmt::format("sigma {:.4g}", std::exp(u)); };
  report.on_reached = [&](double u) {
    while (told < step_at(input, std::exp(u)) - 1) input.on_step(++told, steps);
  };
  const VectorField field = [&](const Tensor& u, const Tensor& y, const Tensor& rows) {
    std::vector<std::int64_t> shape = input.x.sizes().vec();
    shape.front() = y.size(0);
    const Tensor x = y.view(shape);
    Tensor sigma = u.clone();  // by std::exp: the vectorised one rounds otherwise at the end of a tensor than within
    for (std::int64_t i = 0; i < sigma.numel(); ++i) sigma.data_ptr<double>()[i] = std::exp(u[i].item<double>());
    return (x - denoised_each(input, x, sigma, rows)).flatten(1);
  };
  const Tensor y =
      dormand_prince(field, input.x.flatten(1), std::log(input.sigmas.front()), std::log(lowest), tolerance, report);
  Tensor clean = denoised(input, y.view(input.x.sizes()), lowest, steps - 1);
  while (told < steps) input.on_step(++told, steps);
  return clean;
}

}  // namespace nodulus::sample
