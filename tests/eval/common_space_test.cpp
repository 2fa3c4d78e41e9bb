#include "nodulus/eval/common_space.h"

#include <gtest/gtest.h>
#include <torch/utils.h>

#include <limits>
#include <numeric>

#include "tests/support/expect_error.h"

namespace nodulus::eval {
namespace {

std::vector<std::int64_t> first_rows(std::int64_t count) {
  std::vector<std::int64_t> rows(static_cast<std::size_t>(count));
  std::iota(rows.begin(), rows.end(), std::int64_t{0});
  return rows;
}

torch::Tensor spread_of(const torch::Tensor& points, std::int64_t fit) {
  return points.slice(0, 0, fit).square().sum(1).mean();
}

TEST(CommonSpace, NoKindOutweighsAnother) {
  torch::manual_seed(1);
  const torch::Tensor traits = torch::randn({80, 5}, torch::kFloat64);
  const torch::Tensor features = 100 * torch::randn({80, 40}, torch::kFloat64) + 7;
  const torch::Tensor alone = common_space({{traits, true}}, first_rows(60));
  const torch::Tensor both = common_space({{traits, true}, {features, false}}, first_rows(60));
  EXPECT_NEAR(spread_of(alone, 60).item<double>(), 1, 1e-9);
  EXPECT_NEAR(spread_of(both, 60).item<double>(), 2, 1e-9);
  EXPECT_GT(both.size(1), alone.size(1));
  EXPECT_LT(both.size(1), 45);
  EXPECT_TRUE(torch::allclose(both.slice(1, 0, alone.size(1)), alone));
}

TEST(CommonSpace, KeepsDistancesWithinAKindUpToScale) {
  torch::manual_seed(2);
  // Three directions hold all the variance: nothing is lost with nine tenths of it but what is below them.
  const torch::Tensor values = torch::randn({50, 3}, torch::kFloat64).matmul(torch::randn({3, 20}, torch::kFloat64));
  const torch::Tensor points = common_space({{values, false}}, first_rows(50));
  const torch::Tensor ratio = torch::pdist(points) / torch::pdist(values);
  EXPECT_LE(points.size(1), 3);
  EXPECT_LT((ratio.std() / ratio.mean()).item<double>(), 0.2);
}

TEST(CommonSpace, RanksAlone) {
  torch::manual_seed(3);
  torch::Tensor values = torch::randn({70, 4}, torch::kFloat64);
  const torch::Tensor points = common_space({{values, true}}, first_rows(70));
  EXPECT_TRUE(torch::allclose(common_space({{values.exp() * 50, true}}, first_rows(70)), points));
  const auto top = values.select(1, 0).argmax().item<std::int64_t>();
  // An unknown value lies where the median does.
  torch::Tensor unknown = torch::cat({values, values.slice(0, top, top + 1), values.slice(0, top, top + 1)});
  unknown[70][0] = std::numeric_limits<double>::quiet_NaN();
  unknown[71][0] = values.select(1, 0).quantile(0.5).item<double>();
  const torch::Tensor placed = common_space({{unknown, true}}, first_rows(70));
  EXPECT_LT((placed[70] - placed[71]).abs().max().item<double>(), 0.05);
  EXPECT_GT((placed[70] - placed[top]).abs().max().item<double>(), 0.05);
}

TEST(CommonSpace, OfTooFewIsRefused) {
  const torch::Tensor values = torch::zeros({3, 2}, torch::kFloat64);
  test::expect_error([&] { common_space({{values, false}}, {0}); }, ErrorCode::usage, {"two training nodules", "1"});
  EXPECT_EQ(common_space({{values, false}}, {0, 1}).abs().max().item<double>(), 0);  // all the same
}

}  // namespace
}  // namespace nodulus::eval
