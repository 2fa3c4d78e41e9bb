#pragma once

#include "nodulus/process/process.h"

namespace nodulus::process {

/// The preconditioning, loss and noise distribution of Karras et al. 2022 (arXiv 2206.00364, section 5 and table 1):
///   D(x; sigma) = c_skip x + c_out F(c_in x; c_noise)                              (eq. 7)
///   c_skip = sigma_data^2 / (sigma^2 + sigma_data^2),  c_out = sigma sigma_data / sqrt(sigma^2 + sigma_data^2),
///   c_in = 1 / sqrt(sigma^2 + sigma_data^2),  c_noise = ln(sigma) / 4
/// The loss is weighted so that F's error counts the same at all levels (eq. 8), ln(sigma) ~ N(P_mean, P_std^2).
class Edm final : public Process {
 public:
  Edm() { prepare(NoiseLabels::index); }

  void describe(Options& options) override;
  /// c_noise is the same for all kinds of labels.
  void prepare(NoiseLabels labels) override;
  [[nodiscard]] torch::Tensor loss(const NetworkFunction& network, const torch::Tensor& clean,
                                   const TrainingDraw& draw) const override;
  [[nodiscard]] Preconditioning preconditioning(double sigma) const override;
  /// Eq. 5 with rho = 7.
  [[nodiscard]] std::vector<double> noise_levels(int steps) const override;
  [[nodiscard]] int most_steps() const override { return 1'000'000; }
  [[nodiscard]] NoiseRange noise_range() const override { return {sigma_min_, sigma_max_}; }
  [[nodiscard]] double prior_deviation() const override { return sigma_max_; }
  [[nodiscard]] const Sde& sde() const override { return *sde_; }

 private:
  double sigma_data_ = 0.5;
  double p_mean_ = -1.2;
  double p_std_ = 1.2;
  double sigma_min_ = 0.002;
  double sigma_max_ = 80;
  std::unique_ptr<Sde> sde_;
};

}  // namespace nodulus::process
