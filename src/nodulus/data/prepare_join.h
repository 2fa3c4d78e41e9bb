#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "nodulus/core/monitor.h"
#include "nodulus/data/series_part.h"

namespace nodulus::data {

/// A reading file that stands: the newest of its series.
struct ReadingFile {
  std::string path;
  std::string series_uid;
};

/// Parses the files and keeps one reading a series; the rest goes to `rejects`. By series UID. Marks are not kept: each
/// series reads its own again when its turn comes.
std::vector<ReadingFile> find_readings(const std::vector<std::string>& xml_files, int threads,
                                       std::vector<Reject>& rejects, Monitor& monitor);

/// What a search for work under some folders gives.
struct Work {
  std::vector<SeriesTask> tasks;  ///< By patient, then series.
  std::vector<Reject> rejects;    ///< Files left out; "no reading" (by series UID); "reading without series" (by file).
  std::int64_t files = 0;
  std::int64_t slices = 0;
  std::int64_t series = 0;  ///< CT series found, with or without a reading.
};

/// The roots, but of a raw/ artifact its dicom/ alone: each series with its readings beside it.
std::vector<std::filesystem::path> with_collections_opened(std::vector<std::filesystem::path> roots);

/// Finds series and readings and joins them on SeriesInstanceUID.
Work find_work(const std::vector<std::filesystem::path>& roots, int threads, Monitor& monitor);

}  // namespace nodulus::data
