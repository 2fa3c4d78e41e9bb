#include <archive.h>
#include <archive_entry.h>

#include <nlohmann/json.hpp>
#include <set>

#include "nodulus/archive/md5.h"
#include "tests/archive/stand_in_state.h"

namespace nodulus::test {
namespace {

using Json = nlohmann::ordered_json;
using Entries = std::vector<std::pair<std::string, std::string>>;

std::string md5_of(const std::string& bytes) {
  nodulus::archive::Md5 sum;
  sum.update(std::as_bytes(std::span(bytes.data(), bytes.size())));
  return sum.hex();
}

la_ssize_t append(::archive*, void* text, const void* bytes, std::size_t size) {
  static_cast<std::string*>(text)->append(static_cast<const char*>(bytes), size);
  return static_cast<la_ssize_t>(size);
}

void add_entry(::archive* zip, const std::string& name, std::int64_t size) {
  archive_entry* const entry = archive_entry_new();
  archive_entry_set_pathname(entry, name.c_str());
  archive_entry_set_size(entry, size);
  archive_entry_set_filetype(entry, AE_IFREG);
  archive_entry_set_perm(entry, 0644);
  archive_write_header(zip, entry);
  archive_entry_free(entry);
}

/// `zeros`: so many bytes of a last entry that deflates to nothing.
std::string zip_of(const Entries& entries, std::int64_t zeros = 0) {
  std::string bytes;
  ::archive* const zip = archive_write_new();
  archive_write_set_format_zip(zip);
  archive_write_set_bytes_in_last_block(zip, 1);  // no zeros at the end
  if (zeros == 0) archive_write_zip_set_compression_store(zip);
  archive_write_open(zip, &bytes, nullptr, &append, nullptr);
  for (const auto& [name, content] : entries) {
    add_entry(zip, name, static_cast<std::int64_t>(content.size()));
    archive_write_data(zip, content.data(), content.size());
  }
  if (zeros > 0) {
    const std::string block(1 << 20, '\0');
    add_entry(zip, "bomb.dcm", zeros);
    for (std::int64_t at = 0; at < zeros; at += 1 << 20) archive_write_data(zip, block.data(), block.size());
  }
  archive_write_close(zip);
  archive_write_free(zip);
  return bytes;
}

Json row_of(const StandInSeries& series) {
  return {{"SeriesInstanceUID", series.series_uid},
          {"StudyInstanceUID", series.study_uid},
          {"Modality", series.modality},
          {"SeriesDescription", "made"},
          {"Collection", series.collection},
          {"AnnotationsFlag", series.annotation.empty() ? "false" : "true"},
          {"PatientID", series.patient},
          {"ImageCount", series.make ? series.count : series.files.size()},
          {"LicenseName", "Creative Commons Attribution 3.0 Unported License"},
          {"LicenseURI", "http://creativecommons.org/licenses/by/3.0/"}};
}

}  // namespace

void StandIn::Server::give_zip(const httplib::Request& request, httplib::Response& response, bool with_sums) {
  const std::string kind = take_fault(request.target);
  if (misbehave(kind, response) || !is_let_in(request, response)) return;
  const StandInSeries* one = find(request.get_param_value("SeriesInstanceUID"));
  if (one == nullptr || (with_sums && options.without_sums)) {
    response.status = 404;
    return;
  }
  if (kind == "wrong-series") one = one == &series.front() ? &series.back() : &series.front();
  const StandInSeries made = one->make ? one->make() : StandInSeries{};
  const StandInSeries& served = one->make ? made : *one;
  Entries entries(served.files.begin(), served.files.end());
  if (kind == "missing-file") entries.pop_back();
  if (kind == "path-escape") entries.emplace_back("../../evil.dcm", "evil");
  if (with_sums && kind != "no-sums") {
    std::string sums = "Filename,MD5Hash\n";
    for (const auto& [name, bytes] : entries)
      sums += name + "," + md5_of(kind == "wrong-md5" ? bytes + "x" : bytes) + "\n";
    entries.emplace_back("md5hashes.csv", sums);
  }
  if (request.get_param_value("IncludeAnnotation") == "true" && !one->annotation.empty())
    entries.emplace_back("annotation.xml", one->annotation);  // behind the sums, which do not name it
  std::string bytes = zip_of(entries, kind == "bomb" ? std::int64_t{80} << 20 : 0);
  if (kind == "truncated-zip") bytes.resize(bytes.size() / 2);
  const std::string half_way = kind == "cut" || kind == "stall" ? kind : "";
  if (!options.ranges) return give(response, std::move(bytes), "application/zip", half_way, false);
  int number = 0;
  {
    const std::lock_guard lock(mutex);
    if (kind == "changed") ++etag;
    number = etag;
  }
  const std::string tag = "\"" + std::to_string(number) + "\"";
  response.set_header("ETag", tag);
  response.set_header("Accept-Ranges", "bytes");
  // Ranges are answered here, as a part of a file that may have changed; httplib would cut `bytes` once more.
  if (request.has_header("Range") && request.get_header_value("If-Range") == tag && !request.ranges.empty()) {
    const auto first = static_cast<std::size_t>(request.ranges[0].first);
    response.status = 206;
    response.set_header("Content-Range", "bytes " + std::to_string(first) + "-" + std::to_string(bytes.size() - 1) +
                                             "/" + std::to_string(bytes.size()));
    bytes.erase(0, first);
  }
  const_cast<httplib::Request&>(request).ranges.clear();
  give(response, std::move(bytes), "application/zip", half_way, true);
}

void StandIn::Server::add_nbia() {
  for (const char* version : {"v1", "v2", "v4"}) add_nbia_lists(std::string("/nbia-api/services/") + version + "/");
  add_nbia_beside();
}

void StandIn::Server::add_nbia_lists(const std::string& root) {
  const auto list = [this](const httplib::Request& request, httplib::Response& response, const auto& rows) {
    if (misbehave(take_fault(request.target), response) || !is_let_in(request, response)) return;
    const Json found = rows();
    response.set_content(found.empty() ? "" : found.dump(), "application/json");  // an empty list is no text there
  };
  http->Get(root + "getCollectionValues", [this, list](const auto& request, auto& response) {
    list(request, response, [this] {
      std::set<std::string> names;
      for (const StandInSeries& one : series) names.insert(one.collection);
      Json rows = Json::array();
      for (const std::string& name : names) rows.push_back({{"Collection", name}});
      return rows;
    });
  });
  http->Get(root + "getPatient", [this, list](const auto& request, auto& response) {
    list(request, response, [this, &request] {
      std::set<std::string> names;
      for (const StandInSeries& one : series) {
        if (one.collection == request.get_param_value("Collection")) names.insert(one.patient);
      }
      Json rows = Json::array();
      for (const std::string& name : names) rows.push_back({{"PatientId", name}, {"PatientName", name}});
      return rows;
    });
  });
  http->Get(root + "getSeries", [this, list](const auto& request, auto& response) {
    list(request, response, [this, &request] {
      const auto wants = [&](const char* name, const std::string& value) {
        return !request.has_param(name) || request.get_param_value(name) == value;
      };
      Json rows = Json::array();
      for (const StandInSeries& one : series) {
        if (wants("Collection", one.collection) && wants("Modality", one.modality) && wants("PatientID", one.patient) &&
            wants("SeriesInstanceUID", one.series_uid))
          rows.push_back(row_of(one));
      }
      return rows;
    });
  });
  http->Get(root + "getSeriesSize", [this, list](const auto& request, auto& response) {
    list(request, response, [this, &request] {
      const StandInSeries* const one = find(request.get_param_value("SeriesInstanceUID"));
      if (one == nullptr || one->make) return Json::array();
      std::size_t bytes = 0;
      for (const auto& [name, content] : one->files) bytes += content.size();
      return Json{{{"TotalSizeInBytes", std::to_string(bytes)}, {"ObjectCount", std::to_string(one->files.size())}}};
    });
  });
  http->Get(root + "getDCMImage", [this](const auto& request, auto& response) {
    if (options.old) {
      response.status = 404;
      return;
    }
    give_zip(request, response, true);
  });
  http->Get(root + "getImage", [this](const auto& request, auto& response) { give_zip(request, response, false); });
  http->Get(root + "getImageWithMD5Hash", [this](const auto& request, auto& response) {
    if (request.params.size() != 1) {  // as newer versions do, strictly
      response.status = 400;
      response.set_content("Invalid query parameter", "text/plain");
      return;
    }
    give_zip(request, response, true);
  });
}

void StandIn::Server::add_nbia_beside() {
  http->Get("/annotations.zip", [this](const auto& request, auto& response) {
    const std::string kind = take_fault(request.target);
    if (!misbehave(kind, response)) give(response, options.annotations, "application/zip", kind, true);
  });
  http->Post("/nbia-api/oauth/token", [this](const auto& request, auto& response) {
    if (misbehave(take_fault(request.target), response)) return;
    if (request.get_param_value("username") != options.user ||
        request.get_param_value("password") != options.password ||
        request.get_param_value("grant_type") != "password") {
      response.status = 401;
      response.set_content("bad password '" + request.get_param_value("password") + "'", "text/plain");
      return;
    }
    const std::lock_guard lock(mutex);
    const std::string token = "session-" + std::to_string(++tokens);
    uses["Bearer " + token] = 0;
    response.set_content(Json{{"access_token", token}, {"expires_in", 7200}}.dump(), "application/json");
  });
}

}  // namespace nodulus::test
