#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "nodulus/core/monitor.h"
#include "nodulus/data/dataset_info.h"

namespace nodulus::data {

/// Pictures -> data set. The source is a folder, a zip or a tar of PNG, JPEG and .npy files.
struct ImportOptions {
  std::filesystem::path source;
  std::filesystem::path out;
  bool force = false;
  /// A table with a row an image: file, and any of patient, nodule, series_uid, sop_uid, z_mm, spacing_mm, hu_gain and
  /// hu_offset (HU = gain * pixel + offset); all other columns become labels. "": the source's own items.csv, or its
  /// only .csv, or StyleGAN2-ADA's dataset.json, or none.
  std::filesystem::path csv;
  /// Folder within the source whose pictures hold, under the same names, how many readers marked each pixel (0 to 4; or
  /// 0 and 255 for none and all). "": "readers" or "masks" where there is one.
  std::string masks;
  int size = 0;        ///< Cut size x size about the centre; 0: as they are (all must be alike).
  WindowHu window_hu;  ///< For looking; and without gain and offset, grey 0 to the format's largest is spread over it.
  SplitRule split;
  std::vector<Source> sources;  ///< Empty: LIDC-IDRI where every patient is named like one of its subjects.
  int threads = 1;
};

struct ImportResult {
  Counts counts;
  std::map<std::string, int> rejects;  ///< By reason; each is in rejects.csv.
  bool masks = false;
  int height = 0;
  int width = 0;
  std::string hu_note;
  double seconds = 0;
};

/// What an import would read: its pictures are listed and joined with the table, none is decoded.
struct ImportPreview {
  std::int64_t images = 0;
  bool masks = false;
  std::map<std::string, int> rejects;  ///< By reason, as far as they show without decoding.
};

/// Throws as import_pictures() does before it decodes anything.
ImportPreview preview_import(const ImportOptions& options, Monitor& monitor);

/// Writes the data set `options.out` (see ArtifactWriter for an existing target). Memory does not grow with the number
/// of pictures. The order is the table's, else the
/// source's. Pictures that cannot be used are rejected by reason:
/// those of decode_picture(), EntrySource and plan_import(), "wrong size" (not that of most), "smaller than the cut",
/// "mask value". A data set that holds a generated image (by its manifest.json or the picture's own mark) is marked
/// synthetic.
/// Error{bad_input} where nothing is left, Error{stopped} when the monitor asks.
ImportResult import_pictures(const ImportOptions& options, Monitor& monitor);

}  // namespace nodulus::data
