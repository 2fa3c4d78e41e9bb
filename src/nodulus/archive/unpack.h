#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <variant>
#include <vector>

#include "nodulus/core/monitor.h"
#include "nodulus/core/reject.h"

namespace nodulus::archive {

struct UnpackLimits {
  std::int64_t bytes = std::int64_t{64} << 30;  ///< All files together, unpacked.
  std::int64_t files = 100'000;
};

struct UnpackedFile {
  std::string name;    ///< In the zip.
  std::string stored;  ///< In the folder: file_name_of() the name's last part, with a number where that is taken.
  std::int64_t bytes = 0;
  std::string md5;
};

/// What to do with a name: unpack it or pass it over.
using Wanted = std::function<bool(const std::string& name)>;

/// Unpacks a zip into `folder`, flat, whatever paths it has; every check sum of the zip is checked. Rejects, each of
/// the whole zip: "damaged zip" (truncated, wrong sums), "path escapes the archive" (absolute or climbing names), "too
/// large" (more than the limits: a zip bomb), "encrypted". Throws Error{io} where the disk does not take it,
/// Error{stopped}.
std::variant<std::vector<UnpackedFile>, Reject> unpack_zip(const std::filesystem::path& zip,
                                                           const std::filesystem::path& folder,
                                                           const UnpackLimits& limits, const Wanted& wanted,
                                                           Monitor& monitor);

/// A file that is written as bytes come, counted and summed. Error{io} naming it, a full disk among them.
class ReceivingFile {
 public:
  /// Creates it, or goes on at its end.
  explicit ReceivingFile(std::filesystem::path file, bool append = false);
  ReceivingFile(const ReceivingFile&) = delete;
  ReceivingFile& operator=(const ReceivingFile&) = delete;
  ~ReceivingFile();
  void write(std::span<const std::byte> bytes);
  void close();
  [[nodiscard]] std::int64_t bytes() const { return bytes_; }

 private:
  std::filesystem::path file_;
  int descriptor_ = -1;
  std::int64_t bytes_ = 0;
};

}  // namespace nodulus::archive
