#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
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
  bool is_new = false;   ///< Fetched since the folder was opened.
  std::vector<ReceivedFile> files;

  [[nodiscard]] std::int64_t bytes() const;
};

/// A series that is not as it was fetched.
struct Damage {
  std::string series_uid;
  /// Of what was fetched; nothing where there is none or it is damaged, so that nobody knows.
  std::optional<Record> record{};
  std::vector<Reject>
      faults;  ///< "missing", "wrong size", "wrong MD5", "cannot be read"; "damaged record", "no record".
};

/// raw/: the artifact that collect leaves, and grows. manifest.json says what it is; dicom/ holds a folder a series,
/// each whole or not there; records/ a JSON file a series, with the sum of every file; collected.csv is the table of
/// them and rejects.csv of what could not be had; annotations/ holds readings that are not yet beside a series, and
/// .partial/ the work under way, of which a killed process loses the last file at most.
class RawFolder {
 public:
  /// Opens it for this process alone, or creates it with this manifest; clears away what a killed process left that is
  /// of no use. A series whose record is damaged or whose files have gone counts as not fetched; see verify().
  /// Error{exists} where another process works in it, or something else lies there.
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
  /// The series' files in its workplace, on disk already (sync_tree), become dicom/<patient>/<UID>: recorded, renamed.
  /// What was in that place goes. Error{io}.
  const Record& commit(const RemoteSeries& series, std::vector<ReceivedFile> files, const Json& from);
  /// Copies what lies beside the objects of a series that was fetched before (readings) and did not come again, into
  /// its workplace and to `files`. "incomplete" where that is damaged or gone.
  [[nodiscard]] std::optional<Reject> keep_beside(const Record& former, std::vector<ReceivedFile>& files) const;
  /// Removes the files of a series and remembers that it was here.
  void drop(const std::string& series_uid);
  /// What came of a series goes from its workplace, but for a download that can be gone on with.
  void give_up(const std::string& series_uid) const;
  /// Writes collected.csv, and rejects.csv.
  void write_tables(const std::vector<Reject>& rejects) const;
  /// Reads every file of every series again; the damaged ones, by UID.
  [[nodiscard]] std::vector<Damage> verify(int threads, Monitor& monitor) const;
  /// Bytes that lie there: series as recorded, readings, and the work under way as it is now.
  [[nodiscard]] std::int64_t bytes_of_series() const;
  [[nodiscard]] std::int64_t bytes_beside() const;

 private:
  void read_records();
  void find_unrecorded();
  void clear_away() const;
  void write_record(const Record& record) const;
  /// Takes a folder out of its place at once, then removes it.
  void remove_whole(const std::filesystem::path& series_folder, const std::string& series_uid) const;
  [[nodiscard]] std::filesystem::path record_file(const std::string& series_uid) const;

  std::filesystem::path folder_;
  std::map<std::string, Record> records_;
  std::vector<Damage> damages_;  // seen on opening
  int lock_ = -1;
};

}  // namespace nodulus::archive
