#include "nodulus/sample/likelihood.h"

#include <gmock/gmock.h>

#include <cmath>
#include <numbers>
#include <numeric>

#include "nodulus/core/seed.h"

namespace nodulus::sample {
namespace {

using torch::Tensor;

const std::function<void(double)> silent = [](double) {};

std::vector<std::uint64_t> seeds(std::size_t count) {
  std::vector<std::uint64_t> numbers(count);
  std::iota(numbers.begin(), numbers.end(), 5);
  return numbers;
}

/// ln N(x; mean, covariance), a row of x an image.
Tensor log_normal(const Tensor& x, const Tensor& mean, const Tensor& covariance) {
  const Tensor root = torch::linalg_cholesky(covariance);
  const Tensor z = torch::linalg_solve_triangular(root, (x - mean).t(), false);
  return -z.square().sum(0) / 2 - root.diagonal().log().sum() -
         static_cast<double>(x.size(1)) * std::log(2 * std::numbers::pi) / 2;
}

/// Correlated Gaussian images of 2x2 pixels, and their denoiser D = m + C (C + sigma^2)^-1 (x - m).
struct GaussianImages {
  Tensor mean = torch::tensor({0.3, -0.2, 0.1, 0.0}, torch::kDouble);
  Tensor covariance;

  GaussianImages() {
    const Tensor a = torch::tensor(
        {{0.5, 0.1, 0.0, 0.0}, {0.2, 0.3, 0.0, 0.1}, {0.0, 0.2, 0.4, 0.0}, {0.1, 0.0, 0.2, 0.2}}, torch::kDouble);
    covariance = a.mm(a.t());
  }
  [[nodiscard]] process::Denoiser denoiser() const {
    return [this](const Tensor& x, const Tensor& sigma) {
      Tensor rows = torch::empty({0, 4}, torch::kDouble);
      for (std::int64_t i = 0; i < x.size(0); ++i) {
        const double s = sigma[sigma.numel() == 1 ? 0 : i].item<double>();
        const Tensor inverse = torch::linalg_inv(covariance + s * s * torch::eye(4, torch::kDouble));
        const Tensor offset = (x[i].flatten() - mean).unsqueeze(0);
        rows = torch::cat({rows, mean + offset.mm(inverse).mm(covariance)});
      }
      return rows.view(x.sizes());
    };
  }
};

TEST(Likelihood, OfGaussianImagesIsTheClosedForm) {
  const GaussianImages gaussian;
  torch::manual_seed(2);
  const Tensor root = torch::linalg_cholesky(gaussian.covariance);
  const Tensor images = gaussian.mean + torch::randn({8, 4}, torch::kDouble).mm(root.t());
  const process::NoiseRange range{0.01, 150};
  LikelihoodOptions options;
  options.probes = 64;
  const Likelihoods found = log_likelihood(gaussian.denoiser(), images.view({8, 1, 2, 2}), range,
                                           std::sqrt(1 + range.highest * range.highest), seeds(8), options, silent);
  // The images are taken for ones at the lowest level, whose distribution is a little wider.
  const Tensor expected = log_normal(images, gaussian.mean, gaussian.covariance + 1e-4 * torch::eye(4, torch::kDouble));
  double sum = 0;
  for (std::size_t i = 0; i < 8; ++i) {
    const double exact = expected[static_cast<std::int64_t>(i)].item<double>();
    sum += found.log_density[i] - exact;
    EXPECT_NEAR(found.log_density[i], exact, 0.5) << i;  // the estimate of the divergence has its own noise
    EXPECT_GT(found.evaluations[i], 20);
  }
  EXPECT_NEAR(sum / 8, 0, 0.01 * std::abs(expected.mean().item<double>()) + 0.1);
}

// Where pixels are independent, signs measure the divergence without error: the integral must agree closely.
TEST(Likelihood, OfIndependentPixelsIsTheClosedFormWithinHalfAPercent) {
  constexpr double mean = 0.2;
  constexpr double deviation = 0.4;
  const process::Denoiser denoiser = [](const Tensor& x, const Tensor& sigma) {
    const Tensor s2 = sigma.square().view({-1, 1, 1, 1});
    return mean + deviation * deviation / (deviation * deviation + s2) * (x - mean);
  };
  torch::manual_seed(1);
  const Tensor images = mean + deviation * torch::randn({3, 2, 4, 4}, torch::kDouble);
  const process::NoiseRange range{0.002, 80};
  const Likelihoods found = log_likelihood(denoiser, images, range, 80, seeds(3), {}, silent);
  const double variance = deviation * deviation + range.lowest * range.lowest;
  for (std::int64_t i = 0; i < 3; ++i) {
    const double exact = -(images[i] - mean).square().sum().item<double>() / (2 * variance) -
                         16 * std::log(2 * std::numbers::pi * variance);
    EXPECT_NEAR(found.log_density[static_cast<std::size_t>(i)], exact, 5e-3 * std::abs(exact)) << i;
  }
}

TEST(Likelihood, OfAnImageDoesNotDependOnTheOthers) {
  const GaussianImages gaussian;
  torch::manual_seed(3);
  const Tensor images = torch::randn({4, 1, 2, 2}, torch::kDouble);
  const process::NoiseRange range{0.01, 50};
  const auto all = seeds(4);
  const Likelihoods together = log_likelihood(gaussian.denoiser(), images, range, 50, all, {}, silent);
  for (std::size_t i = 0; i < 4; ++i) {
    const Likelihoods alone = log_likelihood(gaussian.denoiser(), images.narrow(0, static_cast<std::int64_t>(i), 1),
                                             range, 50, {&all[i], 1}, {}, silent);
    EXPECT_EQ(alone.log_density[0], together.log_density[i]);
    EXPECT_EQ(alone.evaluations[0], together.evaluations[i]);
  }
}

TEST(Likelihood, DequantizedImagesStayWithinTheirLevel) {
  const Tensor images = torch::tensor({-1.0, -0.5, 0.0, 0.003, 0.999, 1.0}).view({1, 1, 2, 3});
  const Tensor found = dequantized(images, seeds(1)).flatten();
  const std::vector<double> levels{0, 64, 128, 128, 255, 255};
  for (std::int64_t i = 0; i < 6; ++i) {
    const double level = (found[i].item<double>() + 1) * 128;
    EXPECT_GE(level, levels[static_cast<std::size_t>(i)]);
    EXPECT_LT(level, levels[static_cast<std::size_t>(i)] + 1);
  }
}

TEST(Likelihood, APictureOfUniformNoiseCostsEightBits) {
  // Uniform over [-1, 1]: ln p = -ln 2 a dimension, and 256 levels that are equally likely take 8 bits.
  EXPECT_NEAR(bits_per_dimension(-100 * std::numbers::ln2, 100), 8, 1e-12);
}

}  // namespace
}  // namespace nodulus::sample
