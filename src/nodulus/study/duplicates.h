#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "nodulus/core/monitor.h"
#include "nodulus/data/dataset.h"

namespace nodulus::study {

/// Whose the two images of a pair are.
enum class Kinship { same_nodule, same_patient, other_patient };
std::string_view name(Kinship kinship);

/// Two images that are nearly one.
struct AlikePair {
  std::int64_t first = 0;  ///< Items; first < second.
  std::int64_t second = 0;
  double correlation = 0;
  int turns = 0;  ///< Quarter turns that bring the first onto the second, after `mirrored` left to right.
  bool mirrored = false;
  Kinship kinship = Kinship::other_patient;
  bool crosses_split = false;
  /// Training has seen what is tested on, or one patient counts as two.
  [[nodiscard]] bool leak() const { return crosses_split || kinship == Kinship::other_patient; }
};

struct Duplicates {
  double threshold = 0.98;
  std::int64_t compared = 0;  ///< Images that went in.
  std::int64_t flat = 0;      ///< Images of one value within the window: they are like anything and were left out.
  std::array<std::int64_t, 3> pairs_by_kinship{};
  std::int64_t across_splits = 0;
  std::int64_t leaks = 0;
  std::vector<AlikePair> pairs;  ///< All that were found, leaks first, then the most alike.
};

/// All pairs whose normalised cross-correlation is `threshold` or more in one of the eight poses (flips and quarter
/// turns; four where images are not square), of HU clamped to the data set's window.
///
/// Nothing is missed for speed. For images a and b of mean 0 and norm 1 the correlation is 1 - |a - b|^2 / 2, and means
/// over blocks, scaled by the root of the block's size, are an orthogonal projection, which makes no distance longer.
/// So |a - b|^2 is at least that of the projections and the squared difference of what they leave: a pair too far apart
/// in 4 x 4 blocks, or in 16 x 16, is too far apart. What remains is compared at full size. Error{stopped}.
Duplicates find_duplicates(const data::Dataset& dataset, double threshold, int threads, Monitor& monitor);

/// As find_duplicates(), of pairs of an image of `old` (the first) and one of `added` (the second) alone. Both are of
/// one size, [height * width], and clamped to the window.
std::vector<AlikePair> find_alike_between(const std::vector<std::span<const std::int16_t>>& old,
                                          const std::vector<std::span<const std::int16_t>>& added,
                                          const data::DatasetInfo& info, double threshold, int threads,
                                          Monitor& monitor);

}  // namespace nodulus::study
