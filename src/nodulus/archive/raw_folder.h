#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "nodulus/archive/remote_series.h"
#include "nodulus/archive/source.h"
#include "nodulus/core/manifest.h"
#include "nodulus/core/monitor.h"
#include "nodulus/core/reject.h"

namespace nodulus::archive {

/// What is known of a series that was fetched: a row of collected.csv, a file of records/.
struct Record {
  RemoteSeries series;
  std::string folder;    ///< Of its files, in the raw folder: "dicom/<patient>/<series UID>".
  std::string fetched;   ///< UTC, ISO 8601.
  Json from;             ///< Source::address().
  bool dropped = false;  ///< Its files have served and were removed.
  std::vector<ReceivedFile> files;

  [[nodiscard]] std::int64_t bytes() const;
};

/// raw/: the artifact that collect leaves, and grows. manifest.json says what it is; dicom/ holds a folder a series,
/// each whole or not there; records/ a JSON file a series, with the sum of every file; collected.csv is the table of
/// them and rejects.csv of what could not be had; annotations/ holds readings that are not yet beside a series, and
/// .partial/ the work under way, of which a killed process loses the last file at most.
class RawFolder {
 public:
  /// Opens it for this process alone, or creates it with this manifest. Error{exists} where another process works in
  /// it, or something else lies there; Error{bad_input} for a damaged record, naming it.
  RawFolder(std::filesystem::path folder, const Manifest& manifest);
  RawFolder(const RawFolder&) = delete;
  RawFolder& operator=(const RawFolder&) = delete;
  ~RawFolder();

  [[nodiscard]] const std::filesystem::path& path() const { return folder_; }
  [[nodiscard]] std::filesystem::path annotations() const { return folder_ / "annotations"; }
  [[nodiscard]] std::filesystem::path partial() const { return folder_ / ".partial"; }
  /// True where the series was fetched, whether or not its files are still there.
  [[nodiscard]] bool has(const std::string& series_uid) const { return records_.contains(series_uid); }
  [[nodiscard]] const std::map<std::string, Record>& records() const { return records_; }

  /// Where a series is worked on: .partial/<UID>/ and .partial/<UID>.zip. Creates the folder.
  [[nodiscard]] Workplace workplace(const std::string& series_uid, Monitor& monitor) const;
  /// The series' files in its workplace become dicom/<patient>/<UID>: synced, recorded, renamed. Error{io}.
  const Record& commit(const RemoteSeries& series, std::vector<ReceivedFile> files, const Json& from);
  /// Removes the files of a series and remembers that it was here.
  void drop(const std::string& series_uid);
  /// Forgets a series and what is left of it, so that it is fetched anew.
  void forget(const std::string& series_uid);
  /// Writes collected.csv, and rejects.csv.
  void write_tables(const std::vector<Reject>& rejects) const;
  /// Reads every file of every series again. Rejects, one a file: "missing", "wrong size", "wrong MD5"; of a series
  /// whose record is damaged, "damaged record".
  [[nodiscard]] std::vector<Reject> verify(int threads, Monitor& monitor) const;

 private:
  void read_records();
  void write_record(const Record& record) const;
  [[nodiscard]] std::filesystem::path record_file(const std::string& series_uid) const;

  std::filesystem::path folder_;
  std::map<std::string, Record> records_;
  int lock_ = -1;
};

}  // namespace nodulus::archive
