#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <span>
#include <utility>
#include <vector>

#include "nodulus/traits/region.h"

/// Texture matrices of one 2D image and their features, by the definitions of the Image Biomarker Standardisation
/// Initiative (IBSI, arXiv 1612.07003): co-occurrence and run lengths of four directions at distance 1 merged, size
/// zones of pixels that touch by edges or corners.
namespace nodulus::traits {

/// An image of grey levels: 1 to `count` within the region, 0 elsewhere.
struct GreyLevels {
  std::vector<int> level;  ///< [height, width].
  int height = 0;
  int width = 0;
  int count = 0;  ///< Ng: the highest level there is, or may be.

  [[nodiscard]] int at(int y, int x) const {
    if (y < 0 || x < 0 || y >= height || x >= width) return 0;
    return level[static_cast<std::size_t>(y) * static_cast<std::size_t>(width) + static_cast<std::size_t>(x)];
  }
  [[nodiscard]] int pixels() const;  ///< Those with a level.
};

inline constexpr double kFirstLevel_hu = -1000;
inline constexpr double kLevelWidth_hu = 25;

/// IBSI's fixed bin size: level = floor((HU + 1000) / 25) + 1 within the region; lower HU are level 1. Ng is the
/// highest level found.
GreyLevels discretise(std::span<const std::int16_t> hu, const Region& region);

/// A direction: the neighbour at distance 1.
struct Direction {
  int y;
  int x;
};
inline constexpr std::array<Direction, 4> kDirections{{{0, 1}, {1, 1}, {1, 0}, {1, -1}}};

/// How often level i + 1 lies beside level j + 1, [count, count], symmetric: every pair counts in both orders.
std::vector<double> cooccurrence(const GreyLevels& image, std::span<const Direction> directions = kDirections);

/// How many runs or zones there are of each {level, size}, and of how many places: pixels, times directions for runs.
struct SizeCounts {
  std::map<std::pair<int, int>, int> count;
  int places = 0;
};
SizeCounts run_lengths(const GreyLevels& image, std::span<const Direction> directions = kDirections);
SizeCounts zone_sizes(const GreyLevels& image);

/// IBSI's co-occurrence features (section "Grey level co-occurrence based features"), logarithms to base 2. All NaN
/// where no two pixels touch; correlations NaN where there is one level only.
struct CooccurrenceFeatures {
  double joint_maximum, joint_average, joint_variance, joint_entropy;
  double difference_average, difference_variance, difference_entropy;
  double sum_average, sum_variance, sum_entropy;
  double angular_second_moment, contrast, dissimilarity;
  double inverse_difference, normalised_inverse_difference;
  double inverse_difference_moment, normalised_inverse_difference_moment, inverse_variance;
  double correlation, autocorrelation;
  double cluster_tendency, cluster_shade, cluster_prominence;
  double information_correlation_1, information_correlation_2;
};
/// `counts` [levels, levels] of cooccurrence().
CooccurrenceFeatures cooccurrence_features(const std::vector<double>& counts, int levels);

/// IBSI's features of run lengths and of size zones, which are the same formulas: "size" is the length of a run or the
/// pixels of a zone. All NaN of none.
struct SizeFeatures {
  double small_emphasis, large_emphasis;
  double low_level_emphasis, high_level_emphasis;
  double small_low_emphasis, small_high_emphasis, large_low_emphasis, large_high_emphasis;
  double level_nonuniformity, normalised_level_nonuniformity;
  double size_nonuniformity, normalised_size_nonuniformity;
  double percentage;  ///< Runs or zones over places.
  double level_variance, size_variance, entropy;
};
SizeFeatures size_features(const SizeCounts& sizes);

}  // namespace nodulus::traits
