#include "nodulus/process/ddpm.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "nodulus/core/error.h"

namespace nodulus::process {

using torch::Tensor;

void Ddpm::describe(Options& options) {
  options.add("ddpm.steps", steps_, "noise levels T").between(2, 100000);
  options.add("ddpm.beta_first", beta_first_, "variance added by the first step").between(1e-9, 0.999);
  options.add("ddpm.beta_last", beta_last_, "variance added by the last step").between(1e-9, 0.999);
}

void Ddpm::prepare(NoiseLabels labels) {
  if (beta_last_ < beta_first_)
    throw Error(ErrorCode::usage,
                fmt::format("ddpm: beta_last must be >= beta_first, found {} < {}", beta_last_, beta_first_));
  alpha_bars_.clear();
  sigmas_.clear();
  double alpha_bar = 1;
  for (int t = 0; t < steps_; ++t) {
    alpha_bar *= 1 - (beta_first_ + (beta_last_ - beta_first_) * t / (steps_ - 1));
    alpha_bars_.push_back(alpha_bar);
    sigmas_.push_back(std::sqrt((1 - alpha_bar) / alpha_bar));
  }
  if (!std::isfinite(sigmas_.back()))
    throw Error(ErrorCode::usage,
                fmt::format("ddpm: {} steps of up to {} leave nothing of the image; expected fewer or smaller ones",
                            steps_, beta_last_));
  sde_ = make_vp_sde(steps_ * beta_first_, steps_ * beta_last_);
  labels_ = labels;
  c_noise_.clear();
  for (int t = 0; t < steps_; ++t) c_noise_.push_back(static_cast<float>(label(t)));
}

double Ddpm::label(double t) const {
  switch (labels_) {
    case NoiseLabels::logarithm: return std::log1p(t);
    case NoiseLabels::time: return t / (steps_ - 1);
    case NoiseLabels::index: break;
  }
  return t;
}

Tensor Ddpm::loss(const NetworkFunction& network, const Tensor& clean, const TrainingDraw& draw) const {
  const Tensor t = (draw.uniform * steps_).to(torch::kLong).clamp(0, steps_ - 1);
  const Tensor all = torch::tensor(alpha_bars_, torch::kDouble).to(clean.device());
  const Tensor alpha_bar = all.index_select(0, t).view({-1, 1, 1, 1});
  const Tensor x_t = alpha_bar.sqrt().to(clean.dtype()) * clean + (1 - alpha_bar).sqrt().to(clean.dtype()) * draw.noise;
  const Tensor c_noise = torch::tensor(c_noise_, torch::kFloat).to(clean.device()).index_select(0, t);
  const Tensor predicted = network(x_t, c_noise);
  return (predicted.to(torch::kFloat) - draw.noise).square().flatten(1).mean(1);
}

double Ddpm::index_of(double sigma) const {
  const auto above = std::lower_bound(sigmas_.begin(), sigmas_.end(), sigma);
  if (above == sigmas_.begin()) return 0;
  if (above == sigmas_.end()) return steps_ - 1;
  const double below = *(above - 1);
  return static_cast<double>(above - sigmas_.begin()) - std::log(*above / sigma) / std::log(*above / below);
}

Preconditioning Ddpm::preconditioning(double sigma) const {
  return {1, -sigma, 1 / std::sqrt(1 + sigma * sigma), label(index_of(sigma))};
}

std::vector<double> Ddpm::noise_levels(int steps) const {
  if (steps < 1 || steps > steps_)
    throw Error(ErrorCode::usage,
                fmt::format("expected 1 to {} steps, as many as the model has noise levels; found {}", steps_, steps));
  std::vector<double> levels;
  for (int i = 0; i < steps; ++i) {
    const double t = steps == 1 ? steps_ - 1 : (steps_ - 1) * (1.0 - static_cast<double>(i) / (steps - 1));
    levels.push_back(sigmas_[static_cast<std::size_t>(std::lround(t))]);
  }
  levels.push_back(0);
  return levels;
}

double Ddpm::prior_deviation() const { return std::sqrt(1 + sigmas_.back() * sigmas_.back()); }

}  // namespace nodulus::process
