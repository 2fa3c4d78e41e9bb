#include "nodulus/train/labels.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <numeric>

namespace nodulus::train {
namespace {

using torch::Tensor;

TEST(HideLabels, HidesEachLabelAsAWholeAndAllTogether) {
  ConditionSchema schema;
  schema.labels.resize(2);
  schema.labels[0].values = {{1, "", 1}, {2, "", 1}};
  schema.labels[1].values = {{1, "", 1}, {2, "", 1}, {3, "", 1}};
  constexpr std::int64_t count = 20000;
  std::vector<std::uint64_t> numbers(count);
  std::iota(numbers.begin(), numbers.end(), 0);
  Tensor rows = torch::ones({count, 5});
  hide_labels(rows, schema, 0.2, 3, numbers);
  const Tensor first = rows.narrow(1, 0, 2).sum(1);
  const Tensor second = rows.narrow(1, 2, 3).sum(1);
  EXPECT_TRUE(((first == 0) | (first == 2)).all().item<bool>());
  EXPECT_TRUE(((second == 0) | (second == 3)).all().item<bool>());
  auto share = [](const Tensor& t) { return t.to(torch::kDouble).mean().item<double>(); };
  EXPECT_NEAR(share(first == 0), 0.2 + 0.8 * 0.2, 0.015);
  EXPECT_NEAR(share((first == 0) & (second == 0)), 0.2 + 0.8 * 0.04, 0.015);
  Tensor again = torch::ones({1, 5});
  hide_labels(again, schema, 0.2, 3, std::vector<std::uint64_t>{777});
  EXPECT_TRUE(again[0].equal(rows[777]));
  hide_labels(again = torch::ones({1, 5}), schema, 0, 3, std::vector<std::uint64_t>{777});
  EXPECT_EQ(again.sum().item<double>(), 5);
}

}  // namespace
}  // namespace nodulus::train
