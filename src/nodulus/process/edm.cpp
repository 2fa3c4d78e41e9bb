#include "nodulus/process/edm.h"

#include <fmt/format.h>

#include <cmath>
#include <numbers>

#include "nodulus/core/error.h"

namespace nodulus::process {

using torch::Tensor;

namespace {

/// c_skip, c_out and c_in of each image, for multiplying with images.
struct Coefficients {
  Tensor skip;
  Tensor out;
  Tensor in;
};

Coefficients coefficients(const Tensor& sigma, double sigma_data) {
  const Tensor s = sigma.view({-1, 1, 1, 1});
  const Tensor sum = s.square() + sigma_data * sigma_data;
  return {sigma_data * sigma_data / sum, s * sigma_data / sum.sqrt(), sum.rsqrt()};
}

/// ln(sigma) / 4, by std::log: a vectorised one may round a number otherwise where it stands in another place.
Tensor c_noise(const Tensor& sigma) {
  const Tensor on_cpu = sigma.cpu();
  Tensor result = torch::empty(on_cpu.sizes(), torch::kFloat);
  for (std::int64_t i = 0; i < on_cpu.numel(); ++i)
    result.data_ptr<float>()[i] = static_cast<float>(std::log(on_cpu.data_ptr<double>()[i]) / 4);
  return result.to(sigma.device());
}

}  // namespace

void Edm::describe(Options& options) {
  options.add("edm.sigma_data", sigma_data_, "deviation of the clean images").between(1e-3, 10);
  options.add("edm.p_mean", p_mean_, "mean of ln(sigma) in training").between(-20, 20);
  options.add("edm.p_std", p_std_, "deviation of ln(sigma) in training").between(1e-3, 20);
  options.add("edm.sigma_min", sigma_min_, "lowest noise level of sampling").between(1e-6, 1e3);
  options.add("edm.sigma_max", sigma_max_, "highest noise level of sampling").between(1e-3, 1e6);
}

void Edm::prepare(NoiseLabels /*labels*/) {
  if (sigma_max_ <= sigma_min_)
    throw Error(ErrorCode::usage,
                fmt::format("edm: sigma_max must be > sigma_min, found {} <= {}", sigma_max_, sigma_min_));
  sde_ = make_karras_sde(sigma_max_);
}

Tensor Edm::loss(const NetworkFunction& network, const Tensor& clean, const TrainingDraw& draw) const {
  // A normal number from a uniform one; the half unit keeps away from the infinite ends.
  const Tensor uniform = (draw.uniform + std::ldexp(1.0, -25)).clamp(1e-12, 1 - 1e-12);
  const Tensor normal = std::numbers::sqrt2 * torch::erfinv(2 * uniform - 1);
  const Tensor sigma = (p_mean_ + p_std_ * normal).exp();
  const Coefficients c = coefficients(sigma, sigma_data_);
  const auto type = clean.scalar_type();
  const Tensor x = clean + sigma.view({-1, 1, 1, 1}).to(type) * draw.noise;
  const Tensor target = (clean - c.skip.to(type) * x) / c.out.to(type);
  return (network(c.in.to(type) * x, c_noise(sigma)).to(torch::kFloat) - target).square().flatten(1).mean(1);
}

Denoiser Edm::denoiser(NetworkFunction network) const {
  return [this, network = std::move(network)](const Tensor& x, const Tensor& sigma) {
    const Tensor level = sigma.to(x.device());
    const Coefficients c = coefficients(level, sigma_data_);
    const Tensor f = network((c.in * x).to(torch::kFloat), c_noise(level)).to(torch::kDouble);
    return c.skip * x + c.out * f;
  };
}

std::vector<double> Edm::noise_levels(int steps) const {
  if (steps < 1) throw Error(ErrorCode::usage, fmt::format("expected 1 step or more, found {}", steps));
  constexpr double rho = 7;
  const double first = std::pow(sigma_max_, 1 / rho);
  const double last = std::pow(sigma_min_, 1 / rho);
  std::vector<double> levels{sigma_max_};
  for (int i = 1; i < steps; ++i) levels.push_back(std::pow(first + (last - first) * i / (steps - 1), rho));
  levels.push_back(0);
  return levels;
}

}  // namespace nodulus::process
