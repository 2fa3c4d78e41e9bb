#include "nodulus/process/sde.h"

#include <gmock/gmock.h>

#include <cmath>
#include <functional>
#include <vector>

#include "nodulus/core/seed.h"

namespace nodulus::process {
namespace {

struct NamedSde {
  const char* name;
  std::function<std::unique_ptr<Sde>()> make;
  double t_begin;  ///< Where the checks begin: the equations have no noise at 0, or none to speak of.
};

std::ostream& operator<<(std::ostream& stream, const NamedSde& sde) { return stream << sde.name; }

class EverySde : public ::testing::TestWithParam<NamedSde> {
 protected:
  std::unique_ptr<Sde> sde_ = GetParam().make();
  double begin_ = GetParam().t_begin;
};

// Euler-Maruyama paths of the forward equation from the marginal at t_begin: mean and deviation at the end.
TEST_P(EverySde, MarginalsAreThoseOfASimulation) {
  constexpr std::size_t paths = 20'000;
  constexpr int steps = 400;
  constexpr double clean = 0.8;
  std::vector<float> z(paths);
  std::vector<double> x(paths);
  RandomStream(7, 0).fill_normal(z);
  for (std::size_t i = 0; i < paths; ++i) x[i] = sde_->scale(begin_) * (clean + sde_->sigma(begin_) * double{z[i]});
  // Steps even in the square root of the noise level, so that no step multiplies it.
  auto time = [&](int i) {
    const double a = std::sqrt(sde_->sigma(begin_));
    const double b = std::sqrt(sde_->sigma(sde_->t_last()));
    return sde_->time_of(std::pow(a + (b - a) * i / steps, 2));
  };
  for (int i = 0; i < steps; ++i) {
    const double t = (time(i) + time(i + 1)) / 2;
    const double dt = time(i + 1) - time(i);
    RandomStream(7, static_cast<std::uint64_t>(i) + 1).fill_normal(z);
    const double pull = 1 + sde_->drift(t) * dt;
    const double push = std::sqrt(sde_->squared_diffusion(t) * dt);
    for (std::size_t k = 0; k < paths; ++k) x[k] = pull * x[k] + push * double{z[k]};
  }
  double mean = 0;
  double square = 0;
  for (const double v : x) mean += v / paths;
  for (const double v : x) square += (v - mean) * (v - mean) / paths;
  const double end = sde_->t_last();
  const double deviation = sde_->deviation(end);
  EXPECT_NEAR(mean, sde_->scale(end) * clean, 5 * deviation / std::sqrt(double{paths}));
  EXPECT_NEAR(std::sqrt(square), deviation, deviation * (5 / std::sqrt(2.0 * paths) + 0.01));
}

// The moments' own equations, dm/dt = f m and dv/dt = 2 f v + g^2, by finite differences of the closed forms.
TEST_P(EverySde, MomentsObeyTheirEquations) {
  for (const double part : {0.01, 0.1, 0.3, 0.6, 0.99}) {
    const double t = begin_ + part * (sde_->t_last() - begin_);
    const double h = 1e-5 * t;
    const double mean_rate = (sde_->scale(t + h) - sde_->scale(t - h)) / (2 * h);
    EXPECT_NEAR(mean_rate, sde_->drift(t) * sde_->scale(t), 1e-6 * (std::abs(mean_rate) + 1e-3)) << t;
    auto variance = [&](double at) { return std::pow(sde_->deviation(at), 2); };
    const double rate = (variance(t + h) - variance(t - h)) / (2 * h);
    const double expected = 2 * sde_->drift(t) * variance(t) + sde_->squared_diffusion(t);
    EXPECT_NEAR(rate, expected, 1e-5 * (sde_->squared_diffusion(t) + 2 * std::abs(sde_->drift(t)) * variance(t))) << t;
  }
}

TEST_P(EverySde, TimeIsTheInverseOfSigma) {
  for (const double part : {0.0, 1e-4, 0.01, 0.5, 1.0}) {
    const double t = begin_ + part * (sde_->t_last() - begin_);
    EXPECT_NEAR(sde_->time_of(sde_->sigma(t)), t, 1e-9 * t) << t;
  }
}

TEST_P(EverySde, LikelihoodWeightIsTheSlopeOfLogSigmaSquared) {
  for (const double part : {0.01, 0.2, 0.9}) {
    const double t = begin_ + part * (sde_->t_last() - begin_);
    const double h = 1e-5 * t;
    const double slope = 2 * std::log(sde_->sigma(t + h) / sde_->sigma(t - h)) / (2 * h);
    EXPECT_NEAR(sde_->likelihood_weight(t), slope, 1e-5 * slope) << t;
  }
}

INSTANTIATE_TEST_SUITE_P(All, EverySde,
                         ::testing::Values(NamedSde{"vp", [] { return make_vp_sde(0.1, 20); }, 1e-3},
                                           NamedSde{"sub_vp", [] { return make_sub_vp_sde(0.1, 20); }, 1e-2},
                                           NamedSde{"ve", [] { return make_ve_sde(0.01, 50); }, 1e-5},
                                           NamedSde{"tutorial_ve", [] { return make_tutorial_ve_sde(25); }, 1e-3},
                                           NamedSde{"karras", [] { return make_karras_sde(80); }, 0.002}),
                         [](const auto& row) { return std::string(row.param.name); });

TEST(VpSde, HasThePublishedEnd) {
  const auto vp = make_vp_sde(0.1, 20);
  // B(1) = 10.05: the mean is shrunk by exp(-5.025) and the variance short of 1 by exp(-10.05).
  EXPECT_NEAR(vp->scale(1), std::exp(-5.025), 1e-15);
  EXPECT_NEAR(vp->deviation(1), std::sqrt(1 - std::exp(-10.05)), 1e-15);
  EXPECT_NEAR(make_sub_vp_sde(0.1, 20)->deviation(1), 1 - std::exp(-10.05), 1e-15);
}

}  // namespace
}  // namespace nodulus::process
