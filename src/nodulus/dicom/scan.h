#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "nodulus/core/monitor.h"
#include "nodulus/core/reject.h"
#include "nodulus/dicom/slice_header.h"

namespace nodulus::dicom {

/// The files that carry one SeriesInstanceUID. Headers are not kept, so that a scan of a whole collection
/// stays small: order_slices() reads them again, one series at a time.
struct Series {
  std::string uid;
  std::string study_uid;
  std::string patient_id;
  std::string modality;
  std::string manufacturer;
  std::vector<std::string> files;  ///< Sorted by path.
  std::int64_t slices = 0;         ///< Frames in all files.
};

struct ScanOptions {
  std::string modality = "CT";  ///< Others are left out as "other modality"; empty: every modality stays.
  bool accept_derived = false;  ///< Keep images whose ImageType says DERIVED, reformats and captures too.
  int threads = 1;
};

struct Scan {
  std::vector<Series> series;          ///< Sorted by patient, then by series UID.
  std::vector<Reject> rejects;         ///< Files left out, sorted by path.
  std::vector<std::string> xml_files;  ///< Files that look like XML, sorted by path: the readers' marks are among them.
  std::int64_t files = 0;              ///< Regular files met.
  std::int64_t slices = 0;             ///< Frames in all series.
};

/// Finds image series under folders (or single files), whatever the files are called, from headers alone.
/// Links are followed; a folder reached twice is read once. The result does not depend on `threads`.
/// Reasons of rejects: those of read_headers(), and "other modality", "localizer", "reformat",
/// "secondary capture", "derived image", "no series UID", "not an image in HU", "unreadable folder".
/// Throws Error{not_found} for a root that does not exist, Error{stopped} when the monitor asks.
Scan scan(const std::vector<std::filesystem::path>& roots, const ScanOptions& options, Monitor& monitor);

/// Why an image is not an original slice of a patient (localizer, reformat, ...), from ImageType and SOP class
/// (DICOM PS3.3 C.7.6.1.1.2, C.8.2.1.1.1); an empty reason where it is one.
Reject left_out(const SliceHeader& header, const ScanOptions& options);

}  // namespace nodulus::dicom
