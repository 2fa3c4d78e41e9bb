#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "nodulus/core/reject.h"
#include "nodulus/data/dataset.h"
#include "nodulus/data/prepare.h"
#include "nodulus/dicom/scan.h"
#include "nodulus/lidc/reading.h"

namespace nodulus::data {

/// A series and the reading that belongs to it: the unit of work.
struct SeriesTask {
  dicom::Series series;
  std::string xml;  ///< The reading's file.
  std::string xml_sha256;
  std::int64_t bytes = 0;  ///< Of all its DICOM files.
  [[nodiscard]] std::string patient() const { return series.patient_id.empty() ? series.study_uid : series.patient_id; }
  /// What tells an unchanged series from a changed one without reading its pixels: the UID, the number of files and
  /// slices, the bytes of all files together, and the sum of the reading's bytes. New pixels in files of the old size
  /// are not noticed.
  [[nodiscard]] std::string fingerprint() const;
};

/// The label columns of items.csv for these options.
std::vector<Label> item_labels(const PrepareOptions& options);
/// The columns of series.csv: one row a series of the data set.
std::vector<std::string> series_columns();
/// The columns of nodules.csv: those of lidc::nodule_columns(), the split, and how many images show the nodule.
std::vector<std::string> nodule_table_columns();

/// What one series gives, in the order of the data set.
struct SeriesContent {
  std::vector<std::string> series_row;
  std::vector<Item> items;
  std::vector<std::vector<std::string>> nodule_rows;
  std::vector<Reject> rejects;
  std::vector<Reject> findings;
  lidc::LesionCounts lesions;
  std::int64_t slices_decoded = 0;
};

/// Where the pixels go, item by item, in order.
using PixelSink = std::function<void(std::span<const std::int16_t> image_hu, std::span<const std::uint8_t> mask)>;

/// Orders the slices, finds the nodules and cuts their images. A series that cannot be used gives rejects alone.
SeriesContent prepare_series(const SeriesTask& task, const PrepareOptions& options, int threads, const PixelSink& sink);

}  // namespace nodulus::data
