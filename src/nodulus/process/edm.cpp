#include "nodulus/process/edm.h"

#include <fmt/format.h>

#include <cmath>
#include <numbers>

#include "nodulus/core/error.h"

namespace nodulus::process {

using torch::Tensor;

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
  const PreconditioningRows c = preconditioning_rows(*this, sigma, clean.device());
  const auto type = clean.scalar_type();
  const Tensor x = clean + sigma.view({-1, 1, 1, 1}).to(type) * draw.noise;
  const Tensor target = (clean - c.skip.to(type) * x) / c.out.to(type);
  return (network(c.in.to(type) * x, c.c_noise).to(torch::kFloat) - target).square().flatten(1).mean(1);
}

Preconditioning Edm::preconditioning(double sigma) const {
  const double sum = sigma * sigma + sigma_data_ * sigma_data_;
  return {sigma_data_ * sigma_data_ / sum, sigma * sigma_data_ / std::sqrt(sum), 1 / std::sqrt(sum),
          std::log(sigma) / 4};
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
