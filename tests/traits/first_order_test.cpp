#include "nodulus/traits/first_order.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/traits/ibsi_phantom.h"

namespace nodulus::traits {
namespace {

using test::ibsi_phantom;
using test::published_digits;

std::vector<int> phantom_levels() {
  std::vector<int> levels;
  for (const GreyLevels& slice : ibsi_phantom()) {
    for (const int level : slice.level) {
      if (level > 0) levels.push_back(level);
    }
  }
  return levels;
}

// Reference manual of the initiative (arXiv 1612.07003), digital phantom.
TEST(FirstOrder, HasTheInitiativesValuesOnItsPhantom) {
  const std::vector<int> levels = phantom_levels();
  ASSERT_EQ(levels.size(), 74U);
  const FirstOrder f = first_order({levels.begin(), levels.end()});
  const std::vector<std::pair<double, double>> found_and_published = {
      {f.mean, 2.15},
      {f.variance, 3.05},
      {f.skewness, 1.08},
      {f.excess_kurtosis, -0.355},
      {f.median, 1},
      {f.minimum, 1},
      {f.percentile_10, 1},
      {f.percentile_90, 4},
      {f.maximum, 6},
      {f.interquartile_range, 3},
      {f.range, 5},
      {f.mean_absolute_deviation, 1.55},
      {f.robust_mean_absolute_deviation, 1.11},
      {f.median_absolute_deviation, 1.15},
      {f.coefficient_of_variation, 0.812},
      {f.quartile_coefficient_of_dispersion, 0.6},
      {f.energy, 567},
      {f.root_mean_square, 2.77},
      {level_entropy(levels), 1.27},
  };
  for (const auto& [found, published] : found_and_published) {
    EXPECT_NEAR(found, published, published_digits(published)) << published;
  }
}

TEST(FirstOrder, OfOneValueHasNoSkewness) {
  const FirstOrder f = first_order({-50});
  EXPECT_EQ(f.mean, -50);
  EXPECT_EQ(f.variance, 0);
  EXPECT_EQ(f.percentile_10, -50);
  EXPECT_EQ(f.robust_mean_absolute_deviation, 0);
  EXPECT_TRUE(std::isnan(f.skewness));
  EXPECT_TRUE(std::isnan(f.excess_kurtosis));
}

TEST(FirstOrder, OfTwoValuesHasNoneBetweenThePercentiles) {
  EXPECT_TRUE(std::isnan(first_order({0, 10}).robust_mean_absolute_deviation));
  EXPECT_EQ(first_order({0, 10}).percentile_90, 9);
}

TEST(FirstOrder, HasTheQuartilesOfFiveValues) {
  const FirstOrder f = first_order({4, 0, 3, 1, 2});
  EXPECT_EQ(f.interquartile_range, 2);  // 1 to 3
  EXPECT_EQ(f.quartile_coefficient_of_dispersion, 0.5);
  EXPECT_EQ(f.median, 2);
}

TEST(FirstOrder, OfNothingIsNotANumber) {
  const FirstOrder f = first_order({});
  EXPECT_TRUE(std::isnan(f.mean));
  EXPECT_TRUE(std::isnan(f.root_mean_square));
  EXPECT_TRUE(std::isnan(f.robust_mean_absolute_deviation));
  EXPECT_TRUE(std::isnan(share_above({}, 0)));
  EXPECT_TRUE(std::isnan(level_entropy({})));
}

TEST(ShareAbove, LeavesTheThresholdItselfBelow) {
  EXPECT_EQ(share_above({-301, -300, -299, 0}, kSolidAbove_hu), 0.5);
  EXPECT_EQ(share_above({199, 200, 201, 900}, kCalcifiedAbove_hu), 0.5);
}

}  // namespace
}  // namespace nodulus::traits
