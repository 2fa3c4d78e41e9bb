#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "nodulus/core/monitor.h"
#include "nodulus/data/insertion.h"
#include "nodulus/dicom/order.h"

namespace nodulus::data {

/// A nodule that was drawn into a series.
struct InsertedNodule {
  NoduleBall ball;
  std::vector<NoduleSection> sections;
  std::int64_t first_image = 0;  ///< Of images.npy that of its first section; those of the others follow.
};

/// What is written as DICOM.
struct InsertedSeriesOptions {
  std::string uid_root = "2.25";  ///< All UIDs lie below it.
  bool outlines = true;           ///< A Segmentation of each nodule whose outline was drawn.
};

struct InsertedSeriesResult {
  std::int64_t slices = 0;   ///< Written, of all series.
  std::int64_t changed = 0;  ///< Of these those that a section lies on.
  std::int64_t outlines = 0;
};

/// The series once for each nodule, as CT Images of a new study of a patient who is not: folder/NNNNNN/NNNNNN.dcm in
/// the order of its slices, folder/NNNNNN-outline.dcm over those that changed, and folder/items.csv with a row for each
/// of these. Kept of the source are its geometry and its HU, which outside the sections' regions are the same bit for
/// bit; no other element is. `images` is the images/ folder, with its manifest, that holds the drawn patches. One slice
/// is held at a time. Throws Error{stopped}; Error{bad_input} for pixels that cannot be read, and where images and
/// sections disagree.
InsertedSeriesResult write_inserted(const std::filesystem::path& images, const std::filesystem::path& folder,
                                    const dicom::OrderedSeries& series, const std::vector<InsertedNodule>& nodules,
                                    const InsertedSeriesOptions& options, Monitor& monitor);

}  // namespace nodulus::data
