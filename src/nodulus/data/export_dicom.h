#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "nodulus/core/monitor.h"
#include "nodulus/core/options.h"

namespace nodulus::data {

/// How generated images become DICOM objects.
struct DicomExportOptions {
  std::string object = "ct";      ///< "ct", "enhanced-ct" or "secondary-capture".
  std::string uid_root = "2.25";  ///< All UIDs lie below it.
  double spacing_mm = 0;          ///< Of the images' pixels. 0: as each was asked for, else the model's usual one.
  bool outlines = true;           ///< A Segmentation of each image that has an outline.
  bool burn_in = false;           ///< "SYNTHETIC" in the pixels.

  /// Each name after `prefix`, such as "dicom.".
  void describe(Options& options, const std::string& prefix = "");
};

struct DicomExportResult {
  std::int64_t images = 0;
  std::int64_t outlines = 0;
};

/// Throws Error{usage} for options that cannot be.
void check(const DicomExportOptions& options);
/// The same, and where `source` cannot become DICOM objects that are of no patient: it is of real images, or partly
/// (those of --inpaint and --insert), or made to be like a real one (project); or the size of a pixel is not known.
void check(const std::filesystem::path& source, const DicomExportOptions& options);

/// The images of an images/ folder as files of a new study of a patient who is not: images/NNNNNN.dcm,
/// outlines/NNNNNN.dcm and items.csv in `folder`. UIDs are functions of the source's manifest and of the options, so
/// that the same export again makes the same objects. Throws as check(); Error{stopped}; otherwise as
/// StoredImages::open().
DicomExportResult export_dicom(const std::filesystem::path& source, const std::filesystem::path& folder,
                               const DicomExportOptions& options, Monitor& monitor);

}  // namespace nodulus::data
