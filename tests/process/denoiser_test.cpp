#include "nodulus/process/denoiser.h"

#include <gtest/gtest.h>

namespace nodulus::process {
namespace {

using torch::Tensor;

TEST(Denoiser, ClampedKeepsCleanImagesWhereTheyAreAndNoOthers) {
  const Denoiser clamped_identity = clamped([](const Tensor& x, const Tensor&) { return x.clone(); });
  const Tensor x = torch::tensor({-3.0, -1.0, -0.25, 0.0, 1.0, 1.5}, torch::kDouble).reshape({1, 1, 1, 6});
  const Tensor expected = torch::tensor({-1.0, -1.0, -0.25, 0.0, 1.0, 1.0}, torch::kDouble).reshape({1, 1, 1, 6});
  EXPECT_TRUE(clamped_identity(x, torch::ones({1}, torch::kDouble)).equal(expected));
  EXPECT_EQ(x.min().item<double>(), -3);  // what was put in is as it was
}

TEST(Denoiser, CountedPassesOnAndCounts) {
  std::int64_t evaluations = 0;
  const Denoiser twice = counted([](const Tensor& x, const Tensor& sigma) { return x * sigma; }, evaluations);
  const Tensor two = torch::full({1}, 2.0, torch::kDouble);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(twice(two, two).item<double>(), 4);
  EXPECT_EQ(evaluations, 3);
  (void)twice(torch::zeros({4, 1, 2, 2}, torch::kDouble), two);  // four images at once
  EXPECT_EQ(evaluations, 7);
}

TEST(Guided, MovesFromAnyTowardsWhatIsAskedWithinItsLevels) {
  int asked_any = 0;
  const Denoiser asked = [](const torch::Tensor& x, const torch::Tensor&) { return x + 3; };
  const Denoiser any = [&](const torch::Tensor& x, const torch::Tensor&) {
    ++asked_any;
    return x + 1;
  };
  const Denoiser both = guided(asked, any, {2.5, 0.5, 4});
  const torch::Tensor x = torch::zeros({3, 1, 1, 1}, torch::kDouble);
  const torch::Tensor levels = torch::tensor({0.4, 0.5, 5.0}, torch::kDouble);
  // 1 + 2.5 (3 - 1) where guided
  EXPECT_TRUE(both(x, levels).flatten().equal(torch::tensor({3.0, 6.0, 3.0}, torch::kDouble)));
  EXPECT_EQ(asked_any, 1);
  EXPECT_TRUE(both(x, torch::tensor({2.0}, torch::kDouble)).flatten().equal(torch::full({3}, 6, torch::kDouble)));
  EXPECT_TRUE(both(x, torch::tensor({9.0}, torch::kDouble)).flatten().equal(torch::full({3}, 3, torch::kDouble)));
  EXPECT_EQ(asked_any, 2);  // beyond the levels it costs nothing
}

}  // namespace
}  // namespace nodulus::process
