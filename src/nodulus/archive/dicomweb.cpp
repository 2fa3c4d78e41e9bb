#include "nodulus/archive/dicomweb.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <tuple>

#include "nodulus/archive/dicom_json.h"
#include "nodulus/archive/receive.h"
#include "nodulus/archive/unpack.h"
#include "nodulus/core/error.h"
#include "nodulus/core/files.h"
#include "nodulus/net/multipart.h"
#include "nodulus/net/url.h"

namespace nodulus::archive {
namespace {

namespace fs = std::filesystem;

constexpr const char* study_tag = "0020000D";
constexpr const char* series_tag = "0020000E";
constexpr const char* sop_tag = "00080018";
constexpr const char* part_file = "arriving";

/// What ends a transfer that brings what nobody asked for.
struct Unusable {
  Reject reject;
};

/// Takes the objects of one answer into the series' folder, each whole or not at all.
class Arrival {
 public:
  Arrival(const RemoteSeries& series, const Workplace& place, std::int64_t most_bytes,
          std::map<std::string, ReceivedFile>& here)
      : series_(series), place_(place), most_bytes_(most_bytes), here_(here) {}

  void on_head(const net::Answer& head) {
    const std::string type = head.content_type();
    if (type == "application/dicom") {
      begin();
      return;
    }
    if (type != "multipart/related")
      throw Unusable{
          {"", "not DICOM", "expected multipart/related, found " + (type.empty() ? "no content type" : type)}};
    reader_ = std::make_unique<net::MultipartReader>(
        net::parameter(head.header("content-type"), "boundary"),
        net::MultipartReader::Parts{[this](const net::Headers&) { begin(); },
                                    [this](std::span<const std::byte> bytes) { write(bytes); }, [this] { end(); }});
  }
  void take(std::span<const std::byte> bytes) {
    place_.on_bytes(static_cast<std::int64_t>(bytes.size()));
    if (reader_) {
      reader_->feed(bytes);
    } else {
      write(bytes);
    }
  }
  /// After the last byte of a good answer: true where it was whole.
  bool finish() {
    if (reader_) return reader_->finished();
    if (file_) end();
    return true;
  }

 private:
  void begin() { file_ = std::make_unique<ReceivingFile>(place_.folder / part_file); }
  void write(std::span<const std::byte> bytes) {
    if (file_->bytes() + static_cast<std::int64_t>(bytes.size()) > most_bytes_)
      throw Unusable{
          {"", "too large", fmt::format("expected objects of at most {} bytes, found a larger one", most_bytes_)}};
    file_->write(bytes);
  }
  void end() {
    file_->close();
    file_.reset();
    auto checked = check_object(place_.folder / part_file, series_.series_uid);
    if (auto* const reject = std::get_if<Reject>(&checked)) throw Unusable{*reject};
    auto& file = std::get<ReceivedFile>(checked);
    if (!is_uid(file.sop_uid)) throw Unusable{{"", "no UID", "an object's SOPInstanceUID is no UID"}};
    file.name = file.sop_uid + ".dcm";
    move_path(place_.folder / part_file, place_.folder / file.name);
    here_[file.sop_uid] = std::move(file);
  }

  const RemoteSeries& series_;
  const Workplace& place_;
  std::int64_t most_bytes_;
  std::map<std::string, ReceivedFile>& here_;
  std::unique_ptr<net::MultipartReader> reader_;
  std::unique_ptr<ReceivingFile> file_;
};

/// What a former try left in the folder, read again; what is not whole goes.
std::map<std::string, ReceivedFile> left_over(const RemoteSeries& series, const fs::path& folder) {
  std::map<std::string, ReceivedFile> here;
  std::vector<fs::path> files;
  std::error_code error;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error))
    files.push_back(at->path());
  if (error) throw Error(ErrorCode::io, "cannot list '" + folder.string() + "': " + error.message());
  for (const fs::path& file : files) {
    auto checked = check_object(file, series.series_uid);
    auto* const received = std::get_if<ReceivedFile>(&checked);
    if (received != nullptr && received->name == received->sop_uid + ".dcm") {
      here[received->sop_uid] = std::move(*received);
    } else {
      remove_tree(file);
    }
  }
  return here;
}

/// One request for objects: nothing where all of the answer came.
std::optional<Fetched> retrieve(net::Client& client, const std::string& url, Arrival arrival,
                                const std::string& where) {
  net::Request request;
  request.url = url;
  request.headers = {"Accept: multipart/related; type=\"application/dicom\"; transfer-syntax=*"};
  try {
    const net::Answer answer = client.send(
        request, [&](std::span<const std::byte> bytes) { arrival.take(bytes); },
        [&](const net::Answer& head) { arrival.on_head(head); });
    if (!answer.good()) return Fetched::failed(where, answer);
    if (!arrival.finish()) return Fetched::failed(where, "cut off", "the answer ends before its last part does", true);
    return std::nullopt;
  } catch (const Unusable& unusable) {
    return Fetched::failed(where, unusable.reject.reason, unusable.reject.detail,
                           unusable.reject.reason != "too large");
  } catch (const Error& error) {
    if (error.code() != ErrorCode::bad_input) throw;
    return Fetched::failed(where, "not multipart", error.what(), true);
  }
}

}  // namespace

DicomwebSource::DicomwebSource(DicomwebOptions options) : options_(std::move(options)) {
  (void)net::Url::parse(options_.server, "DICOMweb server");
  options_.server = net::shown(options_.server);
  while (options_.server.ends_with('/')) options_.server.pop_back();
}

Json DicomwebSource::address() const { return {{"kind", "dicomweb"}, {"server", options_.server}}; }

DicomwebSource::List DicomwebSource::entries(net::Client& client, const std::string& path, const Query& query,
                                             const std::string& key, std::int64_t expected) {
  constexpr std::int64_t page = 500;
  List found;
  std::set<std::string> seen;
  std::size_t received = 0;
  while (true) {
    Query words = query;
    words.emplace_back("limit", std::to_string(page));
    if (received > 0) words.emplace_back("offset", std::to_string(received));
    net::Request request;
    request.url = net::joined(options_.server, path, words);
    request.headers = {"Accept: application/dicom+json"};
    Json list = Json::array();
    const auto attempt = [&] {
      net::Answer answer = client.send(request);
      if (!answer.good() || answer.status == 204 || answer.body.empty()) return answer;
      list = Json::parse(answer.body, nullptr, false);
      if (list.is_array()) return answer;
      list = Json::array();
      answer.problem = "expected a DICOM JSON list, found " +
                       (answer.content_type().empty() ? "no content type" : answer.content_type());
      answer.worth_retry = true;
      return answer;
    };
    const net::Answer answer = net::with_retries(options_.retry, path, client.monitor(), attempt);
    // Some refuse an offset that is behind the end.
    if (received > 0 && (answer.status == 400 || answer.status == 404 || answer.status == 416)) return found;
    if (!answer.good()) {
      const bool answered = answer.status >= 200 && answer.status < 300;
      throw Error(
          answered ? ErrorCode::bad_input : ErrorCode::io,
          net::joined(options_.server, path) + ": " +
              (path == "series" && answer.status == 404 ? "expected the root of a DICOMweb service, found " : "") +
              answer.problem);
    }
    // A short page is not the last: servers have limits of their own (PS3.18 8.3.4.4). One that brings nothing new is,
    // and a server that does not know `offset` answers the same again.
    const std::size_t before = found.rows.size();
    received += list.size();
    for (const Json& entry : list) {
      if (seen.insert(json_text(entry, key)).second) found.rows.push_back(entry);
    }
    found.whole = list.empty() || static_cast<std::int64_t>(found.rows.size()) == expected;
    if (found.whole) return found;
    if (found.rows.size() > before) continue;
    if (answer.header("warning").starts_with("299"))  // PS3.18 8.3.4.4: there are more
      client.monitor().warn(
          fmt::format("{}: the server's list ends before its end, and it gives no more of it; "
                      "narrower questions may get at the rest",
                      net::joined(options_.server, path)));
    return found;
  }
}

std::vector<RemoteSeries> DicomwebSource::list(net::Client& client, const Selection& selection,
                                               std::vector<Reject>& rejects) {
  const Query wanted{{"Modality", selection.modality},
                     {"includefield", "00100020"},
                     {"includefield", "0008103E"},
                     {"includefield", "00201209"}};
  std::vector<Json> rows;
  const auto ask = [&](const std::string& path, const Query& more) {
    Query query = wanted;
    query.insert(query.end(), more.begin(), more.end());
    for (Json& row : entries(client, path, query, series_tag).rows) rows.push_back(std::move(row));
  };
  for (const std::string& study : selection.studies) ask("studies/" + study + "/series", {});
  if (selection.studies.empty()) {
    for (const std::string& uid : selection.series) ask("series", {{"SeriesInstanceUID", uid}});
  }
  if (selection.studies.empty() && selection.series.empty()) {
    // An archive of a hospital is not listed whole where a patient is asked for.
    if (const auto* const names = selection.patients.names_alone()) {
      for (const std::string& name : *names) ask("series", {{"PatientID", name}});
    } else {
      ask("series", {});
    }
  }

  std::vector<RemoteSeries> found;
  const std::set<std::string> named(selection.series.begin(), selection.series.end());
  std::set<std::string> seen;
  for (const Json& row : rows) {
    RemoteSeries series;
    series.series_uid = json_text(row, series_tag);
    series.study_uid = json_text(row, study_tag);
    series.patient_id = json_text(row, "00100020");
    series.modality = json_text(row, "00080060");
    series.description = json_text(row, "0008103E");
    series.files = json_number(row, "00201209").value_or(-1);
    if (!is_uid(series.series_uid) || !is_uid(series.study_uid)) {
      rejects.push_back({file_name_of(series.series_uid), "not a UID", "the server's list has a series without UIDs"});
    } else if ((named.empty() || named.contains(series.series_uid)) && seen.insert(series.series_uid).second &&
               selection.takes(series)) {  // a server need not heed what it was asked
      found.push_back(std::move(series));
    }
  }
  for (const std::string& uid : named) {
    if (!seen.contains(uid))
      rejects.push_back({uid, "not there", "the server's list has no such series of what was asked for"});
  }
  if (found.empty())
    throw Error(
        ErrorCode::not_found,
        options_.server + ": no series of what was asked for" +
            (selection.patients.names_alone() != nullptr
                 ? "; words of --patients are PatientIDs here, a range such as 1..1 goes by the number at their end"
                 : ""));
  std::sort(found.begin(), found.end(), [](const RemoteSeries& a, const RemoteSeries& b) {
    return std::tie(a.patient_id, a.series_uid) < std::tie(b.patient_id, b.series_uid);
  });
  return found;
}

std::optional<Reject> DicomwebSource::complete(net::Client& client, RemoteSeries& series) {
  if (!series.patient_id.empty()) return std::nullopt;
  // QIDO need not tell the patient with a series (PS3.18 table 10.6.3-4); with a study it has to (10.6.3-3).
  for (const Json& study : entries(client, "studies", {{"StudyInstanceUID", series.study_uid}}, study_tag, 1).rows)
    series.patient_id = json_text(study, "00100020");
  if (series.patient_id.empty()) series.patient_id = "unknown";
  return std::nullopt;
}

Fetched DicomwebSource::fetch(net::Client& client, const RemoteSeries& series, const Workplace& place) {
  const std::string path = "studies/" + series.study_uid + "/series/" + series.series_uid;
  List list;
  try {
    list = entries(client, path + "/instances", {}, sop_tag, series.files);
  } catch (const Error& error) {  // tried several times already
    if (error.code() != ErrorCode::io && error.code() != ErrorCode::bad_input) throw;
    Fetched failed = Fetched::failed(series.series_uid, "the server fails", error.what(), false);
    failed.server_failed = true;
    return failed;
  }
  std::vector<std::string> expected;
  for (const Json& entry : list.rows) {
    expected.push_back(json_text(entry, sop_tag));
    if (!is_uid(expected.back()))
      return Fetched::failed(series.series_uid, "not a UID", "the server lists an object without a UID", false);
  }
  if (expected.empty())
    return Fetched::failed(series.series_uid, "not there", "the server lists no object of this series", false);
  // Not all can be asked for by name where the list is not whole.
  const bool listed = list.whole || (series.files > 0 && static_cast<std::int64_t>(expected.size()) >= series.files);
  std::map<std::string, ReceivedFile> here = left_over(series, place.folder);
  const auto missing = [&] {
    std::vector<std::string> uids;
    std::copy_if(expected.begin(), expected.end(), std::back_inserter(uids),
                 [&](const auto& uid) { return !here.contains(uid); });
    return uids;
  };
  const auto arrival = [&] { return Arrival(series, place, options_.most_bytes, here); };
  if (here.empty() || !listed) {
    // Whatever stops it, what came is kept, and the rest is asked for by itself.
    const auto fault = retrieve(client, net::joined(options_.server, path), arrival(), series.series_uid);
    if (fault && (here.empty() || !listed)) return *fault;
  }
  for (const std::string& uid : missing()) {
    const auto fault =
        retrieve(client, net::joined(options_.server, path + "/instances/" + uid), arrival(), series.series_uid);
    if (fault) return *fault;
  }
  const auto left = missing();
  const auto count = std::max(static_cast<std::int64_t>(expected.size()), series.files);
  if (!left.empty() || here.empty() || static_cast<std::int64_t>(here.size()) < count)
    return Fetched::failed(series.series_uid, "incomplete",
                           fmt::format("expected {} objects, found {}", count, here.size()), true);
  remove_tree(place.folder / part_file);
  Fetched fetched;
  for (auto& [uid, file] : here) fetched.files.push_back(std::move(file));
  return fetched;
}

}  // namespace nodulus::archive
