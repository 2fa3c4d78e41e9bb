#include "nodulus/sample/inpaint.h"

#include <gmock/gmock.h>

#include <numbers>

#include "nodulus/sample/ddim.h"
#include "nodulus/sample/interpolation.h"
#include "tests/sample/closed_forms.h"
#include "tests/support/expect_error.h"

namespace nodulus::sample {
namespace {

using closed_forms::log_levels;
using torch::Tensor;

/// Three pixels in a row, N(mean, C) with C_ij = 0.09 0.8^|i - j|; the outer two are known, the middle one is new.
struct InpaintProblem {
  static constexpr std::int64_t count = 4000;
  Tensor mean = torch::tensor({0.2, 0.0, -0.2}, torch::kDouble);
  Tensor C = 0.09 * torch::tensor({1.0, 0.8, 0.64, 0.8, 1.0, 0.8, 0.64, 0.8, 1.0}, torch::kDouble).view({3, 3});
  Tensor known = torch::tensor({0.7, 9.0, 0.1}, torch::kDouble).view({1, 1, 1, 3}).expand({count, 1, 1, 3});
  Tensor region = torch::tensor({0, 1, 0}, torch::kLong).view({1, 1, 1, 3}).to(torch::kBool);
  std::vector<double> sigmas = log_levels(120, 20, 0.01);
  std::int64_t evaluations = 0;
  SamplerInput input;

  InpaintProblem() {
    const auto [lambda, Q] = torch::linalg_eigh(C);
    input.denoiser = process::counted(closed_forms::gaussian(mean, lambda, Q), evaluations);
    input.x = closed_forms::normal({count, 1, 1, 3}, 0) * 20;
    input.sigmas = sigmas;
    input.noise = [](std::int64_t number) {
      return closed_forms::normal({count, 1, 1, 3}, static_cast<std::uint64_t>(number) + 1);
    };
  }

  /// Of the middle pixel given the outer two: with B = C_mo C_oo^-1, mean m_m + B (o - m_o), variance C_mm - B C_om.
  [[nodiscard]] std::pair<double, double> conditional() const {
    const Tensor outer = torch::tensor({0, 2}, torch::kLong);
    const Tensor C_oo = C.index_select(0, outer).index_select(1, outer);
    const Tensor C_mo = C[1].index_select(0, outer);
    const Tensor B = torch::linalg_solve(C_oo, C_mo.view({2, 1})).flatten();
    const Tensor apart = known[0].flatten().index_select(0, outer) - mean.index_select(0, outer);
    return {(mean[1] + B.dot(apart)).item<double>(), (C[1][1] - B.dot(C_mo)).item<double>()};
  }
};

TEST(Inpaint, LeavesWhatIsKnownAsItIs) {
  for (const InpaintMethod method : {InpaintMethod::replacement, InpaintMethod::repaint}) {
    InpaintProblem p;
    const Tensor made = inpaint(p.input, p.known, p.region, {.method = method, .resamplings = 3, .jump_length = 5});
    EXPECT_TRUE(made.select(3, 0).equal(p.known.select(3, 0)));
    EXPECT_TRUE(made.select(3, 2).equal(p.known.select(3, 2)));
    EXPECT_FALSE((made.select(3, 1) == p.known.select(3, 1)).any().item<bool>());
  }
}

TEST(Inpaint, RepaintFollowsTheConditionalDistribution) {
  InpaintProblem p;
  const auto [mean, variance] = p.conditional();
  const Tensor made = inpaint(p.input, p.known, p.region, {}).select(3, 1);
  const double n = static_cast<double>(InpaintProblem::count);
  EXPECT_NEAR(made.mean().item<double>(), mean, 5 * std::sqrt(variance / n) + 0.1 * std::sqrt(variance));
  EXPECT_NEAR(made.var().item<double>(), variance, 5 * variance * std::sqrt(2 / n) + 0.1 * variance);
}

// Replacement alone lets the region and its surroundings drift apart: what repaint is for.
TEST(Inpaint, ReplacementIsTheWorseOfTheTwo) {
  InpaintProblem p;
  const auto [mean, variance] = p.conditional();
  const Tensor once = inpaint(p.input, p.known, p.region, {.method = InpaintMethod::replacement}).select(3, 1);
  const Tensor often = inpaint(p.input, p.known, p.region, {}).select(3, 1);
  const auto off = [mean = mean, variance = variance](const Tensor& made) {
    return std::abs(made.mean().item<double>() - mean) / std::sqrt(variance) +
           std::abs(made.var().item<double>() / variance - 1);
  };
  EXPECT_GT(off(once), 2 * off(often));
}

// T = 250, j = 10, r = 10 are the published numbers: 24 places to jump back from.
TEST(Inpaint, CountsItsSteps) {
  EXPECT_EQ(inpaint_steps(250, {}), 250 + 24 * 9 * 10);
  EXPECT_EQ(inpaint_steps(250, {.method = InpaintMethod::replacement}), 250);
  EXPECT_EQ(inpaint_steps(5, {.resamplings = 2, .jump_length = 2}), 5 + 2 * 2);
  InpaintProblem p;
  std::int64_t last = 0;
  p.input.on_step = [&](std::int64_t done, std::int64_t total) {
    EXPECT_EQ(done, ++last);
    EXPECT_EQ(total, inpaint_steps(120, {}));
  };
  (void)inpaint(p.input, p.known, p.region, {});
  EXPECT_EQ(last, inpaint_steps(120, {}));
  EXPECT_EQ(p.evaluations, last * InpaintProblem::count);
}

TEST(Inpaint, AnImageDoesNotDependOnItsBatch) {
  InpaintProblem p;
  const Tensor together = inpaint(p.input, p.known, p.region, {.resamplings = 2});
  const auto noise = p.input.noise;
  p.input.noise = [&](std::int64_t number) { return noise(number).slice(0, 17, 18); };
  p.input.x = p.input.x.slice(0, 17, 18);
  const process::Denoiser whole = p.input.denoiser;
  p.input.denoiser = [&](const Tensor& x, const Tensor& sigma) {  // matmul's rounding is not what is asked about
    return whole(x.expand({InpaintProblem::count, 1, 1, 3}), sigma).slice(0, 17, 18);
  };
  const Tensor alone = inpaint(p.input, p.known.slice(0, 17, 18), p.region, {.resamplings = 2});
  EXPECT_LT((alone[0] - together[17]).abs().max().item<double>(), 1e-12);
}

TEST(Inpaint, RefusesWhatMakesNoWalk) {
  InpaintProblem p;
  test::expect_error([&] { (void)inpaint(p.input, p.known, p.region, {.resamplings = 0}); }, ErrorCode::usage,
                     {"expected resamplings and jump length >= 1, found 0 and 10"});
}

TEST(Slerp, TurnsEachImageAtAnEvenRate) {
  // From (2, 0) to (0, 3): the weights are sines, whatever the lengths; an angle of 60 degrees in the second image.
  const Tensor from = torch::tensor({2.0, 0.0, 1.0, 0.0}, torch::kDouble).view({2, 1, 1, 2});
  const Tensor to = torch::tensor({0.0, 3.0, 0.5, std::sqrt(0.75)}, torch::kDouble).view({2, 1, 1, 2});
  const Tensor third = slerp(from, to, 1.0 / 3);
  EXPECT_NEAR(third[0][0][0][0].item<double>(), 2 * std::sin(std::numbers::pi / 3), 1e-14);
  EXPECT_NEAR(third[0][0][0][1].item<double>(), 3 * std::sin(std::numbers::pi / 6), 1e-14);
  EXPECT_NEAR(third[1][0][0][0].item<double>(), std::cos(std::numbers::pi / 9), 1e-14);
  EXPECT_NEAR(third[1][0][0][1].item<double>(), std::sin(std::numbers::pi / 9), 1e-14);
  EXPECT_LT((slerp(from, to, 0) - from).abs().max().item<double>(), 1e-15);
  EXPECT_LT((slerp(from, to, 1) - to).abs().max().item<double>(), 1e-15);
  EXPECT_TRUE(slerp(from, from, 0.3).allclose(from, 1e-14));
  EXPECT_TRUE(slerp(from, -from, 0.5).isfinite().all().item<bool>());
}

TEST(Slerp, KeepsTheLengthOfNoise) {
  const Tensor from = closed_forms::normal({4, 1, 32, 32}, 1);
  const Tensor to = closed_forms::normal({4, 1, 32, 32}, 2);
  const Tensor half = slerp(from, to, 0.5);
  EXPECT_TRUE(((half.flatten(1).square().mean(1) - 1).abs() < 0.15).all().item<bool>());
  EXPECT_LT(((from + to) / 2).square().mean().item<double>(), 0.6);
  EXPECT_TRUE(slerp(from.slice(0, 2, 3), to.slice(0, 2, 3), 0.5)[0].equal(half[2]));
}

// Along the deterministic ODE, what lies between two seeds' noise lies between their images.
TEST(Slerp, GivesImagesBetweenThoseOfTwoSeeds) {
  const std::vector<double> sigmas = log_levels(50, 80, 0.01);
  SamplerInput input;
  input.denoiser = closed_forms::gaussian(0.3, 0.5);
  input.sigmas = sigmas;
  const Tensor from = closed_forms::normal({1, 1, 8, 8}, 1) * 80;
  const Tensor to = closed_forms::normal({1, 1, 8, 8}, 2) * 80;
  auto image = [&](const Tensor& x) {
    input.x = x;
    return ddim(input, 0);
  };
  const Tensor between = image(slerp(from, to, 0.5));
  const double apart = (image(from) - image(to)).norm().item<double>();
  EXPECT_LT((between - image(from)).norm().item<double>(), 0.75 * apart);
  EXPECT_LT((between - image(to)).norm().item<double>(), 0.75 * apart);
}

}  // namespace
}  // namespace nodulus::sample
