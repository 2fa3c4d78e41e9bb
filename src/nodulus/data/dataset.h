#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "nodulus/core/csv.h"
#include "nodulus/core/npy.h"
#include "nodulus/core/reject.h"
#include "nodulus/data/dataset_info.h"

namespace nodulus::data {

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
  /// True where generated images are among its own.
  [[nodiscard]] bool synthetic() const { return synthetic_; }
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
  /// SHA-256 of dataset.json, which holds the sums of all other files: what runs and models record as "the data set".
  /// The same input under the same path has the same hash whenever it was made (rejects.csv and findings.csv hold
  /// paths).
  [[nodiscard]] std::string hash() const;
  /// How many of its items, the first, are those of the data set of that hash: itself, or one that it has grown from;
  /// 0 where it is neither.
  [[nodiscard]] std::int64_t items_of_ancestor(std::string_view ancestor_hash) const;

 private:
  std::filesystem::path folder_;
  bool synthetic_ = false;
  DatasetInfo info_;
  NpyMap images_;
  NpyMap masks_;
  std::vector<Item> items_;
  CsvTable nodules_;
};

/// Writes the files of a data set, item by item, into a folder (an ArtifactWriter's path()); memory does not grow.
class DatasetWriter {
 public:
  /// `nodule_columns` are those of nodules.csv. Error{bad_input} where a label takes the name of another column.
  DatasetWriter(const std::filesystem::path& folder, DatasetInfo info, std::vector<std::string> nodule_columns);
  ~DatasetWriter();
  DatasetWriter(const DatasetWriter&) = delete;
  DatasetWriter& operator=(const DatasetWriter&) = delete;

  /// `mask` is empty exactly where info.masks is false. Error{internal} on a wrong size or number of labels.
  void append(const Item& item, std::span<const std::int16_t> image_hu, std::span<const std::uint8_t> mask);
  void append_nodule(std::span<const std::string> fields);
  [[nodiscard]] std::int64_t size() const;
  /// Writes dataset.json (with counts and sums) and rejects.csv and closes all; returns what dataset.json says. The
  /// manifest is the caller's.
  DatasetInfo close(std::span<const Reject> rejects);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace nodulus::data
