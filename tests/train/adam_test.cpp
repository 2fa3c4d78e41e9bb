#include "nodulus/train/adam.h"

#include <gmock/gmock.h>

#include <cmath>
#include <limits>

namespace nodulus::train {
namespace {

using torch::Tensor;

void set_gradients(const Adam& adam, double scale) {
  for (Tensor p : adam.parameters()) p.mutable_grad() = torch::randn_like(p) * scale;
}

TEST(Adam, FirstStepMovesByTheLearningRateAgainstTheGradientsSign) {
  Tensor p = torch::tensor({1.0F, 2.0F, 3.0F});
  Adam adam({p}, {});
  p.mutable_grad() = torch::tensor({0.5F, -0.25F, 4.0F});
  const auto version = p._version();
  const double norm = adam.step({0.1, 0, 0});
  EXPECT_GT(p._version(), version);  // by which kept filters know that they are old
  EXPECT_NEAR(norm, std::sqrt(0.25 + 0.0625 + 16), 1e-6);
  EXPECT_NEAR(p[0].item<double>(), 0.9, 1e-6);
  EXPECT_NEAR(p[1].item<double>(), 2.1, 1e-6);
  EXPECT_NEAR(p[2].item<double>(), 2.9, 1e-6);
  EXPECT_FALSE(p.grad().defined());
}

// Kingma & Ba's recursion in double by hand, with clipping, over several steps.
TEST(Adam, FollowsTheRecursionWithClippingAndAverage) {
  Tensor p = torch::zeros({2});
  Adam adam({p}, {0.9, 0.999, 1e-8});
  double m[2] = {}, v[2] = {}, x[2] = {}, average[2] = {};
  for (int t = 1; t <= 20; ++t) {
    const double g[2] = {3.0 * t, -4.0 * t};
    p.mutable_grad() = torch::tensor({g[0], g[1]}, torch::kFloat);
    adam.step({1e-2, 1.0, 0.9});
    const double scale = 1 / (5.0 * t);
    for (int i = 0; i < 2; ++i) {
      m[i] = 0.9 * m[i] + 0.1 * g[i] * scale;
      v[i] = 0.999 * v[i] + 0.001 * g[i] * scale * g[i] * scale;
      x[i] -= 1e-2 * (m[i] / (1 - std::pow(0.9, t))) / (std::sqrt(v[i] / (1 - std::pow(0.999, t))) + 1e-8);
      average[i] = 0.9 * average[i] + 0.1 * x[i];
    }
  }
  for (int i = 0; i < 2; ++i) {
    EXPECT_NEAR(p[i].item<double>(), x[i], 1e-6);
    EXPECT_NEAR(adam.averages()[0][i].item<double>(), average[i], 1e-6);
  }
}

TEST(Adam, KernelAgreesWithTheReference) {
  torch::manual_seed(2);
  const std::vector<Tensor> start{torch::randn({1000, 131}), torch::randn({7})};
  Adam fused({start[0].clone(), start[1].clone()}, {});
  Adam plain({start[0].clone(), start[1].clone()}, {});
  for (int t = 0; t < 10; ++t) {
    torch::manual_seed(static_cast<std::uint64_t>(t));
    set_gradients(fused, 3);
    torch::manual_seed(static_cast<std::uint64_t>(t));
    set_gradients(plain, 3);
    const double a = fused.step({1e-3, 1, 0.99});
    const double b = plain.step_reference({1e-3, 1, 0.99});
    EXPECT_NEAR(a / b, 1, 1e-6);
  }
  for (std::size_t k = 0; k < 2; ++k) {
    EXPECT_TRUE(fused.parameters()[k].allclose(plain.parameters()[k], 1e-5, 1e-6));
    EXPECT_TRUE(fused.averages()[k].allclose(plain.averages()[k], 1e-5, 1e-6));
    EXPECT_FALSE(fused.parameters()[k].equal(start[k]));
  }
}

TEST(Adam, ANonFiniteGradientChangesNothing) {
  Tensor p = torch::ones({3});
  Adam adam({p}, {});
  p.mutable_grad() = torch::tensor({1.0F, std::numeric_limits<float>::quiet_NaN(), 1.0F});
  EXPECT_FALSE(std::isfinite(adam.step({0.1, 1, 0.9})));
  EXPECT_TRUE(p.equal(torch::ones({3})));
  EXPECT_TRUE(adam.averages()[0].equal(torch::ones({3})));
  EXPECT_EQ(adam.steps(), 0);
}

}  // namespace
}  // namespace nodulus::train
