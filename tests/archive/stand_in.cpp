#include "tests/archive/stand_in.h"

#include <chrono>
#include <ctime>

#include "nodulus/dicom/object.h"
#include "tests/archive/stand_in_state.h"

namespace nodulus::test {
namespace {

std::string in_a_second() {
  const std::time_t then = std::time(nullptr) + 1;
  std::tm parts{};
  gmtime_r(&then, &parts);
  std::array<char, 64> text{};
  std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
  return text.data();
}

}  // namespace

StandInSeries made_series(const std::string& patient, const std::string& root, int count, std::size_t pixel_bytes) {
  StandInSeries series;
  series.patient = patient;
  series.study_uid = root + ".1";
  series.series_uid = root + ".2";
  for (int i = 1; i <= count; ++i) {
    const std::string sop = root + ".3." + std::to_string(i);
    std::vector<std::uint8_t> pixels(pixel_bytes);
    std::uint32_t state = static_cast<std::uint32_t>(i) * 2654435761U;
    for (std::uint8_t& byte : pixels) byte = static_cast<std::uint8_t>((state = state * 1664525U + 1013904223U) >> 24);
    dicom::Object object;
    object.text(0x00080016, "UI", "1.2.840.10008.5.1.4.1.1.2").text(0x00080018, "UI", sop);
    object.text(0x00080060, "CS", "CT").text(0x00100020, "LO", patient);
    object.text(0x0020000d, "UI", series.study_uid).text(0x0020000e, "UI", series.series_uid);
    object.words(0x00280002, {1}).text(0x00280004, "CS", "MONOCHROME2");
    object.words(0x00280010, {1}).words(0x00280011, {static_cast<std::uint16_t>(pixel_bytes / 2)});
    object.words(0x00280100, {16}).words(0x00280101, {16}).words(0x00280102, {15}).words(0x00280103, {1});
    object.bytes(0x7fe00010, "OW", pixels);
    const std::string name = "1-" + std::to_string(1000 + i).substr(1) + ".dcm";
    series.files[name] = object.file();
    series.sops[name] = sop;
  }
  return series;
}

std::string StandIn::Server::take_fault(const std::string& target) {
  const std::lock_guard lock(mutex);
  for (Fault& fault : faults) {
    if (fault.times <= 0 || target.find(fault.text) == std::string::npos) continue;
    --fault.times;
    return fault.kind;
  }
  return "";
}

bool StandIn::Server::misbehave(const std::string& kind, httplib::Response& response) {
  if (kind == "500" || kind == "503" || kind == "401" || kind == "403" || kind == "404" || kind.starts_with("429")) {
    response.status = std::stoi(kind.substr(0, 3));
    if (kind == "503" || kind == "429") response.set_header("Retry-After", "1");
    if (kind == "429-date") response.set_header("Retry-After", in_a_second());
    if (kind == "429-long") response.set_header("Retry-After", "86400");
    response.set_content("the stand-in fails", "text/plain");
  } else if (kind == "no-data") {
    response.status = 500;
    response.set_content("No data found.", "text/plain");
  } else if (kind == "html") {
    response.set_content("<!DOCTYPE html><html><body>Maintenance</body></html>", "text/html");
  } else if (kind == "json") {
    response.set_content("{\"error\": \"quota\"}", "application/json");
  } else if (kind == "garbage") {
    response.set_content("[{\"SeriesInstanceUID\": \"1.2", "application/json");
  } else if (kind == "empty") {
    response.set_content("", "application/zip");
  } else if (kind.starts_with("redirect:")) {
    response.set_redirect(kind.substr(9) + "/elsewhere");
  } else {
    return false;
  }
  return true;
}

void StandIn::Server::give(httplib::Response& response, std::string bytes, const std::string& type,
                           const std::string& kind, bool with_length) {
  const auto held = std::make_shared<std::string>(std::move(bytes));
  const std::size_t size = held->size();
  const std::size_t stop_at = kind == "cut" || kind == "stall" ? size / 2 : size;
  static constexpr std::size_t piece = 64 << 10;
  const auto send = [this, held, stop_at, kind](std::size_t offset, httplib::DataSink& sink) {
    const std::size_t count = std::min(piece, stop_at - std::min(stop_at, offset));
    if (count > 0) {
      bytes_sent += static_cast<std::int64_t>(count);
      return sink.write(held->data() + offset, count);
    }
    if (kind == "stall") {
      for (int i = 0; i < 600 && !stopping; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    if (!kind.empty()) return false;  // which closes the connection
    sink.done();
    return true;
  };
  if (with_length) {
    response.set_content_provider(
        size, type, [send](std::size_t offset, std::size_t, httplib::DataSink& sink) { return send(offset, sink); });
  } else {
    response.set_chunked_content_provider(type, send);
  }
}

const StandInSeries* StandIn::Server::find(const std::string& uid) const {
  for (const StandInSeries& one : series) {
    if (one.series_uid == uid) return &one;
  }
  return nullptr;
}

bool StandIn::Server::is_let_in(const httplib::Request& request, httplib::Response& response) {
  if (options.token.empty() && options.user.empty()) return true;
  const std::string said = request.get_header_value("Authorization");
  const std::lock_guard lock(mutex);
  if (!options.token.empty() && said == "Bearer " + options.token) return true;
  const auto token = uses.find(said);
  if (token != uses.end() && token->second++ < options.token_uses) return true;
  response.status = 401;
  return false;
}

StandIn::StandIn(std::vector<StandInSeries> series, const StandInOptions& options)
    : server_(std::make_unique<Server>(std::move(series), options)) {
  Server& state = *server_;
  if (options.certificate.empty()) {
    state.http = std::make_unique<httplib::Server>();
  } else {
    state.http = std::make_unique<httplib::SSLServer>(options.certificate.c_str(), options.key.c_str());
  }
  state.http->new_task_queue = [] { return new httplib::ThreadPool(16); };
  state.http->set_keep_alive_max_count(10000);
  state.http->set_pre_routing_handler([&state](const httplib::Request& request, httplib::Response&) {
    const std::lock_guard lock(state.mutex);
    state.targets.push_back(request.target);
    state.authorization_headers.push_back(request.get_header_value("Authorization"));
    if (request.has_header("Range")) state.range_headers.push_back(request.get_header_value("Range"));
    return httplib::Server::HandlerResponse::Unhandled;
  });
  state.add_nbia();
  state.add_dicomweb();
  state.port = state.http->bind_to_any_port("127.0.0.1");
  state.thread = std::thread([&state] { state.http->listen_after_bind(); });
  while (!state.http->is_running()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
}

StandIn::~StandIn() {
  server_->stopping = true;
  server_->http->stop();
  server_->thread.join();
}

int StandIn::port() const { return server_->port; }
std::string StandIn::origin() const {
  return (server_->options.certificate.empty() ? "http" : "https") + std::string("://127.0.0.1:") +
         std::to_string(port());
}

void StandIn::fault(const std::string& kind, const std::string& text, int times) {
  const std::lock_guard lock(server_->mutex);
  server_->faults.push_back({kind, text, times});
}

int StandIn::requests(const std::string& text) const {
  const std::lock_guard lock(server_->mutex);
  int count = 0;
  for (const std::string& target : server_->targets) count += target.find(text) != std::string::npos;
  return count;
}

std::vector<std::string> StandIn::ranges() const {
  const std::lock_guard lock(server_->mutex);
  return server_->range_headers;
}

std::vector<std::string> StandIn::authorizations() const {
  const std::lock_guard lock(server_->mutex);
  return server_->authorization_headers;
}

std::map<std::string, std::string> StandIn::stored() const {
  const std::lock_guard lock(server_->mutex);
  return server_->objects;
}

std::int64_t StandIn::bytes_sent() const { return server_->bytes_sent; }

}  // namespace nodulus::test
