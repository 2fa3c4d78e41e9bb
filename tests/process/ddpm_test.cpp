#include "nodulus/process/ddpm.h"

#include <gmock/gmock.h>

#include <cmath>
#include <vector>

#include "nodulus/core/error.h"

namespace nodulus::process {
namespace {

using torch::Tensor;

TEST(Ddpm, NoiseLevelsFollowFromTheBetas) {
  const Ddpm ddpm;
  ASSERT_EQ(ddpm.sigmas().size(), 1000U);
  // x_0 has beta_1 = 1e-4; the paper gives alpha_bar_T = 4e-5 for its schedule (section 4: L_T about 1e-5 bits/dim).
  EXPECT_DOUBLE_EQ(ddpm.alpha_bar(0), 1 - 1e-4);
  double log_alpha_bar = 0;
  for (int t = 0; t < 1000; ++t) log_alpha_bar += std::log1p(-(1e-4 + (0.02 - 1e-4) * t / 999.0));
  EXPECT_NEAR(ddpm.alpha_bar(999), std::exp(log_alpha_bar), 1e-12);
  EXPECT_NEAR(ddpm.alpha_bar(999), 4.036e-5, 1e-8);
  EXPECT_NEAR(ddpm.prior_deviation() * std::sqrt(ddpm.alpha_bar(999)), 1, 1e-12);
}

TEST(Ddpm, StepsOfASamplerAreSpreadOverAllLevels) {
  const Ddpm ddpm;
  const auto all = ddpm.noise_levels(1000);
  ASSERT_EQ(all.size(), 1001U);
  EXPECT_EQ(all.front(), ddpm.sigmas().back());
  EXPECT_EQ(all[999], ddpm.sigmas().front());
  EXPECT_EQ(all.back(), 0);
  const auto few = ddpm.noise_levels(4);  // t = 999, 666, 333, 0
  EXPECT_EQ(few,
            (std::vector<double>{ddpm.sigmas()[999], ddpm.sigmas()[666], ddpm.sigmas()[333], ddpm.sigmas()[0], 0}));
  EXPECT_THROW((void)ddpm.noise_levels(0), Error);
  EXPECT_THROW((void)ddpm.noise_levels(1001), Error);
}

TEST(Ddpm, IndexIsTheInverseOfSigmaAndLinearInItsLogarithm) {
  const Ddpm ddpm;
  for (const int t : {0, 1, 500, 998, 999}) EXPECT_EQ(ddpm.index_of(ddpm.sigmas()[static_cast<std::size_t>(t)]), t);
  const double between = std::pow(ddpm.sigmas()[500], 0.75) * std::pow(ddpm.sigmas()[501], 0.25);
  EXPECT_NEAR(ddpm.index_of(between), 500.25, 1e-9);
  EXPECT_EQ(ddpm.index_of(1e9), 999);
  EXPECT_EQ(ddpm.index_of(1e-9), 0);
}

// A network that answers with the true noise must make the loss 0, and its denoiser must give the clean image back.
TEST(Ddpm, TrueNoiseGivesNoLossAndTheCleanImage) {
  const Ddpm ddpm;
  torch::manual_seed(0);
  const Tensor clean = torch::randn({4, 1, 3, 3});
  const Tensor noise = torch::randn({4, 1, 3, 3});
  const Tensor uniform = torch::tensor({0.0, 0.25, 0.6, 0.9999999}, torch::kDouble);
  std::vector<float> seen;
  const NetworkFunction oracle = [&](const Tensor& x_t, const Tensor& t) {
    Tensor answer = torch::empty_like(x_t);
    for (int i = 0; i < 4; ++i) {
      seen.push_back(t[i].item<float>());
      const double alpha_bar = ddpm.alpha_bar(static_cast<int>(seen.back()));
      answer[i] = (x_t[i] - std::sqrt(alpha_bar) * clean[i]) / std::sqrt(1 - alpha_bar);
    }
    return answer;
  };
  const Tensor loss = ddpm.loss(oracle, clean, {noise, uniform});
  EXPECT_THAT(seen, ::testing::ElementsAre(0, 250, 600, 999));
  EXPECT_EQ(loss.sizes(), (std::vector<std::int64_t>{4}));
  EXPECT_LT(loss.max().item<double>(), 1e-7);  // float32; the first level has 1 % noise to divide by
  const Tensor sigma =
      torch::tensor({ddpm.sigmas()[0], ddpm.sigmas()[250], ddpm.sigmas()[600], ddpm.sigmas()[999]}, torch::kDouble);
  const Tensor x = clean.to(torch::kDouble) + sigma.view({4, 1, 1, 1}) * noise.to(torch::kDouble);
  const Tensor answer = ddpm.denoiser(oracle)(x, sigma);
  EXPECT_EQ(answer.scalar_type(), torch::kDouble);
  EXPECT_LT((answer - clean).abs().max().item<double>(), 1e-3);
}

TEST(Ddpm, LossIsTheMeanSquaredErrorOfEachImage) {
  const Ddpm ddpm;
  const Tensor noise = torch::tensor({1.0F, -1.0F, 2.0F, 0.0F}).view({2, 1, 1, 2});
  const NetworkFunction nothing = [](const Tensor& x, const Tensor&) { return torch::zeros_like(x); };
  const Tensor loss = ddpm.loss(nothing, torch::zeros({2, 1, 1, 2}), {noise, torch::tensor({0.1, 0.7})});
  EXPECT_FLOAT_EQ(loss[0].item<float>(), 1.0F);
  EXPECT_FLOAT_EQ(loss[1].item<float>(), 2.0F);
}

TEST(Ddpm, RefusesBetasInTheWrongOrder) {
  Ddpm ddpm;
  Options options;
  ddpm.describe(options);
  options.parse({"--ddpm.beta-first", "0.5"});
  EXPECT_THROW(ddpm.prepare(NoiseLabels::index), Error);
}

}  // namespace
}  // namespace nodulus::process
