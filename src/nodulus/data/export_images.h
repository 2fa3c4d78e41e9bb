#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "nodulus/core/contact_sheet.h"
#include "nodulus/core/monitor.h"

namespace nodulus::data {

/// A data set or generated images -> pictures that other programs read.
struct ExportOptions {
  std::filesystem::path source;  ///< A dataset/ or images/ folder.
  /// A folder: images/ and, where there are masks, readers/ (0 to 4, 8 bit), and items.csv. For stylegan2-ada: a .zip.
  std::filesystem::path out;
  bool force = false;
  /// "png8" and "jpeg": the window from black to white; "png16": value = HU + 32768; "npy": one array of HU;
  /// "stylegan2-ada": 8-bit PNG in a zip with dataset.json.
  std::string format = "png8";
  std::optional<WindowHu> window_hu;  ///< The source's own where not given.
  std::string split;                  ///< "train", "val", "test"; "": all.
  std::string label;                  ///< stylegan2-ada: the whole-number column of items.csv that becomes the class.
  int quality = 95;                   ///< jpeg: 1 to 100.
  int threads = 1;
};

struct ExportResult {
  std::int64_t images = 0;
  bool masks = false;
  bool synthetic = false;
  double seconds = 0;
};

/// Error{usage, exists, io} where `out` cannot be made: for a command to fail before its work and for --dry-run.
void check_export_target(const ExportOptions& options);

/// Every picture of a generated image carries a mark that says so (PNG tEXt, JPEG comment). items.csv has hu_gain and
/// hu_offset, so that import_pictures() restores HU: exactly from png16 and npy, to a grey level from png8.
/// Error{usage} for options that do not fit the source, otherwise as Dataset::open and ArtifactWriter.
ExportResult export_images(const ExportOptions& options, Monitor& monitor);

}  // namespace nodulus::data
