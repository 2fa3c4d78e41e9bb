// Samplers on Gaussian data N(m, s^2), where the denoiser is known:
//   D(x; sigma) = m + s^2 / (s^2 + sigma^2) (x - m).
// Every sampler's step is then linear in x, so mean and variance of what it makes follow from a recursion, and the
// exact answers of the underlying process are known too.
#include <gmock/gmock.h>

#include <cmath>

#include "nodulus/core/seed.h"
#include "nodulus/process/ddpm.h"
#include "nodulus/sample/ancestral.h"
#include "nodulus/sample/ddim.h"

namespace nodulus::sample {
namespace {

using torch::Tensor;

constexpr double mean = 0.3;
constexpr double deviation = 0.5;

process::Denoiser gaussian_denoiser() {
  return [](const Tensor& x, const Tensor& sigma) {
    const Tensor s2 = torch::full({1}, deviation * deviation, torch::kDouble);
    return mean + s2 / (s2 + sigma.square()).view({-1, 1, 1, 1}) * (x - mean);
  };
}

Tensor normal(std::int64_t count, std::uint64_t stream) {
  Tensor z = torch::empty({count, 1, 1, 1});
  RandomStream(42, stream).fill_normal({z.data_ptr<float>(), static_cast<std::size_t>(count)});
  return z.to(torch::kDouble);
}

struct Problem {
  process::Ddpm ddpm;
  std::vector<double> sigmas;
  SamplerInput input;

  Problem(int steps, std::int64_t count) : sigmas(ddpm.noise_levels(steps)) {
    input.denoiser = gaussian_denoiser();
    input.x = normal(count, 0) * ddpm.prior_deviation();
    input.sigmas = sigmas;
    input.noise = [count](std::int64_t step) { return normal(count, static_cast<std::uint64_t>(step) + 1); };
  }
};

/// Factor that D(x) - mean takes x - mean by.
double shrink(double sigma) { return deviation * deviation / (deviation * deviation + sigma * sigma); }

/// The probability-flow ODE takes x - mean at level a to level b by this factor.
double ode_factor(double a, double b) {
  return std::sqrt((deviation * deviation + b * b) / (deviation * deviation + a * a));
}

TEST(Ddim, WithoutNoiseIsTheProductOfItsSteps) {
  Problem p(20, 5);
  double factor = 1;
  for (std::size_t i = 0; i + 1 < p.sigmas.size(); ++i) {
    const double k = shrink(p.sigmas[i]);
    factor *= k + p.sigmas[i + 1] / p.sigmas[i] * (1 - k);
  }
  const Tensor expected = mean + factor * (p.input.x - mean);
  EXPECT_LT((ddim(p.input, 0) - expected).abs().max().item<double>(), 1e-12);
}

// Halving the steps' size halves the distance to the ODE's solution: order 1. On levels evenly spread in log sigma, so
// that the step size has a meaning.
TEST(Ddim, ConvergesToTheOdeWithOrderOne) {
  auto error = [](int steps) {
    std::vector<double> sigmas;
    for (int i = 0; i <= steps; ++i) sigmas.push_back(20 * std::pow(1e-3 / 20, static_cast<double>(i) / steps));
    SamplerInput input;
    input.denoiser = gaussian_denoiser();
    input.x = torch::full({1, 1, 1, 1}, mean + 20, torch::kDouble);
    input.sigmas = sigmas;
    const double exact = mean + 20 * ode_factor(20, 1e-3);
    return std::abs(ddim(input, 0).item<double>() - exact);
  };
  const double slope = std::log(error(200) / error(800)) / std::log(4.0);
  EXPECT_NEAR(slope, 1.0, 0.05);
}

TEST(Ddim, WithAllLevelsReachesTheDataDistribution) {
  Problem p(1000, 1);
  const double start = p.input.x.item<double>() - mean;
  const double exact = ode_factor(p.sigmas.front(), 0) * start;
  EXPECT_NEAR(ddim(p.input, 0).item<double>() - mean, exact, 0.02 * std::abs(exact));
}

/// Variance of the samples by the recursion v' = a^2 v + c^2, started from the prior.
double recursion(const Problem& p, double eta_or_large, bool large) {
  double v = p.ddpm.prior_deviation() * p.ddpm.prior_deviation();
  for (std::size_t i = 0; i + 1 < p.sigmas.size(); ++i) {
    const double s = p.sigmas[i];
    const double r = p.sigmas[i + 1];
    const double k = shrink(s);
    if (r == 0) return k * k * v;
    // Posterior q(x_r | x_s, clean) of the forward process, and its variance multiplied by eta^2.
    const double posterior = r * r * (s * s - r * r) / (s * s);
    const double c2 = large ? (s * s - r * r) * (1 + r * r) / (1 + s * s) : eta_or_large * eta_or_large * posterior;
    const double pull = large ? r * r / (s * s) : std::sqrt(r * r - c2) / s;
    const double a = k + pull * (1 - k);
    v = a * a * v + c2;
  }
  return v;
}

void expect_moments(const Tensor& samples, double variance) {
  const double n = static_cast<double>(samples.numel());
  const double found_mean = samples.mean().item<double>();
  const double found = samples.var().item<double>();
  EXPECT_NEAR(found_mean, mean, 5 * std::sqrt(variance / n));
  EXPECT_NEAR(found, variance, 5 * variance * std::sqrt(2 / n));
}

TEST(Ddim, WithNoiseHasTheVarianceOfTheRecursion) {
  const Problem p(50, 40'000);
  const Tensor samples = ddim(p.input, 0.7);
  // The prior's mean is 0, not `mean`: what is left of that after all steps is below the test's error bars.
  expect_moments(samples, recursion(p, 0.7, false));
}

TEST(Ancestral, HasTheVarianceOfTheRecursion) {
  for (const bool large : {false, true}) {
    const Problem p(100, 40'000);
    const Tensor samples = ancestral(p.input, large ? StepVariance::large : StepVariance::small);
    expect_moments(samples, recursion(p, 1, large));
  }
}

TEST(Ancestral, WithAllLevelsReachesTheDataDistribution) {
  for (const bool large : {false, true}) {
    const Problem p(1000, 10'000);
    const Tensor samples = ancestral(p.input, large ? StepVariance::large : StepVariance::small);
    EXPECT_NEAR(samples.mean().item<double>(), mean, 5 * deviation / 100);
    // Five standard errors of a deviation from 10,000 samples, and 2 % for 1,000 steps being finite.
    EXPECT_NEAR(samples.std().item<double>(), deviation, (5 / std::sqrt(2e4) + 0.02) * deviation);
  }
}

// Ho et al. 2020's own form, in x_t with beta_t and alpha_bar_t, beside our unscaled one, step for step.
TEST(Ancestral, IsAlgorithmTwoOfThePaper) {
  const Problem p(1000, 3);
  for (const bool large : {false, true}) {
    const Tensor ours = ancestral(p.input, large ? StepVariance::large : StepVariance::small);
    Tensor x_t = normal(3, 0);
    for (int t = 999; t >= 0; --t) {
      const double alpha_bar = p.ddpm.alpha_bar(t);
      const double alpha_bar_previous = t > 0 ? p.ddpm.alpha_bar(t - 1) : 1;
      const double alpha = alpha_bar / alpha_bar_previous;
      const double beta = 1 - alpha;
      const Tensor clean = gaussian_denoiser()(
          x_t / std::sqrt(alpha_bar), torch::full({1}, p.ddpm.sigmas()[static_cast<std::size_t>(t)], torch::kDouble));
      const Tensor epsilon = (x_t - std::sqrt(alpha_bar) * clean) / std::sqrt(1 - alpha_bar);
      const double variance = large ? beta : (1 - alpha_bar_previous) / (1 - alpha_bar) * beta;
      x_t = (x_t - beta / std::sqrt(1 - alpha_bar) * epsilon) / std::sqrt(alpha);
      if (t > 0) x_t = x_t + std::sqrt(variance) * p.input.noise(999 - t);
    }
    EXPECT_LT((ours - x_t).abs().max().item<double>(), 1e-9) << (large ? "large" : "small");
  }
}

TEST(Ddim, WithFullNoiseIsAncestralSampling) {
  const Problem p(30, 4);
  EXPECT_LT((ddim(p.input, 1) - ancestral(p.input, StepVariance::small)).abs().max().item<double>(), 1e-12);
}

}  // namespace
}  // namespace nodulus::sample
