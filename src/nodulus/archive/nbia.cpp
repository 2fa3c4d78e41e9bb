#include "nodulus/archive/nbia.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <fstream>
#include <set>

#include "nodulus/archive/download.h"
#include "nodulus/archive/receive.h"
#include "nodulus/archive/unpack.h"
#include "nodulus/core/atomic_file.h"
#include "nodulus/core/csv.h"
#include "nodulus/core/error.h"
#include "nodulus/core/files.h"
#include "nodulus/core/nearest.h"
#include "nodulus/net/url.h"

namespace nodulus::archive {
namespace {

namespace fs = std::filesystem;

constexpr const char* sums_file = "md5hashes.csv";

bool same_name(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

/// A field of a row as text, whatever case its name is written in; "" where there is none.
std::string field(const Json& row, std::string_view name) {
  for (const auto& [key, value] : row.items()) {
    if (!same_name(key, name) || value.is_null()) continue;
    return value.is_string() ? value.get<std::string>() : value.dump();
  }
  return "";
}

std::int64_t number(const Json& row, std::string_view name) {
  const auto value = parse_number(field(row, name));
  return value && *value >= 0 && *value < 1e15 ? static_cast<std::int64_t>(*value) : -1;
}

/// `annotations`: whether what is filed with the series is wanted.
RemoteSeries series_of(const Json& row, bool annotations) {
  RemoteSeries series;
  series.series_uid = field(row, "SeriesInstanceUID");
  series.study_uid = field(row, "StudyInstanceUID");
  series.patient_id = field(row, "PatientID");
  series.collection = field(row, "Collection");
  series.modality = field(row, "Modality");
  series.description = field(row, "SeriesDescription");
  series.licence = field(row, "LicenseName");
  series.licence_uri = field(row, "LicenseURI");
  series.annotated = annotations && same_name(field(row, "AnnotationsFlag"), "true");
  series.files = number(row, "ImageCount");
  series.bytes = number(row, "FileSize");
  return series;
}

/// "file name,MD5" lines with a header line -> lower-case sums by name.
std::map<std::string, std::string> read_sums(const fs::path& file) {
  std::map<std::string, std::string> sums;
  const std::string text = read_file(file);
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t end = std::min(text.find_first_of("\r\n", at), text.size());
    const std::string_view line(text.data() + at, end - at);
    const std::size_t comma = line.rfind(',');
    at = end + 1;
    if (comma == std::string_view::npos) continue;
    const auto bare = [](std::string_view word) {
      while (!word.empty() && (word.front() == ' ' || word.front() == '"')) word.remove_prefix(1);
      while (!word.empty() && (word.back() == ' ' || word.back() == '"')) word.remove_suffix(1);
      return std::string(word);
    };
    std::string sum = bare(line.substr(comma + 1));
    std::transform(sum.begin(), sum.end(), sum.begin(), [](unsigned char c) { return std::tolower(c); });
    const bool is_sum =
        !sum.empty() && sum.size() <= 32 && sum.find_first_not_of("0123456789abcdef") == std::string::npos;
    if (is_sum) sums[bare(line.substr(0, comma))] = std::string(32 - sum.size(), '0') + sum;  // some lose zeros
  }
  return sums;
}

std::string last_part(const std::string& name) { return name.substr(name.find_last_of("/\\") + 1); }

/// Of what a zip brought: the objects of the series, its readings, and nothing else; or why it cannot be used.
class SeriesCheck {
 public:
  SeriesCheck(const RemoteSeries& series, const fs::path& folder, bool with_sums)
      : series_(series), folder_(folder), with_sums_(with_sums) {}

  Fetched run(const std::vector<UnpackedFile>& unpacked) {
    std::map<std::string, std::string> sums;
    for (const UnpackedFile& file : unpacked) {
      if (last_part(file.name) == sums_file) sums = read_sums(folder_ / file.stored);
    }
    // NBIA ends a zip properly even where it failed in the middle: only the sums, which come last, tell.
    if (with_sums_ && sums.empty()) return failed("incomplete", "expected the files' MD5 sums in the zip, found none");
    Fetched fetched;
    std::set<std::string> summed;
    std::int64_t objects = 0;
    for (const UnpackedFile& file : unpacked) {
      const std::string name = last_part(file.name);
      const auto sum = sums.find(name);
      if (sum != sums.end()) {
        summed.insert(name);
        if (sum->second != file.md5)
          return failed("wrong MD5", fmt::format("'{}': expected {}, found {}", name, sum->second, file.md5));
      }
      if (is_beside(name)) {
        remove_tree(folder_ / file.stored);
        continue;
      }
      if (name.size() > 4 && same_name(std::string_view(name).substr(name.size() - 4), ".xml")) {
        fetched.files.push_back({file.stored, file.bytes, file.md5, ""});
        continue;
      }
      auto checked = check_object(folder_ / file.stored, series_.series_uid, file.md5);
      if (auto* const reject = std::get_if<Reject>(&checked))
        return failed(reject->reason, "'" + name + "': " + reject->detail);
      fetched.files.push_back(std::get<ReceivedFile>(std::move(checked)));
      ++objects;
    }
    for (const auto& [name, sum] : sums) {
      if (!summed.contains(name))
        return failed("incomplete", fmt::format("'{}' has a sum but is not in the zip", name));
    }
    if (objects == 0 || objects < series_.files)
      return failed("incomplete",
                    fmt::format("expected {} files, found {}", std::max<std::int64_t>(series_.files, 1), objects));
    return fetched;
  }

 private:
  /// The archive's own words, which are no part of a series.
  static bool is_beside(const std::string& name) {
    return name == sums_file || name.starts_with("LICENSE") || name.ends_with(".txt") || name.ends_with(".csv");
  }
  [[nodiscard]] Fetched failed(std::string reason, std::string detail) const {
    return Fetched::failed(series_.series_uid, std::move(reason), std::move(detail), true);
  }

  const RemoteSeries& series_;
  const fs::path& folder_;
  bool with_sums_;
};

/// What may be unpacked of a series of which the server said how large it is, out of a zip of that size.
UnpackLimits limits_for(const RemoteSeries& series, std::int64_t zip_bytes, std::int64_t most_bytes) {
  constexpr std::int64_t beside = std::int64_t{64} << 20;  // readings, sums, a licence
  UnpackLimits limits;
  limits.bytes = series.bytes > 0 ? series.bytes + series.bytes / 4 + beside : 100 * zip_bytes + beside;
  limits.bytes = std::min(limits.bytes, most_bytes);
  return limits;
}

}  // namespace

NbiaSource::NbiaSource(NbiaOptions options, std::shared_ptr<const Readings> readings)
    : options_(std::move(options)), readings_(std::move(readings)) {
  const net::Url url = net::Url::parse(options_.server, "--server");
  options_.server = net::shown(options_.server);
  while (options_.server.ends_with('/')) options_.server.pop_back();
  const std::size_t services = options_.server.find("/services/");
  if (url.target == "/") {
    options_.server += "/nbia-api/services/v1";
  } else if (services == std::string::npos) {
    throw Error(ErrorCode::usage, "--server: expected NBIA's address, such as " + std::string(tcia_server) +
                                      ", found '" + options_.server + "'");
  }
  if (options_.user.empty()) return;
  const std::string root = options_.server.substr(0, options_.server.find("/services/"));
  session_ = std::make_unique<NbiaSession>(root + "/oauth/token", options_.client_id, options_.user, options_.password);
}

Json NbiaSource::address() const { return {{"kind", "nbia"}, {"server", options_.server}}; }

net::Answer NbiaSource::send(net::Client& client, const net::Request& request, const net::Sink& sink,
                             const net::OnHead& on_head) {
  return session_ ? session_->send(client, request, sink, on_head) : client.send(request, sink, on_head);
}

std::vector<Json> NbiaSource::rows(net::Client& client, const std::string& endpoint,
                                   const std::vector<std::pair<std::string, std::string>>& query) {
  auto words = query;
  words.emplace_back("format", "json");
  net::Request request;
  request.url = net::joined(options_.server, endpoint, words);
  request.headers = {"Accept: application/json"};
  const std::string where = net::joined(options_.server, endpoint);
  std::vector<Json> rows;
  // A broken list is as likely as a broken connection to be right the next time.
  const auto attempt = [&] {
    net::Answer answer = send(client, request);
    if (answer.status == 500 && answer.body.find("No data found") != std::string::npos) {  // its word for an empty list
      answer.problem.clear();
      return answer;
    }
    if (!answer.good() || answer.body.find_first_not_of(" \t\r\n") == std::string::npos) return answer;
    const Json json = Json::parse(answer.body, nullptr, false);
    if (json.is_array() && std::all_of(json.begin(), json.end(), [](const Json& row) { return row.is_object(); })) {
      rows.assign(json.begin(), json.end());
      return answer;
    }
    const bool html = answer.body.find_first_not_of(" \t\r\n") == answer.body.find('<');
    answer.problem = std::string("expected a JSON list, found ") + (html                  ? "a page or XML"
                                                                    : json.is_discarded() ? "broken JSON"
                                                                                          : "other JSON");
    answer.worth_retry = true;
    return answer;
  };
  const net::Answer answer = net::with_retries(options_.retry, endpoint, client.monitor(), attempt);
  if (answer.good()) return rows;
  const bool answered = answer.status >= 200 && answer.status < 300;
  throw Error(answered ? ErrorCode::bad_input : ErrorCode::io, where + ": " + answer.problem);
}

void NbiaSource::no_such_collection(net::Client& client, const std::string& name) {
  std::vector<std::string> names;
  for (const Json& row : rows(client, "getCollectionValues", {})) names.push_back(field(row, "Collection"));
  const bool known = std::find(names.begin(), names.end(), name) != names.end();
  throw Error(ErrorCode::not_found,
              options_.server + (known ? ": collection '" + name + "' has no series of what was asked for"
                                       : ": no collection '" + name + "' among its " + std::to_string(names.size()) +
                                             did_you_mean(name, names)));
}

void NbiaSource::no_such_patient(net::Client& client, const Selection& selection,
                                 const std::set<std::string>& patients) {
  const std::string modality = selection.modality.empty() ? "any modality" : selection.modality;
  std::vector<Json> all;
  try {
    all = rows(client, "getPatient", {{"Collection", selection.collection}});
  } catch (const Error& error) {  // then it is not told so exactly
    if (error.code() == ErrorCode::stopped) throw;
  }
  for (const Json& row : all) {
    const std::string patient = field(row, "PatientID");
    if (selection.patients.has(patient))
      throw Error(ErrorCode::not_found, fmt::format("{}: patient '{}' of collection '{}' has no series of {}",
                                                    options_.server, patient, selection.collection, modality));
  }
  throw Error(ErrorCode::not_found,
              fmt::format("{}: collection '{}' has {} of {}, none of them among those asked for; the first is '{}'",
                          options_.server, selection.collection,
                          counted(static_cast<std::int64_t>(patients.size()), "patient"), modality, *patients.begin()));
}

std::vector<RemoteSeries> NbiaSource::list(net::Client& client, const Selection& selection,
                                           std::vector<Reject>& rejects) {
  std::vector<RemoteSeries> found;
  std::set<std::string> seen;
  for (const std::string& uid : selection.series) {
    RemoteSeries series;
    series.series_uid = uid;
    if (seen.insert(uid).second) found.push_back(series);
  }
  if (!selection.series.empty()) return found;  // told more of when its turn comes
  std::set<std::string> patients;
  for (const Json& row :
       rows(client, "getSeries", {{"Collection", selection.collection}, {"Modality", selection.modality}})) {
    RemoteSeries series = series_of(row, options_.annotations);
    if (!is_uid(series.series_uid)) {
      rejects.push_back({file_name_of(series.series_uid), "not a UID", "the server's list has a series without a UID"});
    } else if (seen.insert(series.series_uid).second) {
      patients.insert(series.patient_id);
      if (selection.patients.has(series.patient_id)) found.push_back(std::move(series));
    }
  }
  if (patients.empty()) no_such_collection(client, selection.collection);
  if (found.empty()) no_such_patient(client, selection, patients);
  std::sort(found.begin(), found.end(), [](const RemoteSeries& a, const RemoteSeries& b) {
    return std::tie(a.patient_id, a.series_uid) < std::tie(b.patient_id, b.series_uid);
  });
  return found;
}

std::optional<Reject> NbiaSource::complete(net::Client& client, RemoteSeries& series) {
  const std::vector<std::pair<std::string, std::string>> query{{"SeriesInstanceUID", series.series_uid}};
  if (series.patient_id.empty()) {
    const auto found = rows(client, "getSeries", query);
    if (found.empty())
      return Reject{series.series_uid, "not there", "the server knows no such series, or shows it to nobody"};
    series = series_of(found.front(), options_.annotations);
    if (series.series_uid != query[0].second)
      return Reject{query[0].second, "wrong series", "asked for one series, the server told of another"};
  }
  if (series.bytes < 0 || series.files < 0) {
    const auto sizes = rows(client, "getSeriesSize", query);
    if (!sizes.empty()) {
      const std::int64_t files = number(sizes.front(), "ObjectCount");
      series.bytes = std::max(series.bytes, number(sizes.front(), "TotalSizeInBytes"));
      series.files = std::max(series.files, files);
    }
  }
  return std::nullopt;
}

std::variant<bool, Fetched> NbiaSource::download(net::Client& client, const RemoteSeries& series,
                                                 const Workplace& place) {
  const Send by_session = [&](const net::Request& request, const net::Sink& sink, const net::OnHead& on_head) {
    return send(client, request, sink, on_head);
  };
  const auto get = [&](const char* endpoint, std::vector<std::pair<std::string, std::string>> query) {
    query.insert(query.begin(), {"SeriesInstanceUID", series.series_uid});
    return download_zip(net::joined(options_.server, endpoint, query), series.series_uid, place, options_.most_bytes,
                        by_session);
  };
  // What a server of another age does not know it answers with 404, or 400 for a parameter.
  const auto unknown = [](const std::optional<Fetched>& fault) {
    return fault && (fault->fault->reason == "not there" || fault->fault->reason == "refused");
  };
  std::optional<Fetched> without;  // why what is filed with it does not come
  if (series.annotated && options_.server.ends_with("/v1")) {
    without = get("getDCMImage", {{"IncludeAnnotation", "true"}, {"MD5Verification", "true"}});
    if (!without) return true;
    if (!unknown(without)) return *without;
  }
  auto fault = get("getImageWithMD5Hash", {});
  if (!fault && without) {
    const std::string line = fmt::format("{}: comes without the annotations that are filed with it: getDCMImage: {}",
                                         series.series_uid, without->fault->detail);
    if (told_of_annotations_.exchange(true)) {
      place.monitor.note(line);
    } else {
      place.monitor.warn(line + "; so may others");
    }
  }
  if (!fault) return true;
  if (fault->fault->reason != "not there") return *fault;
  fault = get("getImage", {});
  if (!fault) return false;
  return *fault;
}

Fetched NbiaSource::fetch(net::Client& client, const RemoteSeries& series, const Workplace& place) {
  const auto downloaded = download(client, series, place);
  if (const auto* const fault = std::get_if<Fetched>(&downloaded)) return *fault;
  const bool with_sums = std::get<bool>(downloaded);

  remove_tree(place.folder);
  make_folder(place.folder);
  const std::int64_t zip_bytes = file_bytes(place.download);
  const auto unpacked = unpack_zip(
      place.download, place.folder, limits_for(series, zip_bytes, options_.most_bytes),
      [](const std::string&) { return true; }, place.monitor);
  remove_tree(place.download);  // whole or damaged, it has served
  if (const auto* const reject = std::get_if<Reject>(&unpacked)) {
    const bool hostile = reject->reason != "damaged zip";
    return Fetched::failed(series.series_uid, reject->reason, reject->detail, !hostile);
  }
  Fetched fetched = SeriesCheck(series, place.folder, with_sums).run(std::get<0>(unpacked));
  if (readings_ && !fetched.fault) {
    for (ReceivedFile& file : readings_->copy(series.series_uid, place.folder)) {
      std::erase_if(fetched.files, [&](const ReceivedFile& other) { return other.name == file.name; });
      fetched.files.push_back(std::move(file));
    }
  }
  return fetched;
}

}  // namespace nodulus::archive
