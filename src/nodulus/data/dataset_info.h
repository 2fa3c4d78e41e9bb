#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "nodulus/core/contact_sheet.h"
#include "nodulus/core/manifest.h"
#include "nodulus/data/labels.h"
#include "nodulus/data/split.h"

namespace nodulus::data {

/// The version of the data set's files: dataset.json says it, and a newer one is refused.
inline constexpr int dataset_schema = 1;

/// How many there are, overall or in one split.
struct Counts {
  std::int64_t images = 0;
  std::int64_t patients = 0;
  std::int64_t nodules = 0;  ///< That at least one item shows.
};

/// A data set that another one has grown from: its items are the first there.
struct Ancestor {
  std::string sha256;  ///< Dataset::hash().
  std::int64_t images = 0;
};

/// What dataset.json says of all items together.
struct DatasetInfo {
  int height = 0;
  int width = 0;
  bool masks = false;
  std::string content = "patch";     ///< "patch" (around a nodule) or "slice" (whole).
  WindowHu window_hu;                ///< For looking and as the models' default.
  std::optional<double> spacing_mm;  ///< In-plane pixel size; nothing: each scan's own, in items.csv.
  int padding_hu = -2048;            ///< HU where nothing was measured: beyond the scan's edge or its field of view.
  std::string hu_note;               ///< How pixels became HU, where that was not the scan's own rescale.
  std::vector<Source> sources;
  std::vector<Label> labels;  ///< The label columns of items.csv, in order.
  SplitRule split;
  std::vector<Ancestor> grown_from;  ///< The oldest first.
  // Filled by DatasetWriter::close():
  Counts counts;
  std::map<std::string, Counts> counts_by_split;
  std::map<std::string, int> rejects;        ///< Count by reason; each one is in rejects.csv.
  std::map<std::string, std::string> files;  ///< SHA-256 of the data set's other files, by name.
};

/// Error{bad_input} naming key, expected and found; Error{not_found}.
DatasetInfo read_dataset_info(const std::filesystem::path& file);
void write_dataset_info(const std::filesystem::path& file, const DatasetInfo& info);

/// As files of ours have them.
Json counts_json(const Counts& counts);
Json sources_json(const std::vector<Source>& sources);

}  // namespace nodulus::data
