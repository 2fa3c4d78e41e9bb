#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "nodulus/core/contact_sheet.h"
#include "nodulus/core/csv.h"
#include "nodulus/core/npy.h"
#include "nodulus/core/reject.h"

namespace nodulus::data {

inline constexpr int dataset_schema = 1;

enum class Split { train, val, test };
std::string_view name(Split split);
/// Error{usage} for anything but train, val, test.
Split split_from_name(std::string_view text);

/// Which share of the patients goes where. The test share is what is left.
struct SplitRule {
  double train = 0.8;
  double val = 0.1;
};
/// u = first 8 bytes of SHA-256(patient id) / 2^64; train where u < rule.train, val below rule.train + rule.val, else
/// test. Depends on the patient alone, so no patient crosses and adding patients moves none.
Split split_of(std::string_view patient, const SplitRule& rule = {});

/// What a label column means.
struct Label {
  std::string name;
  std::string type;                                 ///< "category" (values below), "number" or "text".
  std::string meaning;                              ///< One line; the unit where there is one.
  std::vector<std::pair<int, std::string>> values;  ///< Of a category: number and published name.
};
/// The nine LIDC characteristics with their category names (McNitt-Gray et al. 2007; Armato et al. 2011).
const std::vector<Label>& lidc_characteristics();

/// Where images came from, as a data set must say it.
struct Source {
  std::string name;
  std::string licence;
  std::string citation;
  std::string url;
  bool operator==(const Source&) const = default;
};

/// What dataset.json says of all items together.
struct DatasetInfo {
  int height = 0;
  int width = 0;
  bool masks = false;
  std::string content = "patch";     ///< "patch" (around a nodule) or "slice" (whole).
  WindowHu window_hu;                ///< For looking and as the models' default.
  std::optional<double> spacing_mm;  ///< In-plane pixel size; nothing: each scan's own, in items.csv.
  int padding_hu = -1000;            ///< HU of pixels beyond the scan's edge.
  std::string hu_note;               ///< How pixels became HU, where that was not the scan's own rescale.
  std::vector<Source> sources;
  std::vector<Label> labels;  ///< The label columns of items.csv, in order.
  SplitRule split;
  std::map<std::string, int> rejects;  ///< Count by reason.
};

/// A row of items.csv; row i belongs to images[i] and masks[i].
struct Item {
  std::string patient;
  std::string series_uid;
  std::string sop_uid;
  std::string nodule;     ///< Unique within the patient; "" for a slice without one.
  double z_mm = 0;        ///< Position along the slice normal; NaN where unknown.
  double spacing_mm = 0;  ///< In-plane pixel size of this image; NaN where unknown.
  Split split = Split::train;
  std::vector<std::string> labels;  ///< One per DatasetInfo::labels; "" is unknown.
};

/// A packed data set opened for reading. Images stay on disk, mapped; const functions may be called from any thread.
class Dataset {
 public:
  /// Error{not_found}; Error{bad_input} where files disagree (rows of items.csv, shapes, dataset.json) or the schema is
  /// not ours.
  static Dataset open(const std::filesystem::path& folder);

  [[nodiscard]] const std::filesystem::path& folder() const { return folder_; }
  [[nodiscard]] const DatasetInfo& info() const { return info_; }
  [[nodiscard]] std::int64_t size() const { return static_cast<std::int64_t>(items_.size()); }
  [[nodiscard]] const Item& item(std::int64_t i) const { return items_.at(static_cast<std::size_t>(i)); }
  /// HU, [height * width].
  [[nodiscard]] std::span<const std::int16_t> image(std::int64_t i) const { return images_.row<std::int16_t>(i); }
  /// How many readers marked each pixel (0-4), [height * width]; empty where the data set has no masks.
  [[nodiscard]] std::span<const std::uint8_t> mask(std::int64_t i) const;
  /// A label as a number; nothing where it is unknown. Error{usage} for a label that the data set has not, naming the
  /// nearest, and Error{bad_input} for text that is no number.
  [[nodiscard]] std::optional<double> label(std::int64_t i, std::string_view label_name) const;
  [[nodiscard]] std::size_t label_column(std::string_view label_name) const;
  /// Items of one split, ascending.
  [[nodiscard]] std::vector<std::int64_t> items_of(Split split) const;
  /// nodules.csv, a row a nodule.
  [[nodiscard]] const CsvTable& nodules() const { return nodules_; }
  /// SHA-256 of manifest.json: what runs and models record as "the data set".
  [[nodiscard]] std::string hash() const;

 private:
  std::filesystem::path folder_;
  DatasetInfo info_;
  NpyMap images_;
  NpyMap masks_;
  std::vector<Item> items_;
  CsvTable nodules_;
};

/// Writes the files of a data set, item by item, into a folder (an ArtifactWriter's path()); memory does not grow.
class DatasetWriter {
 public:
  /// `nodule_columns` are those of nodules.csv.
  DatasetWriter(const std::filesystem::path& folder, DatasetInfo info, std::vector<std::string> nodule_columns);
  ~DatasetWriter();
  DatasetWriter(const DatasetWriter&) = delete;
  DatasetWriter& operator=(const DatasetWriter&) = delete;

  /// `mask` is empty exactly where info.masks is false. Error{internal} on a wrong size or number of labels.
  void append(const Item& item, std::span<const std::int16_t> image_hu, std::span<const std::uint8_t> mask);
  void append_nodule(std::span<const std::string> fields);
  [[nodiscard]] std::int64_t size() const;
  /// Writes dataset.json (with counts), rejects.csv and closes all. The manifest is the caller's.
  void close(std::span<const Reject> rejects);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace nodulus::data
