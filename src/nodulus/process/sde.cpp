#include "nodulus/process/sde.h"

#include <cmath>

namespace nodulus::process {
namespace {

/// What the two SDEs with a linear beta share.
class LinearBeta : public Sde {
 public:
  LinearBeta(double beta_min, double beta_max) : beta_min_(beta_min), slope_(beta_max - beta_min) {}

  [[nodiscard]] double scale(double t) const final { return std::exp(-integral(t) / 2); }
  [[nodiscard]] double drift(double t) const final { return -beta(t) / 2; }
  [[nodiscard]] double prior_deviation() const final { return 1; }

 protected:
  [[nodiscard]] double beta(double t) const { return beta_min_ + t * slope_; }
  /// B(t)
  [[nodiscard]] double integral(double t) const { return t * beta_min_ + t * t * slope_ / 2; }
  /// t where B(t) = b: the root of slope/2 t^2 + beta_min t - b, in the form that does not cancel.
  [[nodiscard]] double time_where_integral_is(double b) const {
    return 2 * b / (beta_min_ + std::sqrt(beta_min_ * beta_min_ + 2 * slope_ * b));
  }

 private:
  double beta_min_;
  double slope_;
};

class VpSde final : public LinearBeta {
 public:
  using LinearBeta::LinearBeta;
  [[nodiscard]] double sigma(double t) const override { return std::sqrt(std::expm1(integral(t))); }
  [[nodiscard]] double squared_diffusion(double t) const override { return beta(t); }
  [[nodiscard]] double time_of(double sigma) const override {
    return time_where_integral_is(std::log1p(sigma * sigma));
  }
};

class SubVpSde final : public LinearBeta {
 public:
  using LinearBeta::LinearBeta;
  // (1 - exp(-B)) / exp(-B/2)
  [[nodiscard]] double sigma(double t) const override { return 2 * std::sinh(integral(t) / 2); }
  [[nodiscard]] double squared_diffusion(double t) const override { return -beta(t) * std::expm1(-2 * integral(t)); }
  [[nodiscard]] double time_of(double sigma) const override {
    return time_where_integral_is(2 * std::asinh(sigma / 2));
  }
};

/// An SDE without drift.
class Exploding : public Sde {
 public:
  [[nodiscard]] double scale(double /*t*/) const final { return 1; }
  [[nodiscard]] double drift(double /*t*/) const final { return 0; }
  [[nodiscard]] double prior_deviation() const final { return sigma(t_last()); }
};

class VeSde final : public Exploding {
 public:
  VeSde(double sigma_min, double sigma_max) : sigma_min_(sigma_min), log_ratio_(std::log(sigma_max / sigma_min)) {}
  [[nodiscard]] double sigma(double t) const override { return sigma_min_ * std::exp(t * log_ratio_); }
  [[nodiscard]] double squared_diffusion(double t) const override { return 2 * log_ratio_ * sigma(t) * sigma(t); }
  [[nodiscard]] double time_of(double sigma) const override { return std::log(sigma / sigma_min_) / log_ratio_; }

 private:
  double sigma_min_;
  double log_ratio_;
};

class TutorialVeSde final : public Exploding {
 public:
  explicit TutorialVeSde(double base) : log_base_(std::log(base)) {}
  [[nodiscard]] double sigma(double t) const override {
    return std::sqrt(std::expm1(2 * t * log_base_) / (2 * log_base_));
  }
  [[nodiscard]] double squared_diffusion(double t) const override { return std::exp(2 * t * log_base_); }
  [[nodiscard]] double time_of(double sigma) const override {
    return std::log1p(2 * log_base_ * sigma * sigma) / (2 * log_base_);
  }

 private:
  double log_base_;
};

class KarrasSde final : public Exploding {
 public:
  explicit KarrasSde(double sigma_max) : sigma_max_(sigma_max) {}
  [[nodiscard]] double sigma(double t) const override { return t; }
  [[nodiscard]] double squared_diffusion(double t) const override { return 2 * t; }
  [[nodiscard]] double time_of(double sigma) const override { return sigma; }
  [[nodiscard]] double t_last() const override { return sigma_max_; }

 private:
  double sigma_max_;
};

}  // namespace

std::unique_ptr<Sde> make_vp_sde(double beta_min, double beta_max) {
  return std::make_unique<VpSde>(beta_min, beta_max);
}

std::unique_ptr<Sde> make_sub_vp_sde(double beta_min, double beta_max) {
  return std::make_unique<SubVpSde>(beta_min, beta_max);
}

std::unique_ptr<Sde> make_ve_sde(double sigma_min, double sigma_max) {
  return std::make_unique<VeSde>(sigma_min, sigma_max);
}

std::unique_ptr<Sde> make_tutorial_ve_sde(double base) { return std::make_unique<TutorialVeSde>(base); }

std::unique_ptr<Sde> make_karras_sde(double sigma_max) { return std::make_unique<KarrasSde>(sigma_max); }

}  // namespace nodulus::process
