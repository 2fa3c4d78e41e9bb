#pragma once

#include <string>

#include "nodulus/process/process.h"

namespace nodulus::process {

/// Continuous denoising score matching along an SDE (Song et al. 2021, arXiv 2011.13456, eq. 7): time t ~ U(1e-5,
/// t_last), x_t = s clean + s sigma noise, and the network learns the noise, with its sign. With F the network and z =
/// sign F, the score is -z / (s sigma) and D(x; sigma) = x - sigma z. Weightings, of the squared error of z at time t:
///   simple      1, which is the score's error times its variance;
///   likelihood  d ln(sigma^2) / dt = g^2 / (s sigma)^2: the bound on the likelihood (arXiv 2101.09258, eq. 8), with t
///               drawn by importance, that is evenly in ln(sigma), unless that is switched off.
/// Over channels and pixels the loss is the mean, or half the sum, as in the authors' settings.
class ScoreProcess : public Process {
 public:
  void describe(Options& options) override;
  void prepare(NoiseLabels labels) override;
  [[nodiscard]] torch::Tensor loss(const NetworkFunction& network, const torch::Tensor& clean,
                                   const TrainingDraw& draw) const override;
  [[nodiscard]] Preconditioning preconditioning(double sigma) const override;
  /// Levels evenly spread in time.
  [[nodiscard]] std::vector<double> noise_levels(int steps) const override;
  [[nodiscard]] int most_steps() const override { return 1'000'000; }
  [[nodiscard]] NoiseRange noise_range() const override;
  [[nodiscard]] NoiseRange likelihood_range() const override;
  [[nodiscard]] double prior_deviation() const override;
  [[nodiscard]] const Sde& sde() const override { return *sde_; }

 protected:
  /// `section` of the settings; sampling ends at time t_first.
  ScoreProcess(std::string section, double t_first, double sign)
      : section_(std::move(section)), t_first_(t_first), sign_(sign) {}

  [[nodiscard]] const std::string& section() const { return section_; }
  /// Throws Error{usage} for settings that make no SDE.
  [[nodiscard]] virtual std::unique_ptr<Sde> make_sde() const = 0;
  /// ln of what a network with logarithmic labels embeds.
  [[nodiscard]] virtual double log_label(double t) const = 0;

 private:
  /// c_noise, what the network is told of the time.
  [[nodiscard]] double label(double t) const;
  [[nodiscard]] double training_time(double uniform) const;
  [[nodiscard]] double weight(double t) const;

  std::string section_;
  double t_first_;
  double sign_;
  std::string weighting_ = "simple";
  bool importance_ = true;
  std::string reduction_ = "mean";
  NoiseLabels labels_ = NoiseLabels::index;
  std::unique_ptr<Sde> sde_;
};

/// Variance preserving, the continuous form of DDPM: beta from .1 to 20. F is the noise, c_noise 999 t, as published.
std::unique_ptr<Process> make_vp();
/// Sub-VP: the same with a smaller variance, better likelihoods.
std::unique_ptr<Process> make_sub_vp();
/// Variance exploding: sigma from .01 to 50. F is minus the noise, as published (its network divides by sigma).
std::unique_ptr<Process> make_ve();
/// dx = 25^t dw, of the authors' tutorial. F is minus the noise, c_noise t.
std::unique_ptr<Process> make_tutorial_ve();

}  // namespace nodulus::process
