#include "nodulus/archive/send.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <fstream>
#include <map>
#include <optional>

#include "nodulus/archive/dicom_json.h"
#include "nodulus/archive/remote_series.h"
#include "nodulus/core/error.h"
#include "nodulus/core/files.h"
#include "nodulus/core/hash.h"
#include "nodulus/dicom/identity.h"
#include "nodulus/net/multipart.h"
#include "nodulus/net/url.h"

namespace nodulus::archive {
namespace {

namespace fs = std::filesystem;

bool has_preamble(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  std::array<char, 132> bytes{};
  stream.read(bytes.data(), bytes.size());
  return stream && std::string_view(bytes.data() + 128, 4) == "DICM";
}

constexpr std::int64_t has_it_already = 0x0111;  // PS3.7 C.5.7, duplicate SOP instance

/// What became of one object, and whether another try may mend it.
struct Verdict {
  bool stored = false;
  bool may_pass = false;
  std::string reason;
  std::string detail;
};

/// What the answer says of each object, by SOPInstanceUID.
std::map<std::string, Verdict> verdicts(const Json& answer) {
  constexpr const char* sop_tag = "00081155";
  std::map<std::string, Verdict> found;
  for (const Json& item : json_items(answer, "00081199")) {
    Verdict verdict{true, false, "", ""};
    if (const auto warning = json_number(item, "00081196"))
      verdict.reason = "stored with a warning", verdict.detail = failure_text(*warning);
    found[json_text(item, sop_tag)] = verdict;
  }
  for (const Json& item : json_items(answer, "00081198")) {
    const std::int64_t reason = json_number(item, "00081197").value_or(-1);
    if (reason == has_it_already) {
      found[json_text(item, sop_tag)] = {true, false, "there already", failure_text(reason)};
      continue;
    }
    found[json_text(item, sop_tag)] = {false, reason < 0 || failure_may_pass(reason), "refused by the server",
                                       reason < 0 ? "without a FailureReason" : failure_text(reason)};
  }
  return found;
}

class Sender {
 public:
  Sender(const SendOptions& options, Monitor& monitor, SendResult& result)
      : options_(options), monitor_(monitor), result_(result), client_(options.client, monitor) {}

  void run() {
    std::vector<std::size_t> waiting;
    for (std::size_t i = 0; i < result_.objects.size(); ++i) waiting.push_back(i);
    for (int number = 1; !waiting.empty(); ++number) {
      std::vector<std::size_t> again;
      retry_after_s_.reset();
      for (std::size_t at = 0; at < waiting.size();) {
        const std::size_t count = size_of_request(waiting, at);
        const std::vector<std::size_t> some(waiting.begin() + static_cast<std::ptrdiff_t>(at),
                                            waiting.begin() + static_cast<std::ptrdiff_t>(at + count));
        for (const std::size_t i : request(some)) again.push_back(i);
        at += count;
      }
      if (again.empty() || number >= options_.retry.tries) return;
      const auto wait_s = options_.retry.wait_s(number + 1, retry_after_s_);
      if (!wait_s) return;  // the server asks for more patience than there is
      const double seconds = *wait_s;
      monitor_.note(fmt::format("{}: try {} of {} in {:.1f} s",
                                counted(static_cast<std::int64_t>(again.size()), "object"), number + 1,
                                options_.retry.tries, seconds));
      net::wait(seconds, monitor_);
      waiting = std::move(again);
    }
  }

 private:
  [[nodiscard]] std::size_t size_of_request(const std::vector<std::size_t>& waiting, std::size_t at) const {
    std::size_t count = 0;
    std::int64_t bytes = 0;
    while (at + count < waiting.size() && static_cast<int>(count) < options_.per_request) {
      bytes += file_bytes(result_.objects[waiting[at + count]].file);
      if (count > 0 && bytes > options_.bytes_per_request) break;
      ++count;
    }
    return count;
  }

  /// Sends one request; the objects that another try may mend.
  std::vector<std::size_t> request(const std::vector<std::size_t>& some) {
    std::vector<fs::path> files;
    std::string key;
    for (const std::size_t i : some) {
      files.push_back(result_.objects[i].file);
      key += result_.objects[i].sop_uid;
    }
    const std::string boundary = "nodulus-" + sha256_hex(key).substr(0, 32);
    const auto attempt = [&] {
      ++result_.requests;
      net::Request request;
      request.url = net::joined(options_.server, "studies");
      request.headers = {"Content-Type: multipart/related; type=\"application/dicom\"; boundary=" + boundary,
                         "Accept: application/dicom+json"};
      request.body = net::multipart_of_files(files, boundary, "application/dicom");
      return client_.send(request);
    };
    const net::Answer answer = net::with_retries(options_.retry, "studies", monitor_, attempt);
    // 409: none was stored, and the answer tells of each; the same with a 400 of some servers.
    if (!answer.good() && answer.status != 409 && answer.status != 400) fail(answer);
    if (answer.retry_after_s) retry_after_s_ = std::max(retry_after_s_.value_or(0), *answer.retry_after_s);
    const Json json = Json::parse(answer.body, nullptr, false);
    return read(some,
                verdicts(json.is_object()                   ? json
                         : json.is_array() && !json.empty() ? json.front()
                                                            : Json::object()),
                answer);
  }

  std::vector<std::size_t> read(const std::vector<std::size_t>& some, const std::map<std::string, Verdict>& said,
                                const net::Answer& answer) {
    std::vector<std::size_t> again;
    for (const std::size_t i : some) {
      Sent& object = result_.objects[i];
      const auto found = said.find(object.sop_uid);
      const Verdict verdict = found != said.end()
                                  ? found->second
                                  : Verdict{false, false, "not answered",
                                            answer.good() ? "the answer does not tell of it" : answer.problem};
      object.stored = verdict.stored;
      object.reason = verdict.reason;
      object.detail = verdict.detail;
      if (verdict.stored) {
        ++result_.stored;
        result_.bytes += file_bytes(object.file);
      } else if (verdict.may_pass) {
        again.push_back(i);
      }
    }
    monitor_.progress({"sending", result_.stored, static_cast<std::int64_t>(result_.objects.size()), "objects", ""});
    return again;
  }

  [[noreturn]] void fail(const net::Answer& answer) {
    for (Sent& object : result_.objects) {
      if (object.reason == "not sent") object.detail = answer.problem;
    }
    const std::string where = net::joined(options_.server, "studies");
    const bool takes_none = answer.status == 404 || answer.status == 405 || answer.status == 501;
    throw Error(ErrorCode::io,
                where + ": " + (takes_none ? "expected a server that stores objects (STOW-RS), found " : "") +
                    answer.problem +
                    fmt::format("; {} of {} objects were stored", result_.stored, result_.objects.size()));
  }

  const SendOptions& options_;
  Monitor& monitor_;
  SendResult& result_;
  net::Client client_;
  std::optional<double> retry_after_s_;  // the longest that this round's answers ask for
};

}  // namespace

std::vector<fs::path> dicom_files(const fs::path& source) {
  std::error_code error;
  const fs::file_status status = fs::status(source, error);
  if (!fs::exists(status)) throw Error(ErrorCode::not_found, "no file or folder at '" + source.string() + "'");
  std::vector<fs::path> files;
  if (fs::is_regular_file(status)) {
    files.push_back(source);
  } else {
    for (fs::recursive_directory_iterator at(source, error); !error && at != fs::recursive_directory_iterator();
         at.increment(error)) {
      if (at->is_regular_file() && has_preamble(at->path())) files.push_back(at->path());
    }
    if (error) throw Error(ErrorCode::io, "cannot read '" + source.string() + "': " + error.message());
  }
  std::erase_if(files, [](const fs::path& file) { return !has_preamble(file); });
  if (files.empty()) throw Error(ErrorCode::bad_input, "'" + source.string() + "': expected DICOM files, found none");
  std::sort(files.begin(), files.end());
  return files;
}

std::string failure_text(std::int64_t reason) {
  const auto in = [&](std::int64_t low, std::int64_t high) { return reason >= low && reason <= high; };
  std::string meaning = "a reason of its own";
  if (reason == 0x0110) meaning = "it failed in processing the object";
  if (reason == has_it_already) meaning = "it has such an object already";
  if (reason == 0x0117) meaning = "the UID is not valid";
  if (reason == 0x0122) meaning = "it does not store objects of this class";
  if (reason == 0x0124) meaning = "not authorized";
  if (reason == 0x0131) meaning = "it does not take the class and transfer syntax";
  if (reason == 0xC122) meaning = "it does not take the transfer syntax";
  if (in(0xA700, 0xA7FF)) meaning = "it is out of resources";
  if (in(0xA900, 0xA9FF)) meaning = "the object does not match its class";
  if (in(0xC000, 0xCFFF) && reason != 0xC122) meaning = "it cannot understand the object";
  if (reason == 0xB000) meaning = "it changed values of the object";
  if (reason == 0xB006) meaning = "it left elements of the object out";
  if (reason == 0xB007) meaning = "the object does not match its class";
  return fmt::format("{:04X}: {}", reason, meaning);
}

bool failure_may_pass(std::int64_t reason) { return reason == 0x0110 || (reason >= 0xA700 && reason <= 0xA7FF); }

void send(const std::vector<fs::path>& files, const SendOptions& options, Monitor& monitor, SendResult& result) {
  const auto start = std::chrono::steady_clock::now();
  (void)net::Url::parse(options.server, "--to");
  result = {};
  std::vector<Sent> objects;
  for (const fs::path& file : files) {
    auto read = dicom::read_identity(file.string());
    if (const auto* const reject = std::get_if<Reject>(&read))
      throw Error(ErrorCode::bad_input,
                  file.string() + ": expected a DICOM object: " + reject->reason + ": " + reject->detail);
    objects.push_back({file, std::get<dicom::Identity>(read).sop_uid, false, "not sent", ""});
  }
  result.objects = std::move(objects);
  Sender(options, monitor, result).run();
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace nodulus::archive
