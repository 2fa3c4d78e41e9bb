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

TEST(FourierFeatures, AreSinesThenCosinesOfNormalFrequenciesThatNothingTrains) {
  torch::manual_seed(1);
  FourierFeatures features(4096, 16);
  torch::manual_seed(2);
  EXPECT_TRUE(FourierFeatures(4096, 16)->buffers()[0].equal(features->buffers()[0]));
  EXPECT_TRUE(features->parameters().empty());
  const torch::Tensor f = features->buffers()[0].to(torch::kDouble);
  ASSERT_EQ(f.numel(), 2048);
  EXPECT_NEAR(f.mean().item<double>(), 0, 4 * 16 / std::sqrt(2048.0));
  EXPECT_NEAR(f.std().item<double>(), 16, 4 * 16 / std::sqrt(2 * 2048.0));
  const torch::Tensor e = features(torch::tensor({0.25F, -3.0F}));
  ASSERT_EQ(e.sizes(), (std::vector<std::int64_t>{2, 4096}));
  for (const int i : {0, 1, 777, 2047}) {
    const double angle = 2 * M_PI * f[i].item<double>() * -3;
    EXPECT_NEAR(e[1][i].item<float>(), std::sin(angle), 1e-3);
    EXPECT_NEAR(e[1][2048 + i].item<float>(), std::cos(angle), 1e-3);
  }
}

TEST(EmbedEach, WithoutGradientsGivesEachElementItsOwnCall) {
  int calls = 0;
  auto embed = [&](const torch::Tensor& t) {
    ++calls;
    return t.unsqueeze(1) * 2;
  };
  const torch::Tensor t = torch::arange(5);
  const torch::Tensor with_gradients = embed_each(t, embed);
  EXPECT_EQ(calls, 1);
  const torch::NoGradGuard no_grad;
  EXPECT_TRUE(embed_each(t, embed).equal(with_gradients));
  EXPECT_EQ(calls, 6);
}

}  // namespace
}  // namespace nodulus::nn
