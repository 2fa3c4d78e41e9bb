#include "nodulus/sample/ode.h"

#include <gmock/gmock.h>

#include "tests/sample/closed_forms.h"
#include "tests/support/expect_error.h"

namespace nodulus::sample {
namespace {

using closed_forms::log_levels;
using torch::Tensor;

OdeReport no_report() {
  return {.name_time = [](double t) { return fmt::format("time {:.3g}", t); }};
}

// y' = -y and y' = t y, forwards and backwards in time, each against its solution.
TEST(DormandPrince, SolvesEquationsWhoseSolutionIsKnown) {
  const Tensor y = torch::tensor({1.0, -2.0, 0.5}, torch::kDouble).view({3, 1});
  const VectorField decay = [](const Tensor&, const Tensor& at, const Tensor&) { return -at; };
  const VectorField growth = [](const Tensor& t, const Tensor& at, const Tensor&) { return t.view({-1, 1}) * at; };
  const OdeTolerance fine{.rtol = 1e-10, .atol = 1e-12};
  const Tensor decayed = dormand_prince(decay, y, 0, 2, fine, no_report());
  EXPECT_LT((decayed - y * std::exp(-2.0)).abs().max().item<double>(), 1e-9);
  const Tensor back = dormand_prince(decay, decayed, 2, 0, fine, no_report());
  EXPECT_LT((back - y).abs().max().item<double>(), 1e-8);
  const Tensor grown = dormand_prince(growth, y, -1, 2, fine, no_report());
  EXPECT_LT((grown - y * std::exp(1.5)).abs().max().item<double>(), 1e-8);
  EXPECT_TRUE(dormand_prince(decay, y, 1, 1, fine, no_report()).equal(y));
}

// A fifth-order polynomial in t is integrated exactly by a formula of order 5, to which the tolerance adds nothing.
TEST(DormandPrince, IsExactForTheFifthPower) {
  const VectorField field = [](const Tensor& t, const Tensor& at, const Tensor&) {
    return (5 * t.pow(4)).view({-1, 1}).expand_as(at);
  };
  const Tensor end =
      dormand_prince(field, torch::zeros({1, 2}, torch::kDouble), 0, 3, {.rtol = 0.1, .atol = 0.1}, no_report());
  EXPECT_NEAR(end[0][1].item<double>(), 243, 1e-10);
}

TEST(DormandPrince, TellsTheFieldWhichRowsItIsAskedFor) {
  // Row i goes by rate i: stiffer rows take more steps, and are the last to be asked for.
  std::vector<std::int64_t> asked(3);
  const VectorField field = [&](const Tensor& t, const Tensor& at, const Tensor& rows) {
    EXPECT_EQ(t.numel(), at.size(0));
    EXPECT_EQ(rows.numel(), at.size(0));
    for (std::int64_t i = 0; i < rows.numel(); ++i) ++asked[static_cast<std::size_t>(rows[i].item<std::int64_t>())];
    return -10 * (1 + rows.to(torch::kDouble)).view({-1, 1}) * at;
  };
  const Tensor end =
      dormand_prince(field, torch::ones({3, 1}, torch::kDouble), 0, 1, {.rtol = 1e-8, .atol = 1e-10}, no_report());
  for (std::int64_t i = 0; i < 3; ++i)
    EXPECT_NEAR(end[i].item<double>(), std::exp(-10.0 * static_cast<double>(1 + i)), 1e-8);
  EXPECT_LT(asked[0], asked[1]);
  EXPECT_LT(asked[1], asked[2]);
}

TEST(DormandPrince, ReportsHowFarAllRowsAre) {
  std::vector<double> reached;
  OdeReport report = no_report();
  report.on_reached = [&](double t) { reached.push_back(t); };
  const VectorField field = [](const Tensor&, const Tensor& at, const Tensor&) { return -at; };
  (void)dormand_prince(field, torch::ones({2, 1}, torch::kDouble), 3, 1, {}, report);
  ASSERT_FALSE(reached.empty());
  EXPECT_TRUE(std::is_sorted(reached.rbegin(), reached.rend()));
  EXPECT_EQ(reached.back(), 1);
}

TEST(DormandPrince, SaysWhatToleranceItCannotMeet) {
  const Tensor y = torch::ones({2, 1}, torch::kDouble);
  // y' = y^2 from 1 has a pole at t = 1; row 1 alone goes there.
  const VectorField pole = [](const Tensor&, const Tensor& at, const Tensor& rows) {
    return rows.view({-1, 1}).to(torch::kDouble) * at.square();
  };
  test::expect_error([&] { (void)dormand_prince(pole, y, 0, 2, {}, no_report()); }, ErrorCode::bad_input,
                     {"image 1 of the batch: the ODE cannot be followed to rtol 1e-05, atol 1e-05 at time 1",
                      "a step of", "evaluations; expected a larger tolerance"});
  const VectorField stiff = [](const Tensor&, const Tensor& at, const Tensor&) { return -1000 * at; };
  test::expect_error([&] { (void)dormand_prince(stiff, y, 0, 9, {.most_evaluations = 100}, no_report()); },
                     ErrorCode::bad_input, {"image 0", "not there after 98 evaluations"});
}

SamplerInput on_mixture(const Tensor& x, std::span<const double> sigmas) {
  SamplerInput input;
  input.denoiser = closed_forms::mixture(closed_forms::two_gaussians());
  input.x = x;
  input.sigmas = sigmas;
  return input;
}

// Bit for bit, and evaluation for evaluation: images take steps of their own.
TEST(Ode, AnImageDoesNotDependOnItsBatch) {
  const std::vector<double> sigmas = log_levels(10, 12, 0.08);
  const Tensor x = closed_forms::normal({7, 1, 1, 2}, 3) * 12;
  std::int64_t together_evaluations = 0;
  SamplerInput input = on_mixture(x, sigmas);
  input.denoiser = process::counted(input.denoiser, together_evaluations);
  const Tensor together = ode(input, {});
  std::int64_t sum = 0;
  std::vector<std::int64_t> each;
  for (std::int64_t i = 0; i < x.size(0); ++i) {
    std::int64_t evaluations = 0;
    SamplerInput alone = on_mixture(x.slice(0, i, i + 1), sigmas);
    alone.denoiser = process::counted(alone.denoiser, evaluations);
    EXPECT_TRUE(ode(alone, {})[0].equal(together[i])) << i;
    each.push_back(evaluations);
    sum += evaluations;
  }
  EXPECT_EQ(together_evaluations, sum);
  EXPECT_NE(*std::min_element(each.begin(), each.end()), *std::max_element(each.begin(), each.end()));
}

// The probability-flow ODE of N(m, s^2) takes x - m at level a to level b by sqrt((s^2 + b^2) / (s^2 + a^2)).
TEST(Ode, IsTheKnownMapForGaussianData) {
  const std::vector<double> sigmas = log_levels(5, 80, 0.01);
  SamplerInput input;
  input.denoiser = closed_forms::gaussian(0.3, 0.5);
  input.x = 0.3 + closed_forms::normal({5, 1, 3, 3}, 1) * 80;
  input.sigmas = sigmas;
  const double to_lowest = std::sqrt((0.25 + 1e-4) / (0.25 + 6400));
  const double last = 0.25 / (0.25 + 1e-4);
  const Tensor exact = 0.3 + to_lowest * last * (input.x - 0.3);
  EXPECT_LT((ode(input, {}) - exact).abs().max().item<double>(), 1e-4);
  EXPECT_LT((ode(input, {.rtol = 1e-10, .atol = 1e-10}) - exact).abs().max().item<double>(), 1e-9);
}

TEST(Ode, NamesTheLevelAtWhichItGaveUp) {
  const std::vector<double> sigmas = log_levels(10, 12, 0.08);
  const SamplerInput input = on_mixture(closed_forms::normal({2, 1, 1, 2}, 3) * 12, sigmas);
  test::expect_error([&] { (void)ode(input, {.rtol = 1e-9, .atol = 1e-9, .most_evaluations = 50}); },
                     ErrorCode::bad_input, {"image 0", "rtol 1e-09, atol 1e-09 at sigma ", "after 50 evaluations"});
}

TEST(Ode, CountsTheLevelsThatAllImagesHavePassed) {
  const std::vector<double> sigmas = log_levels(10, 12, 0.08);
  SamplerInput input = on_mixture(closed_forms::normal({3, 1, 1, 2}, 3) * 12, sigmas);
  std::vector<std::int64_t> told;
  input.on_step = [&](std::int64_t done, std::int64_t total) {
    EXPECT_EQ(total, 10);
    told.push_back(done);
  };
  (void)ode(input, {});
  EXPECT_THAT(told, testing::ElementsAre(1, 2, 3, 4, 5, 6, 7, 8, 9, 10));
}

}  // namespace
}  // namespace nodulus::sample
