#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "nodulus/core/error.h"
#include "nodulus/core/manifest.h"
#include "nodulus/core/npy.h"
#include "nodulus/data/dataset.h"
#include "nodulus/data/series_part.h"

namespace nodulus::data {

/// The finished work on one series, on disk.
struct StoredSeries {
  std::vector<std::string> series_row;  ///< Empty for a series that could not be used.
  std::vector<Item> items;
  NpyMap images;  ///< [rows, H, W]; items[i] is row first_row + i.
  NpyMap masks;
  std::int64_t first_row = 0;
  std::vector<std::vector<std::string>> nodule_rows;
  std::vector<Reject> rejects;
  std::vector<Reject> findings;
};

/// Raised whenever a series' part would come out otherwise than before: parts of an older program are not used.
inline constexpr int part_schema = 1;

/// "<out>.partial": one folder a finished series, each whole or not there, all made with the same options.
class PartStore {
 public:
  /// Opens or creates the folder and locks it for this process. Error{exists} where another process holds it, or its
  /// parts were made with other options and `restart` is false; with restart those are removed.
  PartStore(std::filesystem::path folder, const Json& options, bool restart);
  PartStore(const PartStore&) = delete;
  PartStore& operator=(const PartStore&) = delete;
  ~PartStore();

  /// True where the series is finished, with the same files and the same reading.
  [[nodiscard]] bool has(const SeriesTask& task) const;
  /// Prepares the series and keeps it; returns how many slices were decoded.
  std::int64_t make(const SeriesTask& task, const PrepareOptions& options, int threads);
  [[nodiscard]] StoredSeries open(const SeriesTask& task, const std::vector<Label>& labels) const;
  /// Removes the folder: the data set is whole.
  void remove();

 private:
  [[nodiscard]] std::filesystem::path part(const SeriesTask& task) const;

  std::filesystem::path folder_;
  int lock_ = -1;
};

/// Error{usage or exists} naming the first option in which the two differ, if they do.
void require_same_options(const Json& found, const Json& wanted, ErrorCode code, const std::string& where);

/// Reads and writes lists of (where, reason, detail).
void write_rejects(const std::filesystem::path& file, std::span<const Reject> rejects);
std::vector<Reject> read_rejects(const std::filesystem::path& file);

}  // namespace nodulus::data
