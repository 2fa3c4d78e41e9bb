#include "nodulus/traits/statistics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numeric>

#include "nodulus/core/seed.h"
#include "tests/support/expect_error.h"

// Figures marked "scipy" are those of scipy 1.10.1 and numpy 1.24.2, for example:
//   python3 -c "from scipy import stats; print(stats.wasserstein_distance([2.5, 3.1], [4.4, 6.0, 3.1]))"

namespace nodulus::traits {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();
const std::vector<double> few{2.5, 3.1, 0.4, 7.7, 5.2, 1.1, 3.1};
const std::vector<double> more{4.4, 6.0, 3.1, 8.8, 9.9, 2.2, 7.1, 5.5, 6.6, 12.0};

/// factor * sin(step * i) + shift, i = 0, 1, ...
std::vector<double> sines(std::size_t count, double step, double factor, double shift) {
  std::vector<double> values(count);
  for (std::size_t i = 0; i < count; ++i) values[i] = std::sin(static_cast<double>(i) * step) * factor + shift;
  return values;
}

TEST(Statistics, ADistributionIsNumpysPercentiles) {
  const Distribution d = distribution(std::vector<double>{3, 1, nan, 4, 1, 5, 9, 2, nan, 6, 5, 3.5});
  EXPECT_EQ(d.count, 10);
  EXPECT_EQ(d.missing, 2);
  EXPECT_DOUBLE_EQ(d.mean, 3.95);
  EXPECT_NEAR(d.deviation, 2.4545875417267156, 1e-14);
  const std::array<double, 7> scipy{1, 1, 2.25, 3.75, 5, 7.65, 8.865};
  for (std::size_t k = 0; k < scipy.size(); ++k) EXPECT_NEAR(d.quantiles[k], scipy[k], 1e-13) << k;
}

TEST(Statistics, NothingIsNaNAndOneValueHasNoDeviation) {
  const Distribution none = distribution(std::vector<double>{nan});
  EXPECT_EQ(none.count, 0);
  EXPECT_EQ(none.missing, 1);
  EXPECT_TRUE(std::isnan(none.mean) && std::isnan(none.deviation) && std::isnan(none.quantiles[3]));
  const Distribution one = distribution(std::vector<double>{7});
  EXPECT_EQ(one.mean, 7);
  EXPECT_TRUE(std::isnan(one.deviation));
  EXPECT_EQ(one.quantiles[0], 7);
  EXPECT_TRUE(std::isnan(wasserstein({}, few)));
  EXPECT_TRUE(std::isnan(ks_two_sample(few, {}).p));
  EXPECT_TRUE(common_histogram({}, {}).edges.empty());
}

TEST(Statistics, WassersteinIsScipys) {
  EXPECT_NEAR(wasserstein(few, more), 3.26, 1e-13);
  EXPECT_NEAR(wasserstein(more, few), 3.26, 1e-13);
  EXPECT_NEAR(wasserstein(sines(60, 1.7, 3, 0), sines(45, 2.3, 3, 1.2)), 1.2290299862468035, 1e-12);
  EXPECT_EQ(wasserstein(few, few), 0);
  std::vector<double> moved = few;
  for (double& value : moved) value += 10;  // a shift is its own distance
  moved.push_back(nan);
  EXPECT_NEAR(wasserstein(few, moved), 10, 1e-13);
}

TEST(Statistics, KolmogorovSmirnovIsScipysExactTest) {
  const KsTest small = ks_two_sample(few, more);
  EXPECT_TRUE(small.exact);
  EXPECT_NEAR(small.statistic, 0.5571428571428572, 1e-15);
  EXPECT_NEAR(small.p, 0.11651583710407241, 1e-12);
  const KsTest middle = ks_two_sample(sines(60, 1.7, 3, 0), sines(45, 2.3, 3, 1.2));
  EXPECT_NEAR(middle.statistic, 0.3111111111111111, 1e-15);
  EXPECT_NEAR(middle.p, 0.011055184967331112, 1e-12);
  std::vector<double> row(30);
  std::iota(row.begin(), row.end(), 0.0);
  std::vector<double> far = row;
  for (double& value : far) value += 25;
  const KsTest tail = ks_two_sample(row, far);  // a small p is as exact as a large one
  EXPECT_NEAR(tail.p / 9.236090683675521e-11, 1, 1e-9);
  EXPECT_EQ(ks_two_sample(few, few).p, 1);
}

TEST(Statistics, KolmogorovSmirnovsLimitIsScipysForLargeSamples) {
  // scipy: ks_2samp(sin(i * 1.7), 1.02 * sin(i * 2.3), mode='asymp') with 20000 and 15000 values.
  const KsTest large = ks_two_sample(sines(20000, 1.7, 1, 0), sines(15000, 2.3, 1.02, 0));
  EXPECT_FALSE(large.exact);
  EXPECT_NEAR(large.statistic, 0.06313333333333333, 1e-15);
  EXPECT_NEAR(std::log10(large.p), std::log10(3.837411804099398e-30), 0.03);
  const KsTest usual = ks_two_sample(sines(3000, 1.7, 1, 0), sines(2500, 2.3, 1, 0.0075), 0);
  EXPECT_FALSE(usual.exact);
  EXPECT_NEAR(usual.p / 0.026997775582604855, 1, 0.002);
}

TEST(Statistics, TheLimitAndTheExactTestMeet) {
  for (const double shift : {0.05, 0.1, 0.2}) {
    const auto x = sines(900, 1.7, 1, 0);
    const auto y = sines(1100, 2.3, 1, shift);
    const double exact = ks_two_sample(x, y).p;
    EXPECT_NEAR(ks_two_sample(x, y, 0).p, exact, 0.02 * exact + 0.01) << shift;
  }
}

TEST(Statistics, PValuesAreCorrectedInTheirOwnOrder) {
  const std::vector<double> ps{0.01, 0.04, nan, 0.03, 0.005, 0.5};
  const auto by_holm = holm(ps);
  const std::array<double, 6> expected_holm{0.04, 0.09, nan, 0.09, 0.025, 0.5};
  for (std::size_t k = 0; k < ps.size(); ++k) {
    if (k == 2) continue;
    EXPECT_NEAR(by_holm[k], expected_holm[k], 1e-15) << k;
  }
  EXPECT_TRUE(std::isnan(by_holm[2]));
  EXPECT_EQ(holm(std::vector<double>{0.9, 0.8})[0], 1);
}

TEST(Statistics, SharesHaveWilsonsInterval) {
  const Interval some = wilson_interval(7, 20);  // scipy: binomtest(7, 20).proportion_ci(method='wilson')
  EXPECT_NEAR(some.low, 0.1811918241010821, 1e-12);
  EXPECT_NEAR(some.high, 0.5671457233147637, 1e-12);
  const Interval none = wilson_interval(0, 50);
  EXPECT_EQ(none.low, 0);
  EXPECT_NEAR(none.high, 0.07134759913335872, 1e-12);
  EXPECT_EQ(wilson_interval(50, 50).high, 1);
  EXPECT_TRUE(std::isnan(wilson_interval(0, 0).low));
}

TEST(Statistics, SharesAreOfTheSum) {
  EXPECT_EQ(shares(std::vector<std::int64_t>{1, 0, 3}), (std::vector<double>{0.25, 0, 0.75}));
  EXPECT_EQ(shares(std::vector<std::int64_t>{0, 0}), (std::vector<double>{0, 0}));
}

TEST(Statistics, AHistogramCountsAllValuesOverSharedBins) {
  std::vector<double> uniform(1000);
  std::iota(uniform.begin(), uniform.end(), 0.0);
  std::vector<double> apart{-1e6, 1e6, 500, nan};
  const Histogram h = common_histogram(uniform, apart);
  // 2 IQR n^(-1/3) of about 0..999 is a tenth of the range: 10 bins.
  ASSERT_EQ(h.edges.size(), 11u);
  EXPECT_NEAR(h.edges.front(), 5.0, 2);
  EXPECT_NEAR(h.edges.back(), 994.0, 2);
  EXPECT_EQ(std::accumulate(h.first.begin(), h.first.end(), std::int64_t{0}), 1000);
  EXPECT_EQ(h.second.front(), 1);
  EXPECT_EQ(h.second.back(), 1);
  EXPECT_EQ(std::accumulate(h.second.begin(), h.second.end(), std::int64_t{0}), 3);
  const Histogram constant = common_histogram(std::vector<double>{4, 4, 4}, std::vector<double>{4});
  EXPECT_EQ(std::accumulate(constant.first.begin(), constant.first.end(), std::int64_t{0}), 3);
  EXPECT_LT(constant.edges.front(), 4);
  EXPECT_GT(constant.edges.back(), 4);
  EXPECT_LE(common_histogram(sines(200, 1.3, 5, 0), uniform).edges.size(), 41u);
}

TEST(Statistics, RankCorrelationIsScipys) {
  const std::vector<double> a{1, 2, 2, 3, 5, 4};
  const std::vector<double> b{2, 1, 4, 4, 9, 7};
  EXPECT_NEAR(spearman(a, b), 0.8676470588235294, 1e-14);  // scipy: spearmanr
  EXPECT_NEAR(spearman(std::vector<double>{1, nan, 2, 3, 9}, std::vector<double>{10, 5, 20, 30, nan}), 1, 1e-14);
  EXPECT_TRUE(std::isnan(spearman(std::vector<double>{1, 1, 1}, std::vector<double>{1, 2, 3})));
  EXPECT_TRUE(std::isnan(spearman(std::vector<double>{1, 2}, std::vector<double>{1, 2})));
  nodulus::test::expect_error([&] { (void)spearman(a, few); }, ErrorCode::internal, {"6", "7"});
  // A draw with repeats is the correlation of the drawn pairs themselves.
  const std::vector<std::size_t> drawn{5, 0, 0, 3, 3, 3, 1};
  const std::vector<double> drawn_a{4, 1, 1, 3, 3, 3, 2};
  const std::vector<double> drawn_b{7, 2, 2, 4, 4, 4, 1};
  EXPECT_NEAR(spearman_of(a, b)(drawn), spearman(drawn_a, drawn_b), 1e-14);
}

TEST(Bootstrap, TheIntervalOfAMeanIsAboutTwoStandardErrorsWide) {
  std::vector<float> normal(400);
  RandomStream(7).fill_normal(normal);
  const IndexStatistic mean = [&](std::span<const std::size_t> indices) {
    double sum = 0;
    for (const std::size_t i : indices) sum += normal[i];
    return sum / static_cast<double>(indices.size());
  };
  const Interval interval = bootstrap_interval(normal.size(), mean, {2000, 0.95, 1});
  EXPECT_NEAR(interval.high - interval.low, 2 * 1.96 / 20, 0.03);
  const Interval again = bootstrap_interval(normal.size(), mean, {2000, 0.95, 1});
  EXPECT_EQ(interval.low, again.low);
  EXPECT_EQ(interval.high, again.high);
  EXPECT_NE(interval.low, bootstrap_interval(normal.size(), mean, {2000, 0.95, 2}).low);
}

TEST(Bootstrap, RepeatsOfOneGroupAddNothing) {
  // 100 observations that are 10 patients of 10 equal ones: as wide as with 10, over three times as wide as with 100.
  std::vector<std::size_t> group(100);
  for (std::size_t i = 0; i < group.size(); ++i) group[i] = 90 + i / 10;
  const IndexStatistic mean = [&](std::span<const std::size_t> indices) {
    double sum = 0;
    for (const std::size_t i : indices) sum += static_cast<double>(group[i]);
    return sum / static_cast<double>(indices.size());
  };
  const Interval grouped = cluster_bootstrap_interval(group, mean, {4000, 0.95, 3});
  const Interval alone = bootstrap_interval(group.size(), mean, {4000, 0.95, 3});
  EXPECT_NEAR((grouped.high - grouped.low) / (alone.high - alone.low), std::sqrt(10.0), 0.3);
}

TEST(Bootstrap, AGroupIsDrawnWhole) {
  const std::vector<std::size_t> group{7, 3, 3, 3};  // draws hold 2, 4 or 6 observations
  const IndexStatistic count = [](std::span<const std::size_t> indices) { return static_cast<double>(indices.size()); };
  const Interval interval = cluster_bootstrap_interval(group, count);
  EXPECT_EQ(interval.low, 2);
  EXPECT_EQ(interval.high, 6);
}

TEST(Bootstrap, ADrawWithoutAnAnswerIsLeftOut) {
  const IndexStatistic never = [](std::span<const std::size_t>) { return nan; };
  EXPECT_TRUE(std::isnan(bootstrap_interval(5, never).low));
  EXPECT_TRUE(std::isnan(bootstrap_interval(0, [](std::span<const std::size_t>) { return 1.0; }).low));
  const IndexStatistic mostly = [](std::span<const std::size_t> indices) { return indices[0] == 0 ? nan : 1.0; };
  EXPECT_EQ(bootstrap_interval(5, mostly).low, 1);
}

}  // namespace
}  // namespace nodulus::traits
