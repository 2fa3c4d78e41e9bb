#pragma once

#include <string>
#include <utility>
#include <vector>

#include "nodulus/archive/source.h"
#include "nodulus/net/retry.h"

namespace nodulus::archive {

struct DicomwebOptions {
  std::string server;                               ///< The service's root, such as https://host/dicom-web.
  net::RetryRule retry;                             ///< Of lists.
  std::int64_t most_bytes = std::int64_t{4} << 30;  ///< Of one object.
};

/// Any DICOMweb server (PS3.18): QIDO-RS (10.6) lists series and objects, WADO-RS (10.4) retrieves them. A series is
/// asked for as a whole; what of it did not come, object by object. There are no sums: each object is read, and all
/// that were listed have to be there.
class DicomwebSource final : public Source {
 public:
  /// Error{usage} for a server that is no address.
  explicit DicomwebSource(DicomwebOptions options);

  [[nodiscard]] Json address() const override;
  std::vector<RemoteSeries> list(net::Client& client, const Selection& selection,
                                 std::vector<Reject>& rejects) override;
  std::optional<Reject> complete(net::Client& client, RemoteSeries& series) override;
  Fetched fetch(net::Client& client, const RemoteSeries& series, const Workplace& place) override;

 private:
  using Query = std::vector<std::pair<std::string, std::string>>;
  struct List {
    std::vector<Json> rows;
    bool whole = false;  ///< False where the server does not say that this is the end.
  };
  /// All pages of a list. `key` is the tag that tells one entry from another; `expected` how many there are, where that
  /// is known: then no page is asked for after the last.
  List entries(net::Client& client, const std::string& path, const Query& query, const std::string& key,
               std::int64_t expected = -1);

  DicomwebOptions options_;
};

}  // namespace nodulus::archive
