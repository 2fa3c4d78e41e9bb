#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace nodulus::traits {

/// The value below which `share` of a sample lies, between neighbours in proportion (Hyndman and Fan 1996, definition
/// 7). `sorted` is ascending and has no NaN; NaN where it is empty.
double quantile(std::span<const double> sorted, double share);

inline constexpr std::array<double, 7> distribution_percents{0.5, 5, 25, 50, 75, 95, 99.5};

/// A sample in short. NaN where nothing is known.
struct Distribution {
  std::int64_t count = 0;    ///< Values that are numbers.
  std::int64_t missing = 0;  ///< Values that are NaN.
  double mean = 0;
  double deviation = 0;               ///< Standard deviation with n - 1; NaN for fewer than two values.
  std::array<double, 7> quantiles{};  ///< At distribution_percents.
};

/// NaN among `values` is missing.
Distribution distribution(std::span<const double> values);

/// First Wasserstein distance: the area between the two distribution functions, in the values' unit. NaN is left out;
/// NaN where a sample is empty.
double wasserstein(std::span<const double> a, std::span<const double> b);

/// Kolmogorov and Smirnov's test that two samples come from one distribution.
struct KsTest {
  double statistic = 0;  ///< Largest distance of the distribution functions.
  double p = 1;          ///< Two-sided.
  bool exact = true;     ///< p counts lattice paths (Hodges 1958); false: its limit for large samples.
};

/// Exact where neither sample has more than `exact_up_to` values. Beyond, the limit with Vrbik's correction (2018).
/// With ties the p-value is too large rather than too small. NaN is left out; NaN where a sample is empty.
KsTest ks_two_sample(std::span<const double> a, std::span<const double> b, std::int64_t exact_up_to = 10000);

/// p-values corrected for their number, in the order given, so that they bound the chance of any false alarm (Holm
/// 1979). NaN stays NaN and is not counted.
std::vector<double> holm(std::span<const double> ps);

struct Interval {
  double low = 0;
  double high = 0;
};

/// 95 % interval of a share (Wilson 1927). NaN where n is 0.
Interval wilson_interval(std::int64_t successes, std::int64_t n);

/// Each count's part of their sum; 0 where that is 0.
std::vector<double> shares(std::span<const std::int64_t> counts);

/// Two samples over the same bins.
struct Histogram {
  std::vector<double> edges;        ///< One more than bins; bin i is [edges[i], edges[i + 1]).
  std::vector<std::int64_t> first;  ///< Counts; what lies beyond the edges counts in the end bins.
  std::vector<std::int64_t> second;
};

/// Bins of Freedman and Diaconis' width (1981), 2 IQR / cbrt(n), on both samples together between their 0.5 and 99.5
/// percent; 10 to 40 of them. NaN is left out; no bins where there is no value at all.
Histogram common_histogram(std::span<const double> a, std::span<const double> b);

/// A statistic of the observations with these indices, some drawn several times.
using IndexStatistic = std::function<double(std::span<const std::size_t>)>;

/// Rank correlation, ties at their mean rank (Spearman 1904). Pairs with a NaN are left out; NaN where a side does not
/// vary or fewer than three pairs are left. Error{internal} where the sizes differ.
double spearman(std::span<const double> a, std::span<const double> b);
/// The same for samples drawn from the pairs: sorts once, so that a draw takes linear time.
IndexStatistic spearman_of(std::span<const double> a, std::span<const double> b);

struct BootstrapOptions {
  int repeats = 1000;
  double confidence = 0.95;
  std::uint64_t seed = 0;
};

/// Percentile interval (Efron 1979) of a statistic over `count` observations drawn with replacement. NaN draws are left
/// out; a NaN interval where they are more than half, or there is no observation.
Interval bootstrap_interval(std::size_t count, const IndexStatistic& statistic, const BootstrapOptions& options = {});
/// The same with whole groups drawn, such as patients: group_of[i] is observation i's, any number.
Interval cluster_bootstrap_interval(std::span<const std::size_t> group_of, const IndexStatistic& statistic,
                                    const BootstrapOptions& options = {});

}  // namespace nodulus::traits
