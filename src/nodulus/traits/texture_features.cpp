#include <cmath>
#include <limits>

#include "nodulus/core/error.h"
#include "nodulus/traits/texture.h"

namespace nodulus::traits {
namespace {

constexpr double kNoTexture = std::numeric_limits<double>::quiet_NaN();

/// A part's share in an entropy, in bits.
double bits_of(double share) { return share > 0 ? -share * std::log2(share) : 0; }

double entropy_of(const std::vector<double>& shares) {
  double bits = 0;
  for (const double share : shares) bits += bits_of(share);
  return bits;
}

/// Mean and variance of what takes the value first + k with the probability shares[k].
std::pair<double, double> mean_and_variance(const std::vector<double>& shares, double first) {
  double mean = 0;
  double variance = 0;
  for (std::size_t k = 0; k < shares.size(); ++k) mean += shares[k] * (first + static_cast<double>(k));
  for (std::size_t k = 0; k < shares.size(); ++k) {
    const double away = first + static_cast<double>(k) - mean;
    variance += shares[k] * away * away;
  }
  return {mean, variance};
}

/// The probabilities p_ij and those that follow from them.
struct Cooccurrence {
  std::size_t levels;
  std::vector<double> joint;       // p_ij; levels from 1, indices from 0
  std::vector<double> marginal;    // p_i
  std::vector<double> difference;  // of |i - j| = k
  std::vector<double> sum;         // of i + j = k + 2

  Cooccurrence(const std::vector<double>& counts, std::size_t level_count, double total)
      : levels(level_count), joint(counts), marginal(levels, 0), difference(levels, 0), sum(2 * levels - 1, 0) {
    for (std::size_t i = 0; i < levels; ++i) {
      for (std::size_t j = 0; j < levels; ++j) {
        double& p = joint[i * levels + j];
        if (p == 0) continue;
        p /= total;
        marginal[i] += p;
        difference[i > j ? i - j : j - i] += p;
        sum[i + j] += p;
      }
    }
  }
};

/// What follows from |i - j| alone.
void add_difference_features(CooccurrenceFeatures& f, const Cooccurrence& p) {
  const auto [mean, variance] = mean_and_variance(p.difference, 0);
  f.difference_average = f.dissimilarity = mean;
  f.difference_variance = variance;
  f.difference_entropy = entropy_of(p.difference);
  const auto levels = static_cast<double>(p.levels);
  for (std::size_t i = 0; i < p.levels; ++i) {
    const auto k = static_cast<double>(i);
    const double share = p.difference[i];
    f.contrast += k * k * share;
    f.inverse_difference += share / (1 + k);
    f.normalised_inverse_difference += share / (1 + k / levels);
    f.inverse_difference_moment += share / (1 + k * k);
    f.normalised_inverse_difference_moment += share / (1 + k * k / (levels * levels));
    if (i > 0) f.inverse_variance += share / (k * k);
  }
}

/// What follows from i + j alone; the mean of i is half of that of i + j.
void add_sum_features(CooccurrenceFeatures& f, const Cooccurrence& p) {
  const auto [mean, variance] = mean_and_variance(p.sum, 2);
  f.sum_average = mean;
  f.sum_variance = f.cluster_tendency = variance;
  f.sum_entropy = entropy_of(p.sum);
  for (std::size_t k = 0; k < p.sum.size(); ++k) {
    const double away = static_cast<double>(k) + 2 - mean;
    f.cluster_shade += away * away * away * p.sum[k];
    f.cluster_prominence += away * away * away * away * p.sum[k];
  }
}

void add_joint_features(CooccurrenceFeatures& f, const Cooccurrence& p) {
  const auto [mean, variance] = mean_and_variance(p.marginal, 1);
  f.joint_average = mean;
  f.joint_variance = variance;
  const double hx = entropy_of(p.marginal);
  double hxy1 = 0;
  for (std::size_t i = 0; i < p.levels; ++i) {
    for (std::size_t j = 0; j < p.levels; ++j) {
      const double share = p.joint[i * p.levels + j];
      if (share == 0) continue;
      f.joint_maximum = std::max(f.joint_maximum, share);
      f.joint_entropy += bits_of(share);
      f.angular_second_moment += share * share;
      f.autocorrelation += static_cast<double>((i + 1) * (j + 1)) * share;
      hxy1 -= share * std::log2(p.marginal[i] * p.marginal[j]);
    }
  }
  const double hxy2 = 2 * hx;  // the entropy of p_i p_j
  f.correlation = variance > 0 ? (f.autocorrelation - mean * mean) / variance : kNoTexture;
  f.information_correlation_1 = hx > 0 ? (f.joint_entropy - hxy1) / hx : kNoTexture;
  f.information_correlation_2 =
      hx > 0 ? std::sqrt(std::max(0.0, 1 - std::exp(-2 * (hxy2 - f.joint_entropy)))) : kNoTexture;
}

/// The sums over sizes that the features are made of.
struct SizeSums {
  double total = 0;
  double level_mean = 0;
  double size_mean = 0;
  std::map<int, double> of_level;
  std::map<int, double> of_size;

  explicit SizeSums(const SizeCounts& sizes) {
    for (const auto& [key, count] : sizes.count) total += count;
    for (const auto& [key, count] : sizes.count) {
      level_mean += key.first * count / total;
      size_mean += key.second * count / total;
      of_level[key.first] += count;
      of_size[key.second] += count;
    }
  }
};

double sum_of_squares(const std::map<int, double>& counts) {
  double sum = 0;
  for (const auto& entry : counts) sum += entry.second * entry.second;
  return sum;
}

}  // namespace

CooccurrenceFeatures cooccurrence_features(const std::vector<double>& counts, int levels) {
  const auto n = static_cast<std::size_t>(levels);
  if (levels < 0 || counts.size() != n * n) {
    throw Error(ErrorCode::internal, "expected levels * levels counts, found " + std::to_string(counts.size()) +
                                         " for " + std::to_string(levels) + " levels");
  }
  double total = 0;
  for (const double count : counts) total += count;
  if (total == 0) {
    constexpr double x = kNoTexture;
    return {x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x};
  }
  const Cooccurrence p(counts, n, total);
  CooccurrenceFeatures features{};
  add_difference_features(features, p);
  add_sum_features(features, p);
  add_joint_features(features, p);
  return features;
}

SizeFeatures size_features(const SizeCounts& sizes) {
  const SizeSums sums(sizes);
  if (sums.total == 0) {
    constexpr double x = kNoTexture;
    return {x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x};
  }
  SizeFeatures f{};
  for (const auto& [key, count] : sizes.count) {
    const double share = count / sums.total;
    const double level = key.first;
    const double size = key.second;
    const double high = level * level;
    const double large = size * size;
    f.small_emphasis += share / large;
    f.large_emphasis += share * large;
    f.low_level_emphasis += share / high;
    f.high_level_emphasis += share * high;
    f.small_low_emphasis += share / (large * high);
    f.small_high_emphasis += share * high / large;
    f.large_low_emphasis += share * large / high;
    f.large_high_emphasis += share * large * high;
    f.level_variance += share * (level - sums.level_mean) * (level - sums.level_mean);
    f.size_variance += share * (size - sums.size_mean) * (size - sums.size_mean);
    f.entropy += bits_of(share);
  }
  f.level_nonuniformity = sum_of_squares(sums.of_level) / sums.total;
  f.normalised_level_nonuniformity = f.level_nonuniformity / sums.total;
  f.size_nonuniformity = sum_of_squares(sums.of_size) / sums.total;
  f.normalised_size_nonuniformity = f.size_nonuniformity / sums.total;
  f.percentage = sums.total / sizes.places;
  return f;
}

}  // namespace nodulus::traits
