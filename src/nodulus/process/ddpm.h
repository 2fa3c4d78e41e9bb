#pragma once

#include "nodulus/process/process.h"

namespace nodulus::process {

/// The process of Ho et al. 2020 (arXiv 2006.11239): x_t = sqrt(alpha_bar_t) clean + sqrt(1 - alpha_bar_t) epsilon for
/// t = 0 .. T-1 (the paper counts from 1), beta_t linear in t, the network predicts epsilon from (x_t, t).
/// In the scale that Denoiser has, x = x_t / sqrt(alpha_bar_t), the noise level is
/// sigma_t = sqrt((1 - alpha_bar_t) / alpha_bar_t).
class Ddpm final : public Process {
 public:
  Ddpm() { prepare(NoiseLabels::index); }

  void describe(Options& options) override;
  void prepare(NoiseLabels labels) override;
  /// Eq. 14: |epsilon - F(x_t, t)|^2, t = floor(T u).
  [[nodiscard]] torch::Tensor loss(const NetworkFunction& network, const torch::Tensor& clean,
                                   const TrainingDraw& draw) const override;
  /// D(x; sigma) = x - sigma F(x / sqrt(1 + sigma^2), t), t the index of the level sigma, a fraction where it lies
  /// between two.
  [[nodiscard]] Preconditioning preconditioning(double sigma) const override;
  /// Levels of `steps` indices spread evenly from T-1 down to 0 (Song et al. 2021, arXiv 2010.02502, appendix D.3,
  /// "linear"); all of them for steps = T.
  [[nodiscard]] std::vector<double> noise_levels(int steps) const override;
  [[nodiscard]] int most_steps() const override { return steps_; }
  /// x_T is drawn from N(0, I), so x = x_T / sqrt(alpha_bar) has deviation sqrt(1 + sigma^2).
  [[nodiscard]] double prior_deviation() const override;
  [[nodiscard]] NoiseRange noise_range() const override { return {sigmas_.front(), sigmas_.back()}; }
  /// The VP SDE of which the process is T steps: beta(t) = T beta_t (arXiv 2011.13456, appendix B).
  [[nodiscard]] const Sde& sde() const override { return *sde_; }

  /// sigma_t for t = 0 .. T-1, ascending.
  [[nodiscard]] const std::vector<double>& sigmas() const { return sigmas_; }
  [[nodiscard]] double alpha_bar(int t) const { return alpha_bars_.at(static_cast<std::size_t>(t)); }
  /// The t with sigma_t = sigma, linear in ln(sigma) between two levels, within [0, T-1].
  [[nodiscard]] double index_of(double sigma) const;

 private:
  [[nodiscard]] double label(double t) const;

  int steps_ = 1000;
  double beta_first_ = 1e-4;
  double beta_last_ = 0.02;
  std::vector<double> alpha_bars_;
  std::vector<double> sigmas_;
  std::vector<float> c_noise_;  ///< Of each t.
  std::unique_ptr<Sde> sde_;
  NoiseLabels labels_ = NoiseLabels::index;
};

}  // namespace nodulus::process
