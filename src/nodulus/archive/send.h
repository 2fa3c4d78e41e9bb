#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "nodulus/core/monitor.h"
#include "nodulus/core/reject.h"
#include "nodulus/net/client.h"
#include "nodulus/net/retry.h"

namespace nodulus::archive {

struct SendOptions {
  std::string server;    ///< A DICOMweb service's root.
  int per_request = 32;  ///< Objects a request.
  std::int64_t bytes_per_request = std::int64_t{64} << 20;
  net::RetryRule retry;
  net::ClientOptions client;
};

/// What became of one object.
struct Sent {
  std::filesystem::path file;
  std::string sop_uid;
  bool stored = false;
  std::string reason;  ///< Empty where it was stored without remark.
  std::string detail;  ///< What the server says.
};

struct SendResult {
  std::vector<Sent> objects;  ///< In the order of the files.
  std::int64_t stored = 0;
  std::int64_t bytes = 0;  ///< Of those that were stored.
  std::int64_t requests = 0;
  double seconds = 0;
};

/// The DICOM files under a folder, or the file itself, sorted: files that begin with DICOM's preamble (PS3.10 7.1).
/// Error{not_found} where there is no such path; Error{bad_input} where it holds no DICOM file.
std::vector<std::filesystem::path> dicom_files(const std::filesystem::path& source);

/// Stores them by STOW-RS (PS3.18 10.5), reads what the server says of each object, and sends again what may go better
/// another time. `result` tells of each object, those that stay refused among them, as far as it came where this
/// throws: Error{io} where the server does not answer at all, takes no objects (404, 405) or wants another token (401,
/// 403); Error{usage} for a server that is no address; Error{stopped}.
void send(const std::vector<std::filesystem::path>& files, const SendOptions& options, Monitor& monitor,
          SendResult& result);

/// What a FailureReason (0008,1197) means (PS3.18 table 10.5.3-2, PS3.4 annex B), and whether it may pass.
std::string failure_text(std::int64_t reason);
bool failure_may_pass(std::int64_t reason);

}  // namespace nodulus::archive
