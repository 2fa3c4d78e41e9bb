#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "nodulus/core/condition.h"
#include "nodulus/data/dataset.h"

namespace nodulus::data {

struct LoaderOptions {
  Split split = Split::train;
  bool mask_channel = false;  ///< Channels: CT, or CT and mask.
  /// Images are averaged over factor x factor pixels, then cut to size x size about the centre. 0: no cut.
  int downsample = 1;
  int size = 0;
  std::optional<WindowHu> window_hu = std::nullopt;  ///< The data set's own where not given.
  bool flips = false;                                ///< Left-right and up-down, each with probability 1/2.
  bool quarter_turns = false;                        ///< 0, 90, 180 or 270 degrees alike; needs square images.
  std::vector<std::string> conditions = {};          ///< Columns that images are asked for by, or "all" that tell.
  /// What images are asked for by, in place of `conditions`: that of a model that learns on.
  std::optional<ConditionSchema> schema = std::nullopt;
  /// The data set's first so many items are known to the model already; this share of the samples are of them (0: no
  /// share, all items come as often), as long as the split has of both.
  std::int64_t known_items = 0;
  double replay = 0;
  std::uint64_t seed = 0;
};

/// Readers who must have marked a pixel for it to be in the item's consensus outline: what the label `consensus_at`
/// says, where there is none half of the label `readers`, rounded up, else half of 4; at least 1. Error{bad_input}
/// where a label is no number.
int consensus_at(const Dataset& dataset, std::int64_t item);

/// Turns sample numbers into training images. Sample k is a function of (data set, options, k) alone: whatever batch,
/// thread or resumed run asks for it, so a position in the data is just a number.
///
/// Sample k is item permutation_e(k mod n) of epoch e = k div n, n items in the split; the permutation is a keyed
/// Feistel network with cycle walking, so it takes no memory. Flips and turns are bits of a hash of (seed, k). With
/// replay of a share s, sample k is of the known items where floor((k + 1) s) > floor(k s), the next of their own
/// epochs; else of the others.
class Loader {
 public:
  /// Error{usage} where the data set has no masks and mask_channel is asked for, the split is empty, the size does not
  /// fit, or a condition is none (condition_schema()). The data set must outlive the loader.
  Loader(const Dataset& dataset, const LoaderOptions& options);

  [[nodiscard]] int channels() const { return options_.mask_channel ? 2 : 1; }
  [[nodiscard]] int height() const { return height_; }
  [[nodiscard]] int width() const { return width_; }
  /// Items in the split: samples of one epoch.
  [[nodiscard]] std::int64_t items() const { return static_cast<std::int64_t>(items_.size()); }
  [[nodiscard]] WindowHu window_hu() const { return window_; }
  [[nodiscard]] const ConditionSchema& conditions() const { return conditions_; }
  [[nodiscard]] const Dataset& dataset() const { return dataset_; }
  /// The data set's item that sample k shows.
  [[nodiscard]] std::int64_t item_of(std::uint64_t sample_number) const;

  /// Fills `out`, [sample_numbers.size(), channels, height, width]. CT: the window mapped to [-1,1], clamped. Mask: +1
  /// on the consensus (consensus_at()), else -1. A downsampled mask is the mean of those, so an edge pixel is in
  /// between. May be called from several threads at once.
  void batch(std::span<const std::uint64_t> sample_numbers, std::span<float> out) const;
  /// What a network sees of their labels, [sample_numbers.size(), conditions().width()], by encode().
  void labels(std::span<const std::uint64_t> sample_numbers, std::span<float> out) const;

 private:
  void sample(std::uint64_t number, std::span<float> out) const;
  /// Where an item of the split stands in items_.
  [[nodiscard]] std::size_t place_of(std::int64_t item) const;
  void plane(std::int64_t item, bool mask, std::span<float> out) const;

  const Dataset& dataset_;
  LoaderOptions options_;
  WindowHu window_;
  int height_ = 0;
  int width_ = 0;
  [[nodiscard]] std::int64_t drawn(std::span<const std::int64_t> from, std::uint64_t number, std::uint64_t seed) const;

  std::vector<std::int64_t> items_;
  std::size_t known_ = 0;  ///< Of items_, those at the front that are replayed; 0: no replay.
  ConditionSchema conditions_;
  std::vector<float> labels_;      ///< Of items_[i], encoded.
  std::vector<int> consensus_at_;  ///< Of items_[i]: readers that a pixel needs. Empty without a mask channel.
};

/// A bijection of [0, n), another for each key: four rounds of a balanced Feistel network on the next even power of
/// two, walked until it lands below n.
std::uint64_t permuted(std::uint64_t index, std::uint64_t n, std::uint64_t key);

}  // namespace nodulus::data
