#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "nodulus/core/manifest.h"
#include "nodulus/core/monitor.h"
#include "nodulus/data/dataset.h"

namespace nodulus::data {

struct InspectOptions {
  std::filesystem::path dataset;
  std::filesystem::path out;  ///< "": figures alone, nothing is written.
  bool force = false;
  int images = 48;                    ///< Nodules on the contact sheet, at most.
  std::uint64_t seed = 0;             ///< Which ones.
  std::optional<WindowHu> window_hu;  ///< The data set's own where not given.
};

/// How a label's values fall on train, val and test; over items.
struct LabelFigures {
  Label label;
  std::int64_t known = 0;  ///< Items that have it.
  /// Category and rating: items by value (ratings rounded to the nearest) and split. Empty for others.
  std::map<int, std::array<std::int64_t, 3>> by_value;
  /// Number and rating: smallest, median, largest.
  std::optional<std::array<double, 3>> range;
};

/// What a data set holds.
struct Inspection {
  DatasetInfo info;
  std::string hash;
  WindowHu window_hu;      ///< Of the pictures and the shares below and above.
  bool synthetic = false;  ///< Generated images are among the data set's.
  std::vector<LabelFigures> labels;
  std::optional<std::array<double, 3>> spacing_mm;  ///< Smallest, median, largest.
  int hu_min = 0;
  int hu_max = 0;
  std::array<int, 5> hu_percentiles{};  ///< 1, 25, 50, 75, 99 %.
  double below_window = 0;              ///< Share of pixels darker than the window, brighter than it.
  double above_window = 0;
  std::array<std::int64_t, 5> pixels_by_readers{};  ///< Mask pixels with 0 to 4 readers.
  double hu_bin = 25;                               ///< The histogram's bin width in HU.
  int hu_first = 0;                                 ///< Its first bin's lower edge.
  std::vector<std::int64_t> hu_histogram;
  std::vector<std::int64_t> shown;  ///< Items on the contact sheet.
};

/// Reads the whole data set once. With `out`, writes contact_sheet.png, hu_histogram.png, inspect.json and
/// manifest.json there. The sheet shows, of each nodule chosen, the item with the largest mask. Error as Dataset::open
/// and ArtifactWriter.
Inspection inspect(const InspectOptions& options, Monitor& monitor);

/// The figures, for --json and inspect.json.
Json json_of(const Inspection& inspection);
/// The figures as a table of plain text, for a terminal.
std::string text_of(const Inspection& inspection);

}  // namespace nodulus::data
