#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "nodulus/archive/nbia_session.h"
#include "nodulus/archive/readings.h"
#include "nodulus/archive/source.h"
#include "nodulus/net/retry.h"

namespace nodulus::archive {

inline constexpr const char* tcia_server = "https://services.cancerimagingarchive.net/nbia-api/services/v1";

struct NbiaOptions {
  std::string server = tcia_server;  ///< .../services/v1, v2 or v4; "/nbia-api/services/v1" is added to a bare host.
  std::string user;                  ///< With a password: a login.
  net::Secret password;
  std::string client_id = "NBIA";
  bool annotations = true;  ///< Asks for what is filed with a series beside its objects, where the server can be asked.
  net::RetryRule retry;     ///< Of lists; series are tried again by collect().
  std::int64_t most_bytes = std::int64_t{64} << 30;  ///< Of one series.
};

/// NBIA's REST API, as TCIA runs it (getCollectionValues, getPatient, getSeries, getSeriesSize, getImageWithMD5Hash,
/// getDCMImage, getImage). Field names differ in case between its versions; an empty answer is an empty list there.
class NbiaSource final : public Source {
 public:
  /// Error{usage} for a server that is no address.
  explicit NbiaSource(NbiaOptions options, std::shared_ptr<const Readings> readings = nullptr);

  [[nodiscard]] Json address() const override;
  std::vector<RemoteSeries> list(net::Client& client, const Selection& selection,
                                 std::vector<Reject>& rejects) override;
  std::optional<Reject> complete(net::Client& client, RemoteSeries& series) override;
  Fetched fetch(net::Client& client, const RemoteSeries& series, const Workplace& place) override;

 private:
  net::Answer send(net::Client& client, const net::Request& request, const net::Sink& sink = {},
                   const net::OnHead& on_head = {});
  /// The list that an endpoint answers. Throws as list().
  std::vector<Json> rows(net::Client& client, const std::string& endpoint,
                         const std::vector<std::pair<std::string, std::string>>& query);
  /// Downloads a series' zip by the endpoint that gives most; whether sums are to be in it, or why there is none.
  std::variant<bool, Fetched> download(net::Client& client, const RemoteSeries& series, const Workplace& place);
  [[noreturn]] void no_such_collection(net::Client& client, const std::string& name);
  /// `patients`: those that have series of the modality.
  [[noreturn]] void no_such_patient(net::Client& client, const Selection& selection,
                                    const std::set<std::string>& patients);

  NbiaOptions options_;
  std::unique_ptr<NbiaSession> session_;
  std::shared_ptr<const Readings> readings_;
  std::atomic<bool> told_of_annotations_ = false;
};

}  // namespace nodulus::archive
