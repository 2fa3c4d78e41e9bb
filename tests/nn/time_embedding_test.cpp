#include "nodulus/nn/time_embedding.h"

#include <gmock/gmock.h>

#include <cmath>

namespace nodulus::nn {
namespace {

TEST(SinusoidalEmbedding, IsSinesThenCosinesOfGeometricFrequencies) {
  const torch::Tensor e = sinusoidal_embedding(torch::tensor({0.0F, 1.0F, 417.0F}), 8);
  ASSERT_EQ(e.sizes(), (std::vector<std::int64_t>{3, 8}));
  const double t[] = {0, 1, 417};
  for (int row = 0; row < 3; ++row) {
    for (int i = 0; i < 4; ++i) {
      const double angle = t[row] * std::pow(10000.0, -i / 3.0);  // 1 for i = 0 down to 1/10000 for i = 3
      EXPECT_NEAR(e[row][i].item<float>(), std::sin(angle), 2e-5);
      EXPECT_NEAR(e[row][4 + i].item<float>(), std::cos(angle), 2e-5);
    }
  }
}

TEST(SinusoidalEmbedding, RefusesOddSizes) { EXPECT_THROW(sinusoidal_embedding(torch::zeros({2}), 7), c10::Error); }

}  // namespace
}  // namespace nodulus::nn
