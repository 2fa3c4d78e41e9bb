#include <nlohmann/json.hpp>

#include "nodulus/net/multipart.h"
#include "tests/archive/stand_in_state.h"

namespace nodulus::test {
namespace {

using Json = nlohmann::ordered_json;

Json text(const std::string& vr, const std::string& value) { return {{"vr", vr}, {"Value", {value}}}; }

/// The SOPInstanceUID of a file in explicit VR little-endian, by its tag.
std::string sop_of(const std::string& bytes) {
  const std::size_t at = bytes.find(std::string("\x08\x00\x18\x00UI", 6), 132);
  if (at == std::string::npos) return "";
  const auto size = static_cast<std::size_t>(static_cast<unsigned char>(bytes[at + 6]));
  std::string uid = bytes.substr(at + 8, size);
  while (!uid.empty() && uid.back() == '\0') uid.pop_back();
  return uid;
}

std::string multipart(const std::vector<std::string>& objects) {
  std::string body;
  for (const std::string& object : objects)
    body += "--x-1\r\nContent-Type: application/dicom\r\n\r\n" + object + "\r\n";
  return body + "--x-1--\r\n";
}

constexpr const char* multipart_type = "multipart/related; type=\"application/dicom\"; boundary=x-1";

/// One page of a list.
std::string page(const httplib::Request& request, const Json& rows, const StandInOptions& options) {
  std::size_t first = 0;
  std::size_t count = rows.size();
  if (request.has_param("limit")) count = std::stoul(request.get_param_value("limit"));
  if (options.page > 0) count = std::min(count, static_cast<std::size_t>(options.page));
  if (options.knows_offset && request.has_param("offset")) first = std::stoul(request.get_param_value("offset"));
  Json found = Json::array();
  for (std::size_t i = first; i < std::min(rows.size(), first + count); ++i) found.push_back(rows[i]);
  return found.dump();
}

}  // namespace

void StandIn::Server::add_dicomweb() {
  http->Get("/dicom-web/series", [this](const auto& request, auto& response) {
    if (misbehave(take_fault(request.target), response) || !is_let_in(request, response)) return;
    Json rows = Json::array();
    for (const StandInSeries& one : series) {
      if (request.has_param("PatientID") && request.get_param_value("PatientID") != one.patient) continue;
      if (request.has_param("Modality") && request.get_param_value("Modality") != one.modality) continue;
      rows.push_back({{"0020000D", text("UI", one.study_uid)},
                      {"0020000E", text("UI", one.series_uid)},
                      {"00080060", text("CS", one.modality)},
                      {"00201209", {{"vr", "IS"}, {"Value", {one.files.size()}}}}});
      if (!options.bare_series) rows.back()["00100020"] = text("LO", one.patient);
    }
    response.set_content(page(request, rows, options), "application/dicom+json");
  });
  http->Get("/dicom-web/studies", [this](const auto& request, auto& response) {
    if (misbehave(take_fault(request.target), response) || !is_let_in(request, response)) return;
    Json rows = Json::array();
    for (const StandInSeries& one : series) {
      if (request.get_param_value("StudyInstanceUID") == one.study_uid)
        rows.push_back({{"0020000D", text("UI", one.study_uid)}, {"00100020", text("LO", one.patient)}});
    }
    response.set_content(page(request, rows, options), "application/dicom+json");
  });
  http->Get(R"(/dicom-web/studies/([^/]+)/series/([^/]+)/instances)", [this](const auto& request, auto& response) {
    if (misbehave(take_fault(request.target), response) || !is_let_in(request, response)) return;
    const StandInSeries* const one = find(request.matches[2]);
    Json rows = Json::array();
    if (one != nullptr) {
      for (const auto& [name, sop] : one->sops) rows.push_back({{"00080018", text("UI", sop)}});
    }
    response.set_content(page(request, rows, options), "application/dicom+json");
  });
  const auto retrieve = [this](const httplib::Request& request, httplib::Response& response, const std::string& sop) {
    const std::string kind = take_fault(request.target);
    if (misbehave(kind, response) || !is_let_in(request, response)) return;
    const StandInSeries* one = find(request.matches[2]);
    if (one == nullptr) {
      response.status = 404;
      return;
    }
    if (kind == "wrong-series") one = one == &series.front() ? &series.back() : &series.front();
    std::vector<std::string> found;
    for (const auto& [name, bytes] : one->files) {
      if (sop.empty() || one->sops.at(name) == sop || kind == "wrong-series") found.push_back(bytes);
    }
    if (kind == "missing-file") found.pop_back();
    give(response, multipart(found), multipart_type, kind == "cut" || kind == "stall" ? kind : "", false);
  };
  http->Get(R"(/dicom-web/studies/([^/]+)/series/([^/]+))",
            [retrieve](const auto& request, auto& response) { retrieve(request, response, ""); });
  http->Get(R"(/dicom-web/studies/([^/]+)/series/([^/]+)/instances/([^/]+))",
            [retrieve](const auto& request, auto& response) { retrieve(request, response, request.matches[3]); });
  if (options.without_stow) return;
  http->Post("/dicom-web/studies", [this](const httplib::Request& request, httplib::Response& response,
                                          const httplib::ContentReader& reader) { store(request, response, reader); });
}

void StandIn::Server::store(const httplib::Request& request, httplib::Response& response,
                            const httplib::ContentReader& reader) {
  std::vector<std::string> arrived;
  nodulus::net::MultipartReader parts(nodulus::net::parameter(request.get_header_value("Content-Type"), "boundary"),
                                      {[&](const nodulus::net::Headers&) { arrived.emplace_back(); },
                                       [&](std::span<const std::byte> bytes) {
                                         arrived.back().append(reinterpret_cast<const char*>(bytes.data()),
                                                               bytes.size());
                                       },
                                       [] {}});
  const auto take = [&](const char* data, std::size_t size) {
    parts.feed(std::as_bytes(std::span(data, size)));
    return true;
  };
  if (request.is_multipart_form_data()) {
    response.status = 415;
    return;
  }
  reader(take);
  const std::string kind = take_fault(request.target);
  if (misbehave(kind, response) || !is_let_in(request, response)) return;
  Json stored_items = Json::array();
  Json failed_items = Json::array();
  const std::lock_guard lock(mutex);
  for (std::size_t i = 0; i < arrived.size(); ++i) {
    const std::string sop = sop_of(arrived[i]);
    Json item{{"00081150", text("UI", "1.2.840.10008.5.1.4.1.1.2")}, {"00081155", text("UI", sop)}};
    const bool refused = kind.starts_with("refuse:") || (kind.starts_with("refuse-one:") && i == 0);
    if (refused) {
      item["00081197"] = {{"vr", "US"}, {"Value", {std::stoi(kind.substr(kind.find(':') + 1), nullptr, 16)}}};
      failed_items.push_back(item);
    } else {
      objects[sop] = arrived[i];
      if (kind != "silent" || i > 0) stored_items.push_back(item);
    }
  }
  Json answer = Json::object();
  if (!stored_items.empty()) answer["00081199"] = {{"vr", "SQ"}, {"Value", stored_items}};
  if (!failed_items.empty()) answer["00081198"] = {{"vr", "SQ"}, {"Value", failed_items}};
  response.status = failed_items.empty() ? 200 : stored_items.empty() ? 409 : 202;
  response.set_content(answer.dump(), "application/dicom+json");
}

}  // namespace nodulus::test
