#include "nodulus/traits/agreement.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>

#include "nodulus/core/error.h"

namespace nodulus::traits {
namespace {

constexpr double undecided = std::numeric_limits<double>::quiet_NaN();

/// The ratings that a subject has, in short rows: how often each of the distinct values occurs.
class RatingCounts {
 public:
  RatingCounts(const Ratings& ratings, std::span<const std::size_t> subjects) {
    for (const std::size_t subject : subjects) {
      for (const double value : ratings.of(subject)) {
        if (!std::isnan(value)) levels_.push_back(value);
      }
    }
    std::sort(levels_.begin(), levels_.end());
    levels_.erase(std::unique(levels_.begin(), levels_.end()), levels_.end());
    counts_.resize(subjects.size() * levels_.size(), 0);
    totals_.resize(subjects.size(), 0);
    for (std::size_t row = 0; row < subjects.size(); ++row) {
      for (const double value : ratings.of(subjects[row])) {
        if (std::isnan(value)) continue;
        const auto level = std::lower_bound(levels_.begin(), levels_.end(), value) - levels_.begin();
        ++counts_[row * levels_.size() + static_cast<std::size_t>(level)];
        ++totals_[row];
      }
    }
  }

  [[nodiscard]] const std::vector<double>& levels() const { return levels_; }
  [[nodiscard]] std::size_t rows() const { return totals_.size(); }
  [[nodiscard]] double total(std::size_t row) const { return totals_[row]; }
  [[nodiscard]] double count(std::size_t row, std::size_t level) const { return counts_[row * levels_.size() + level]; }

 private:
  std::vector<double> levels_;
  std::vector<int> counts_;
  std::vector<int> totals_;
};

/// Squared distance of every two levels, [levels, levels]; `weights`: ratings at each level.
std::vector<double> squared_distances(const std::vector<double>& levels, const std::vector<double>& weights,
                                      Scale scale) {
  const std::size_t n = levels.size();
  std::vector<double> squared(n * n, 0);
  for (std::size_t c = 0; c < n; ++c) {
    double between = weights[c];
    for (std::size_t k = c + 1; k < n; ++k) {
      between += weights[k];
      double distance = 1;
      if (scale == Scale::ordinal) distance = between - (weights[c] + weights[k]) / 2;
      if (scale == Scale::interval) distance = levels[k] - levels[c];
      squared[c * n + k] = squared[k * n + c] = distance * distance;
    }
  }
  return squared;
}

/// One-way analysis of variance.
struct OneWay {
  double between = 0;  ///< Mean square between subjects.
  double within = 0;
  double k = 0;  ///< Ratings a subject, k0 where they differ.
  bool known = false;
};

OneWay one_way(const Ratings& ratings, std::span<const std::size_t> subjects) {
  double n = 0;
  double all = 0;
  double squared_counts = 0;
  double sum = 0;
  double between = 0;
  double within = 0;
  for (const std::size_t subject : subjects) {
    double count = 0;
    double total = 0;
    for (const double value : ratings.of(subject)) {
      if (std::isnan(value)) continue;
      ++count;
      total += value;
    }
    if (count < 2) continue;
    const double mean = total / count;
    for (const double value : ratings.of(subject)) {
      if (!std::isnan(value)) within += (value - mean) * (value - mean);
    }
    // Between subjects by the running mean of all before (Chan, Golub and LeVeque 1983).
    if (all > 0) between += (mean - sum / all) * (mean - sum / all) * count * all / (count + all);
    ++n;
    all += count;
    squared_counts += count * count;
    sum += total;
  }
  OneWay result;
  if (n < 2) return result;
  result.between = between / (n - 1);
  result.within = within / (all - n);
  result.k = (all - squared_counts / all) / (n - 1);
  result.known = result.between + result.within > 0;
  return result;
}

/// Shares of the pairs of ratings of one subject that are the same, and at most 1 apart.
std::array<double, 2> near_pairs(const Ratings& ratings) {
  double pairs = 0;
  std::array<double, 2> near{};
  for (std::size_t subject = 0; subject < ratings.subjects(); ++subject) {
    const auto row = ratings.of(subject);
    for (std::size_t i = 0; i < row.size(); ++i) {
      for (std::size_t j = i + 1; j < row.size(); ++j) {
        const double apart = std::abs(row[i] - row[j]);
        if (std::isnan(apart)) continue;
        ++pairs;
        near[0] += apart == 0 ? 1 : 0;
        near[1] += apart <= 1 ? 1 : 0;
      }
    }
  }
  if (pairs == 0) return {undecided, undecided};
  return {near[0] / pairs, near[1] / pairs};
}

}  // namespace

double fleiss_kappa(const Ratings& ratings, std::span<const std::size_t> subjects) {
  const RatingCounts counts(ratings, subjects);
  const std::size_t levels = counts.levels().size();
  std::vector<double> shares(levels, 0);
  double agreed = 0;
  double compared = 0;
  double rated = 0;
  for (std::size_t row = 0; row < counts.rows(); ++row) {
    const double n = counts.total(row);
    if (n == 0) continue;
    ++rated;
    double same = 0;
    for (std::size_t level = 0; level < levels; ++level) {
      const double count = counts.count(row, level);
      shares[level] += count / n;
      same += count * (count - 1);
    }
    if (n < 2) continue;
    ++compared;
    agreed += same / (n * (n - 1));
  }
  if (compared == 0) return undecided;
  double chance = 0;
  for (const double share : shares) chance += share / rated * (share / rated);
  return levels < 2 ? undecided : (agreed / compared - chance) / (1 - chance);
}

double mean_weighted_kappa(const Ratings& ratings, std::span<const std::size_t> subjects) {
  double sum = 0;
  double pairs = 0;
  for (std::size_t a = 0; a < ratings.readers; ++a) {
    for (std::size_t b = a + 1; b < ratings.readers; ++b) {
      double n = 0;
      double mean_a = 0;
      double mean_b = 0;
      double aa = 0;
      double bb = 0;
      double apart = 0;
      for (const std::size_t subject : subjects) {
        const auto row = ratings.of(subject);
        if (std::isnan(row[a]) || std::isnan(row[b])) continue;
        ++n;  // means and sums of squares as they grow (Welford 1962)
        const double from_a = row[a] - mean_a;
        const double from_b = row[b] - mean_b;
        mean_a += from_a / n;
        mean_b += from_b / n;
        aa += from_a * (row[a] - mean_a);
        bb += from_b * (row[b] - mean_b);
        apart += (row[a] - row[b]) * (row[a] - row[b]);
      }
      const double expected = aa + bb + n * (mean_a - mean_b) * (mean_a - mean_b);
      if (n < 2 || !(expected > 0)) continue;
      sum += 1 - apart / expected;
      ++pairs;
    }
  }
  return pairs > 0 ? sum / pairs : undecided;
}

double krippendorff_alpha(const Ratings& ratings, std::span<const std::size_t> subjects, Scale scale) {
  const RatingCounts counts(ratings, subjects);
  const std::size_t levels = counts.levels().size();
  std::vector<double> weights(levels, 0);  // of ratings that can be paired
  double all = 0;
  for (std::size_t row = 0; row < counts.rows(); ++row) {
    if (counts.total(row) < 2) continue;
    all += counts.total(row);
    for (std::size_t level = 0; level < levels; ++level) weights[level] += counts.count(row, level);
  }
  const std::vector<double> squared = squared_distances(counts.levels(), weights, scale);
  double observed = 0;
  for (std::size_t row = 0; row < counts.rows(); ++row) {
    const double n = counts.total(row);
    if (n < 2) continue;
    double apart = 0;
    for (std::size_t c = 0; c < levels; ++c) {
      if (counts.count(row, c) == 0) continue;
      for (std::size_t k = c + 1; k < levels; ++k) {
        apart += counts.count(row, c) * counts.count(row, k) * squared[c * levels + k];
      }
    }
    observed += apart / (n - 1);
  }
  double expected = 0;
  for (std::size_t c = 0; c < levels; ++c) {
    for (std::size_t k = c + 1; k < levels; ++k) expected += weights[c] * weights[k] * squared[c * levels + k];
  }
  return expected > 0 ? 1 - (all - 1) * observed / expected : undecided;
}

double icc_single(const Ratings& ratings, std::span<const std::size_t> subjects) {
  const OneWay table = one_way(ratings, subjects);
  if (!table.known) return undecided;
  return (table.between - table.within) / (table.between + (table.k - 1) * table.within);
}

double icc_mean(const Ratings& ratings, std::span<const std::size_t> subjects) {
  const OneWay table = one_way(ratings, subjects);
  return table.known && table.between > 0 ? (table.between - table.within) / table.between : undecided;
}

Agreement agreement(const Ratings& ratings, std::span<const std::size_t> group_of, const BootstrapOptions& options) {
  const std::size_t count = ratings.subjects();
  if (count * ratings.readers != ratings.values.size() || (!group_of.empty() && group_of.size() != count)) {
    throw Error(ErrorCode::internal,
                "agreement: expected as many ratings as subjects times readers and a group a "
                "subject, found other sizes");
  }
  std::vector<std::size_t> alone(count);
  std::iota(alone.begin(), alone.end(), std::size_t{0});
  Agreement result;
  for (std::size_t subject = 0; subject < count; ++subject) {
    const auto row = ratings.of(subject);
    const auto n = std::count_if(row.begin(), row.end(), [](double value) { return !std::isnan(value); });
    result.subjects += n > 0 ? 1 : 0;
    result.subjects_compared += n > 1 ? 1 : 0;
    result.ratings += n;
  }
  const auto near = near_pairs(ratings);
  result.same = near[0];
  result.within_one = near[1];
  const auto add = [&](std::string_view name, const auto& coefficient) {
    const IndexStatistic statistic = [&](std::span<const std::size_t> subjects) {
      return coefficient(ratings, subjects);
    };
    const double value = statistic(alone);
    Interval interval{undecided, undecided};
    if (!std::isnan(value)) {
      interval = cluster_bootstrap_interval(group_of.empty() ? std::span<const std::size_t>(alone) : group_of,
                                            statistic, options);
    }
    result.coefficients.push_back({name, value, interval});
  };
  using Subjects = std::span<const std::size_t>;
  add("fleiss_kappa", fleiss_kappa);
  add("weighted_kappa", mean_weighted_kappa);
  add("alpha_ordinal", [](const Ratings& r, Subjects s) { return krippendorff_alpha(r, s, Scale::ordinal); });
  add("alpha_interval", [](const Ratings& r, Subjects s) { return krippendorff_alpha(r, s, Scale::interval); });
  add("icc_single", icc_single);
  add("icc_mean", icc_mean);
  return result;
}

}  // namespace nodulus::traits
