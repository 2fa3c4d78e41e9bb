#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "nodulus/archive/source.h"

namespace nodulus::archive {

/// The readers' XML of LIDC-IDRI, which TCIA gives as one zip for all patients: unpacked into a folder, and by series.
class Readings {
 public:
  /// Unpacks the zip's XML into `folder`, replacing what is there whole. Error{bad_input} where it is no zip of XML.
  static void unpack(const std::filesystem::path& zip, const std::filesystem::path& folder, Monitor& monitor);
  /// Reads which series each file of the folder is of. Files of no series are left alone.
  explicit Readings(const std::filesystem::path& folder);

  /// Copies the readings of a series into its folder.
  [[nodiscard]] std::vector<ReceivedFile> copy(const std::string& series_uid,
                                               const std::filesystem::path& folder) const;
  [[nodiscard]] std::size_t series() const { return files_.size(); }

 private:
  std::map<std::string, std::vector<std::filesystem::path>> files_;
};

/// The series that a LIDC reading is of, by its SeriesInstanceUid element; "" where it has none.
std::string series_of_reading(const std::filesystem::path& xml);

}  // namespace nodulus::archive
