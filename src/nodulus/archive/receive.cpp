#include "nodulus/archive/receive.h"

#include "nodulus/archive/md5.h"
#include "nodulus/core/files.h"
#include "nodulus/dicom/identity.h"

namespace nodulus::archive {

Fetched Fetched::failed(const std::string& where, const net::Answer& answer) {
  const char* reason = "the server fails";
  if (answer.status == 0 || (answer.status >= 200 && answer.status < 300)) reason = "connection fails";
  // NBIA answers 400 for a series that it does not show to whoever asks.
  if (answer.status == 400 || answer.status == 401 || answer.status == 403) reason = "refused";
  if (answer.status == 404 || answer.status == 410) reason = "not there";
  if (answer.status == 429) reason = "too many requests";
  Fetched fetched = failed(where, reason, answer.problem, answer.worth_retry);
  fetched.retry_after_s = answer.retry_after_s;
  fetched.server_failed = answer.worth_retry;
  return fetched;
}

std::variant<ReceivedFile, Reject> check_object(const std::filesystem::path& file, const std::string& series_uid,
                                                const std::string& md5) {
  auto read = dicom::read_identity(file.string());
  if (auto* const reject = std::get_if<Reject>(&read)) {
    reject->where = file.filename().string();
    return std::move(*reject);
  }
  const auto& identity = std::get<dicom::Identity>(read);
  const std::string name = file.filename().string();
  if (identity.series_uid != series_uid)
    return Reject{name, "wrong series", "expected series " + series_uid + ", found " + identity.series_uid};
  return ReceivedFile{name, file_bytes(file), md5.empty() ? md5_file(file) : md5, identity.sop_uid};
}

}  // namespace nodulus::archive
