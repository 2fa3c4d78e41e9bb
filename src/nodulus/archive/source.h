#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "nodulus/archive/remote_series.h"
#include "nodulus/core/manifest.h"
#include "nodulus/core/reject.h"
#include "nodulus/net/client.h"

namespace nodulus::archive {

/// A file as it was received and checked.
struct ReceivedFile {
  std::string name;  ///< In the series' folder.
  std::int64_t bytes = 0;
  std::string md5;
  std::string sop_uid;  ///< Empty for what is no DICOM: a reading.
};

/// How one try to fetch a series ended: its files, or why not.
struct Fetched {
  std::vector<ReceivedFile> files{};
  std::optional<Reject> fault{};
  bool worth_retry = false;
  bool server_failed = false;  ///< No answer came of what was asked: a server that has gone fails every series.
  std::optional<double> retry_after_s{};

  static Fetched failed(const std::string& where, std::string reason, std::string detail, bool worth_retry) {
    return {{}, Reject{where, std::move(reason), std::move(detail)}, worth_retry, false, {}};
  }
  static Fetched failed(const std::string& where, const net::Answer& answer);
};

/// Where the work on one series is done. What a try left there, the next may use.
struct Workplace {
  std::filesystem::path folder;                                      ///< Its files; there.
  std::filesystem::path download;                                    ///< A file that a download grows in.
  std::function<void(std::int64_t)> on_bytes = [](std::int64_t) {};  ///< Is told of bytes as they come.
  Monitor& monitor;
};

struct Selection {
  std::string collection{};  ///< NBIA's.
  PatientChoice patients{};
  std::string modality{};              ///< Empty: every one.
  std::vector<std::string> studies{};  ///< DICOMweb: these alone, where any are given.
  std::vector<std::string> series{};   ///< These alone, where any are given.

  /// By patient and modality, as far as the series' are known.
  [[nodiscard]] bool takes(const RemoteSeries& one) const {
    return (modality.empty() || one.modality.empty() || one.modality == modality) &&
           (one.patient_id.empty() || patients.has(one.patient_id));
  }
};

/// An archive that series come from. Functions may be called from several threads, each with its own client.
class Source {
 public:
  Source() = default;
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;
  virtual ~Source() = default;

  /// {"kind": ..., "server": ...}, to make it again from. No secret in it.
  [[nodiscard]] virtual Json address() const = 0;
  /// Every series that may be of the selection, once, sorted by patient and series: where the list does not tell,
  /// complete() does. What is not to be had goes to `rejects`. Error{io} where the server does not answer,
  /// Error{not_found} where it has no such collection, Error{bad_input} where it answers what is no list.
  virtual std::vector<RemoteSeries> list(net::Client& client, const Selection& selection,
                                         std::vector<Reject>& rejects) = 0;
  /// Asks for what is not known of the series yet: its patient, how much there is of it.
  virtual std::optional<Reject> complete(net::Client& client, RemoteSeries& series) = 0;
  /// One try. Error{io} for what is this machine's fault, Error{stopped}.
  virtual Fetched fetch(net::Client& client, const RemoteSeries& series, const Workplace& place) = 0;
};

}  // namespace nodulus::archive
