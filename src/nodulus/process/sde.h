#pragma once

#include <memory>

namespace nodulus::process {

/// A linear stochastic differential equation dx = f(t) x dt + g(t) dw that turns a clean image at t = 0 into noise at
/// t = t_last (Song et al. 2021, arXiv 2011.13456, eq. 5). Given the clean image, x(t) is normal with mean s(t) clean
/// and deviation s(t) sigma(t): s and sigma are those of Karras et al. 2022 (arXiv 2206.00364, eqs. 94 to 98), and
/// x(t) / s(t) is the unscaled image that a Denoiser takes. Time is a double; all functions are exact.
class Sde {
 public:
  Sde() = default;
  Sde(const Sde&) = delete;
  Sde& operator=(const Sde&) = delete;
  virtual ~Sde() = default;

  [[nodiscard]] virtual double scale(double t) const = 0;              ///< s(t)
  [[nodiscard]] virtual double sigma(double t) const = 0;              ///< Noise level of x / s, ascending in t.
  [[nodiscard]] virtual double drift(double t) const = 0;              ///< f(t), what x is multiplied by.
  [[nodiscard]] virtual double squared_diffusion(double t) const = 0;  ///< g(t)^2
  /// The time at which the noise level is sigma: the inverse of sigma(t).
  [[nodiscard]] virtual double time_of(double sigma) const = 0;
  /// Deviation of the normal distribution that stands for x(t_last).
  [[nodiscard]] virtual double prior_deviation() const = 0;
  [[nodiscard]] virtual double t_last() const { return 1; }

  [[nodiscard]] double deviation(double t) const { return scale(t) * sigma(t); }
  /// d ln(sigma^2) / dt = g^2 / (s sigma)^2: the weight that turns the plain score-matching loss into a bound on the
  /// likelihood (Song et al. 2021, arXiv 2101.09258, section 4). Integrated over time it is ln(sigma^2): so
  /// importance sampling by it is uniform in ln(sigma), whatever the SDE.
  [[nodiscard]] double likelihood_weight(double t) const {
    return squared_diffusion(t) / (deviation(t) * deviation(t));
  }
};

/// Variance preserving (arXiv 2011.13456, eqs. 32 and 33): f = -beta/2, g^2 = beta, beta = beta_min + t (beta_max -
/// beta_min); s = exp(-B/2), (s sigma)^2 = 1 - exp(-B), B the integral of beta. For 0 < beta_min <= beta_max.
std::unique_ptr<Sde> make_vp_sde(double beta_min, double beta_max);

/// The same drift with g^2 = beta (1 - exp(-2B)): s sigma = 1 - exp(-B) (eqs. 28 and 29).
std::unique_ptr<Sde> make_sub_vp_sde(double beta_min, double beta_max);

/// Variance exploding (eqs. 30 and 31): sigma = sigma_min (sigma_max / sigma_min)^t, no drift. At t = 0 the noise is
/// sigma_min, as there.
std::unique_ptr<Sde> make_ve_sde(double sigma_min, double sigma_max);

/// The small VE of the authors' tutorial, which the seed trained: dx = base^t dw, sigma^2 = (base^(2t) - 1) /
/// (2 ln base). base > 1.
std::unique_ptr<Sde> make_tutorial_ve_sde(double base);

/// Time is the noise level itself (Karras et al. 2022, table 1): s = 1, sigma = t, g^2 = 2t, up to t = sigma_max.
std::unique_ptr<Sde> make_karras_sde(double sigma_max);

}  // namespace nodulus::process
