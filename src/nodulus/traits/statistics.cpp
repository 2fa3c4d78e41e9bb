#include "nodulus/traits/statistics.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numbers>
#include <numeric>
#include <string>

#include "nodulus/core/error.h"
#include "nodulus/core/seed.h"

namespace nodulus::traits {
namespace {

constexpr double not_known = std::numeric_limits<double>::quiet_NaN();

std::vector<double> sorted_numbers(std::span<const double> values) {
  std::vector<double> sorted;
  sorted.reserve(values.size());
  for (const double value : values) {
    if (!std::isnan(value)) sorted.push_back(value);
  }
  std::sort(sorted.begin(), sorted.end());
  return sorted;
}

/// Largest |i n - j m| over all values, where i of the m of `a` and j of the n of `b` are at most that value: the
/// statistic times m n, in whole numbers.
std::int64_t largest_distance(const std::vector<double>& a, const std::vector<double>& b) {
  const auto m = static_cast<std::int64_t>(a.size());
  const auto n = static_cast<std::int64_t>(b.size());
  std::size_t i = 0;
  std::size_t j = 0;
  std::int64_t largest = 0;
  while (i < a.size() && j < b.size()) {
    const double value = std::min(a[i], b[j]);
    while (i < a.size() && a[i] <= value) ++i;
    while (j < b.size() && b[j] <= value) ++j;
    largest = std::max(largest, std::abs(static_cast<std::int64_t>(i) * n - static_cast<std::int64_t>(j) * m));
  }
  return largest;
}

/// Share of the lattice paths from (0, 0) to (m, n), all alike probable, that reach |i n - j m| >= distance somewhere.
/// A path to (i, j) comes from the left with probability i / (i + j); so no number is ever subtracted.
double share_of_paths(std::int64_t m, std::int64_t n, std::int64_t distance) {
  const auto outside = [&](std::int64_t i, std::int64_t j) { return std::abs(i * n - j * m) >= distance; };
  std::vector<double> share(static_cast<std::size_t>(n) + 1, 0);
  for (std::int64_t i = 0; i <= m; ++i) {
    for (std::int64_t j = 0; j <= n; ++j) {
      double& here = share[static_cast<std::size_t>(j)];
      if (outside(i, j)) {
        here = 1;
      } else if (i + j > 0) {
        const double below = j > 0 ? share[static_cast<std::size_t>(j) - 1] : 0;
        here = (here * static_cast<double>(i) + below * static_cast<double>(j)) / static_cast<double>(i + j);
      }
    }
  }
  return share.back();
}

/// Kolmogorov's limit, 2 sum (-1)^(k-1) exp(-2 k^2 x^2); for small x its other series, which converges there.
double kolmogorov_upper_tail(double x) {
  if (x <= 0) return 1;
  double sum = 0;
  if (x < 1) {
    for (int k = 1; k < 40; k += 2) sum += std::exp(-k * k * std::numbers::pi * std::numbers::pi / (8 * x * x));
    return 1 - std::sqrt(2 * std::numbers::pi) / x * sum;
  }
  for (int k = 1; k < 20; ++k) sum += (k % 2 == 1 ? 2 : -2) * std::exp(-2.0 * k * k * x * x);
  return std::clamp(sum, 0.0, 1.0);
}

/// Indices of the values that are not NaN, by ascending value.
std::vector<std::size_t> ascending(std::span<const double> values) {
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (!std::isnan(values[i])) order.push_back(i);
  }
  std::stable_sort(order.begin(), order.end(), [&](std::size_t x, std::size_t y) { return values[x] < values[y]; });
  return order;
}

/// Each value's place among the distinct values, ascending; `distinct` where it is NaN.
struct Places {
  std::vector<std::size_t> of;
  std::size_t distinct = 0;
};

Places places_of(std::span<const double> values) {
  Places places;
  const std::vector<std::size_t> order = ascending(values);
  std::vector<std::size_t> of(values.size());
  for (std::size_t k = 0; k < order.size(); ++k) {
    if (k == 0 || values[order[k]] != values[order[k - 1]]) ++places.distinct;
    of[order[k]] = places.distinct - 1;
  }
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (std::isnan(values[i])) of[i] = places.distinct;
  }
  places.of = std::move(of);
  return places;
}

/// Turns how often each place occurs into its mean rank, counted from the middle of all n ranks.
void to_ranks(std::vector<double>& counts, double n) {
  double before = 0;
  for (double& count : counts) {
    const double rank = before + (count + 1) / 2 - (n + 1) / 2;
    before += count;
    count = rank;
  }
}

}  // namespace

double quantile(std::span<const double> sorted, double share) {
  if (sorted.empty()) return not_known;
  const double place = std::clamp(share, 0.0, 1.0) * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(place);
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (sorted[above] - sorted[below]) * (place - static_cast<double>(below));
}

Distribution distribution(std::span<const double> values) {
  const std::vector<double> sorted = sorted_numbers(values);
  Distribution result;
  result.count = static_cast<std::int64_t>(sorted.size());
  result.missing = static_cast<std::int64_t>(values.size() - sorted.size());
  const auto n = static_cast<double>(sorted.size());
  result.mean = sorted.empty() ? not_known : std::accumulate(sorted.begin(), sorted.end(), 0.0) / n;
  double squares = 0;
  for (const double value : sorted) squares += (value - result.mean) * (value - result.mean);
  result.deviation = sorted.size() < 2 ? not_known : std::sqrt(squares / (n - 1));
  for (std::size_t k = 0; k < result.quantiles.size(); ++k) {
    result.quantiles[k] = quantile(sorted, distribution_percents[k] / 100);
  }
  return result;
}

double wasserstein(std::span<const double> a, std::span<const double> b) {
  const std::vector<double> x = sorted_numbers(a);
  const std::vector<double> y = sorted_numbers(b);
  if (x.empty() || y.empty()) return not_known;
  double area = 0;
  double last = std::min(x.front(), y.front());
  std::size_t i = 0;
  std::size_t j = 0;
  while (i < x.size() || j < y.size()) {
    const bool from_x = j == y.size() || (i < x.size() && x[i] <= y[j]);
    const double here = from_x ? x[i] : y[j];
    const double share_x = static_cast<double>(i) / static_cast<double>(x.size());
    const double share_y = static_cast<double>(j) / static_cast<double>(y.size());
    area += std::abs(share_x - share_y) * (here - last);
    last = here;
    ++(from_x ? i : j);
  }
  return area;
}

KsTest ks_two_sample(std::span<const double> a, std::span<const double> b, std::int64_t exact_up_to) {
  const std::vector<double> x = sorted_numbers(a);
  const std::vector<double> y = sorted_numbers(b);
  if (x.empty() || y.empty()) return {not_known, not_known, true};
  const auto m = static_cast<std::int64_t>(x.size());
  const auto n = static_cast<std::int64_t>(y.size());
  const std::int64_t distance = largest_distance(x, y);
  KsTest test;
  test.statistic = static_cast<double>(distance) / (static_cast<double>(m) * static_cast<double>(n));
  test.exact = std::max(m, n) <= exact_up_to;
  if (test.exact) {
    test.p = share_of_paths(m, n, distance);
    return test;
  }
  const double pairs = static_cast<double>(m) * static_cast<double>(n) / static_cast<double>(m + n);
  const double size = std::sqrt(std::round(pairs));
  const double x_limit = size * test.statistic;
  test.p = kolmogorov_upper_tail(x_limit + 1 / (6 * size) + (x_limit - 1) / (4 * size * size));
  return test;
}

std::vector<double> holm(std::span<const double> ps) {
  std::vector<double> corrected(ps.begin(), ps.end());
  const std::vector<std::size_t> order = ascending(ps);
  double largest = 0;
  for (std::size_t k = 0; k < order.size(); ++k) {
    largest = std::max(largest, ps[order[k]] * static_cast<double>(order.size() - k));
    corrected[order[k]] = std::min(1.0, largest);
  }
  return corrected;
}

Interval wilson_interval(std::int64_t successes, std::int64_t n) {
  if (n <= 0) return {not_known, not_known};
  constexpr double z = 1.959963984540054;
  const auto count = static_cast<double>(n);
  const double share = static_cast<double>(successes) / count;
  const double middle = (share + z * z / (2 * count)) / (1 + z * z / count);
  const double half = z / (1 + z * z / count) * std::sqrt(share * (1 - share) / count + z * z / (4 * count * count));
  return {successes == 0 ? 0 : middle - half, successes == n ? 1 : middle + half};
}

std::vector<double> shares(std::span<const std::int64_t> counts) {
  const auto sum = static_cast<double>(std::accumulate(counts.begin(), counts.end(), std::int64_t{0}));
  std::vector<double> parts(counts.size(), 0);
  for (std::size_t i = 0; i < counts.size() && sum > 0; ++i) parts[i] = static_cast<double>(counts[i]) / sum;
  return parts;
}

Histogram common_histogram(std::span<const double> a, std::span<const double> b) {
  std::vector<double> both(a.begin(), a.end());
  both.insert(both.end(), b.begin(), b.end());
  both = sorted_numbers(both);
  Histogram histogram;
  if (both.empty()) return histogram;
  double low = quantile(both, 0.005);
  double high = quantile(both, 0.995);
  if (!(low < high)) {  // one value, as good as: a bin of some width about it
    const double half = std::max(0.5, std::abs(low) * 1e-6);
    high = low + half;
    low -= half;
  }
  const double width = 2 * (quantile(both, 0.75) - quantile(both, 0.25)) / std::cbrt(static_cast<double>(both.size()));
  const double wanted = width > 0 ? std::ceil((high - low) / width) : 10;
  const auto bins = static_cast<std::size_t>(std::clamp(wanted, 10.0, 40.0));
  for (std::size_t i = 0; i <= bins; ++i) {
    histogram.edges.push_back(low + (high - low) * static_cast<double>(i) / static_cast<double>(bins));
  }
  const auto count = [&](std::span<const double> values) {
    std::vector<std::int64_t> counts(bins, 0);
    for (const double value : values) {
      if (std::isnan(value)) continue;
      const auto above = std::upper_bound(histogram.edges.begin(), histogram.edges.end(), value);
      const auto bin =
          std::clamp<std::ptrdiff_t>(above - histogram.edges.begin() - 1, 0, static_cast<std::ptrdiff_t>(bins) - 1);
      ++counts[static_cast<std::size_t>(bin)];
    }
    return counts;
  };
  histogram.first = count(a);
  histogram.second = count(b);
  return histogram;
}

IndexStatistic spearman_of(std::span<const double> a, std::span<const double> b) {
  if (a.size() != b.size()) {
    throw Error(ErrorCode::internal, "spearman: expected two samples of one size, found " + std::to_string(a.size()) +
                                         " and " + std::to_string(b.size()));
  }
  return [x = places_of(a), y = places_of(b)](std::span<const std::size_t> drawn) {
    std::vector<double> ranks_x(x.distinct, 0);
    std::vector<double> ranks_y(y.distinct, 0);
    double n = 0;
    const auto known = [&](std::size_t i) { return x.of[i] < x.distinct && y.of[i] < y.distinct; };
    for (const std::size_t i : drawn) {
      if (!known(i)) continue;
      ++ranks_x[x.of[i]];
      ++ranks_y[y.of[i]];
      ++n;
    }
    to_ranks(ranks_x, n);
    to_ranks(ranks_y, n);
    double xx = 0;
    double yy = 0;
    double xy = 0;
    for (const std::size_t i : drawn) {
      if (!known(i)) continue;
      const double rank_x = ranks_x[x.of[i]];
      const double rank_y = ranks_y[y.of[i]];
      xx += rank_x * rank_x;
      yy += rank_y * rank_y;
      xy += rank_x * rank_y;
    }
    return n >= 3 && xx > 0 && yy > 0 ? xy / std::sqrt(xx * yy) : not_known;
  };
}

double spearman(std::span<const double> a, std::span<const double> b) {
  std::vector<std::size_t> all(a.size());
  std::iota(all.begin(), all.end(), std::size_t{0});
  return spearman_of(a, b)(all);
}

Interval cluster_bootstrap_interval(std::span<const std::size_t> group_of, const IndexStatistic& statistic,
                                    const BootstrapOptions& options) {
  std::map<std::size_t, std::size_t> position;
  std::vector<std::vector<std::size_t>> groups;  // in the order of their first member: the same whatever their numbers
  for (std::size_t i = 0; i < group_of.size(); ++i) {
    const auto [entry, fresh] = position.emplace(group_of[i], groups.size());
    if (fresh) groups.emplace_back();
    groups[entry->second].push_back(i);
  }
  if (groups.empty()) return {not_known, not_known};
  const std::uint64_t seed = derive_seed(options.seed, "bootstrap");
  std::vector<double> draws;
  std::vector<std::size_t> indices;
  for (int repeat = 0; repeat < options.repeats; ++repeat) {
    const RandomStream stream(seed, static_cast<std::uint64_t>(repeat));
    indices.clear();
    for (std::size_t k = 0; k < groups.size(); ++k) {
      const std::vector<std::size_t>& group = groups[stream.below(k, groups.size())];
      indices.insert(indices.end(), group.begin(), group.end());
    }
    const double value = statistic(indices);
    if (!std::isnan(value)) draws.push_back(value);
  }
  if (2 * draws.size() < static_cast<std::size_t>(std::max(options.repeats, 0)) || draws.empty()) {
    return {not_known, not_known};
  }
  std::sort(draws.begin(), draws.end());
  const double tail = (1 - options.confidence) / 2;
  return {quantile(draws, tail), quantile(draws, 1 - tail)};
}

Interval bootstrap_interval(std::size_t count, const IndexStatistic& statistic, const BootstrapOptions& options) {
  std::vector<std::size_t> alone(count);
  std::iota(alone.begin(), alone.end(), std::size_t{0});
  return cluster_bootstrap_interval(alone, statistic, options);
}

}  // namespace nodulus::traits
