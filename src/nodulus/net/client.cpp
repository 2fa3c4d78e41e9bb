#include "nodulus/net/client.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <ctime>
#include <exception>
#include <fstream>
#include <mutex>

#include "nodulus/core/csv.h"
#include "nodulus/core/error.h"
#include "nodulus/core/manifest.h"
#include "nodulus/net/url.h"

namespace nodulus::net {
namespace {

constexpr std::size_t error_text_bytes = 16 << 20;  // STOW-RS tells of thousands of objects in one

std::string trimmed_lower(std::string_view text, bool lower) {
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.front())) != 0) text.remove_prefix(1);
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back())) != 0) text.remove_suffix(1);
  std::string result(text);
  if (lower) {
    for (char& c : result) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return result;
}

/// Retry-After: seconds, or a day and time.
std::optional<double> seconds_of(const std::string& retry_after) {
  if (retry_after.empty()) return std::nullopt;
  if (const auto number = parse_number(retry_after)) return *number;
  const std::time_t then = curl_getdate(retry_after.c_str(), nullptr);
  return then < 0 ? std::nullopt : std::optional<double>(std::max(0.0, std::difftime(then, std::time(nullptr))));
}

bool may_pass(CURLcode code) {
  switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
    case CURLE_OPERATION_TIMEDOUT:
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_PARTIAL_FILE:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
    case CURLE_SSL_CONNECT_ERROR: return true;
    default: return false;
  }
}

/// What a status says for itself.
std::string status_text(int status) {
  switch (status) {
    case 401:
      return "status 401: the server wants a token or password, or refuses the one that it was given (NODULUS_TOKEN or "
             "--token-file; --user with NODULUS_PASSWORD or --password-file)";
    case 403: return "status 403: the server refuses this to whoever asks";
    case 404: return "status 404: the server has no such thing";
    case 405: return "status 405: the server does not do this";
    case 413: return "status 413: too much for the server at once";
    case 429: return "status 429: too many requests";
    default: return fmt::format("status {}", status);
  }
}

/// The beginning of a text in one line, as far as it is for people.
std::string plain_line(std::string_view text) {
  std::string line;
  for (const char c : text.substr(0, 400)) {
    const bool space = std::isspace(static_cast<unsigned char>(c)) != 0;
    if (!space || (!line.empty() && line.back() != ' ')) line += space ? ' ' : c;
  }
  line = trimmed_lower(line.substr(0, 200), false);
  const bool plain = std::all_of(line.begin(), line.end(), [](unsigned char c) { return c >= ' ' && c != 127; });
  return plain ? line : "";
}

/// What an answer that is no good says for itself.
std::string said(const Answer& answer) {
  const std::string elsewhere = answer.header("location");
  if (answer.status >= 300 && answer.status < 400 &&
      !elsewhere.empty())  // of a request with a body; others are followed
    return ": it points to '" + plain_line(shown(elsewhere)) + "', where no body is sent";
  const std::string line = answer.content_type() == "text/html" ? "" : plain_line(answer.body);
  return line.empty() ? "" : " (it says: " + line + ")";
}

}  // namespace

/// What the callbacks of one transfer share.
struct Exchange {
  struct List {
    curl_slist* first = nullptr;
    List() = default;
    List(const List&) = delete;
    List& operator=(const List&) = delete;
    ~List() { curl_slist_free_all(first); }
    void add(const std::string& line) { first = curl_slist_append(first, line.c_str()); }
  };

  const Request& request;
  const Sink& sink;
  const OnHead& on_head;
  std::size_t most;
  Monitor& monitor;
  CURL* handle;
  Answer answer{};
  bool head_told = false;
  bool too_long = false;
  std::exception_ptr thrown{};
  List headers{};
  std::array<char, CURL_ERROR_SIZE> message{};

  /// Runs what may throw within libcurl's C; false ends the transfer.
  template <class Work>
  bool guarded(const Work& work) noexcept {
    try {
      return work();
    } catch (...) {
      thrown = std::current_exception();
      return false;
    }
  }

  bool is_good() {
    long status = 0;
    curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
    answer.status = static_cast<int>(status);
    return status >= 200 && status < 300;
  }

  void on_header(std::string_view line) {
    if (line.starts_with("HTTP/")) answer.headers.clear();  // of the redirect before, or of "100 Continue"
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) return;
    answer.headers[trimmed_lower(line.substr(0, colon), true)] = trimmed_lower(line.substr(colon + 1), false);
  }

  void tell_head() {
    if (head_told) return;
    head_told = true;
    if (on_head) on_head(answer);
  }

  bool on_bytes(std::span<const std::byte> bytes) {
    const bool good = is_good();
    if (good && sink) {
      tell_head();
      sink(bytes);
      return true;
    }
    const std::size_t limit = good ? most : error_text_bytes;
    const std::size_t room = limit - std::min(limit, answer.body.size());
    if (good && bytes.size() > room) {
      too_long = true;
      return false;
    }
    answer.body.append(reinterpret_cast<const char*>(bytes.data()), std::min(room, bytes.size()));
    return true;
  }
};

namespace {

std::size_t write_bytes(char* data, std::size_t, std::size_t count, void* user) {
  auto& exchange = *static_cast<Exchange*>(user);
  return exchange.guarded([&] { return exchange.on_bytes(std::as_bytes(std::span(data, count))); }) ? count : 0;
}

std::size_t write_header(char* data, std::size_t, std::size_t count, void* user) {
  auto& exchange = *static_cast<Exchange*>(user);
  const bool kept = exchange.guarded([&] {
    exchange.on_header({data, count});
    return true;
  });
  return kept ? count : 0;
}

std::size_t read_bytes(char* data, std::size_t size, std::size_t count, void* user) {
  auto& exchange = *static_cast<Exchange*>(user);
  std::size_t read = 0;
  const bool kept = exchange.guarded([&] {
    read = exchange.request.body->read({data, size * count});
    return true;
  });
  return kept ? read : CURL_READFUNC_ABORT;
}

int seek_bytes(void* user, curl_off_t offset, int origin) {
  auto& exchange = *static_cast<Exchange*>(user);
  if (offset != 0 || origin != SEEK_SET) return CURL_SEEKFUNC_CANTSEEK;
  const bool kept = exchange.guarded([&] {
    exchange.request.body->rewind();
    return true;
  });
  return kept ? CURL_SEEKFUNC_OK : CURL_SEEKFUNC_FAIL;
}

int watch(void* user, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return static_cast<Exchange*>(user)->monitor.stop_requested() ? 1 : 0;
}

void start_libcurl() {
  static std::once_flag once;
  std::call_once(once, [] {
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
      throw Error(ErrorCode::internal, "libcurl cannot be started");
  });
}

}  // namespace

Body Body::of(std::string text) {
  struct State {
    std::string text;
    std::size_t at = 0;
  };
  auto state = std::make_shared<State>(State{std::move(text)});
  Body body;
  body.bytes = static_cast<std::int64_t>(state->text.size());
  body.read = [state](std::span<char> room) {
    const std::size_t count = state->text.copy(room.data(), room.size(), state->at);
    state->at += count;
    return count;
  };
  body.rewind = [state] { state->at = 0; };
  return body;
}

std::string Answer::header(const std::string& name) const {
  const auto found = headers.find(name);
  return found == headers.end() ? "" : found->second;
}

std::string Answer::content_type() const {
  const std::string whole = header("content-type");
  return trimmed_lower(std::string_view(whole).substr(0, whole.find(';')), true);
}

Client::Client(const ClientOptions& options, Monitor& monitor)
    : options_(options), monitor_(monitor), handle_(nullptr, curl_easy_cleanup) {
  start_libcurl();
  if (!options_.ca_file.empty() && !std::ifstream(options_.ca_file).good())
    throw Error(ErrorCode::usage,
                "--ca-file: expected a PEM file that can be read, found '" + options_.ca_file.string() + "'");
  handle_.reset(curl_easy_init());
  if (handle_ == nullptr) throw Error(ErrorCode::internal, "libcurl gives no handle");
}

Client::~Client() = default;

void Client::prepare(const Request& request, Exchange& exchange) {
  CURL* const handle = exchange.handle;
  const Url url = Url::parse(request.url, "address");
  const auto set = [handle](CURLoption option, auto value) { curl_easy_setopt(handle, option, value); };
  curl_easy_reset(handle);  // which keeps connections and sessions
  set(CURLOPT_URL, request.url.c_str());
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_USERAGENT, ("nodulus/" + std::string(program_version())).c_str());
  set(CURLOPT_PROTOCOLS_STR, "http,https");
  set(CURLOPT_REDIR_PROTOCOLS_STR, url.scheme == "https" ? "https" : "http,https");
  set(CURLOPT_FOLLOWLOCATION, request.body ? 0L : 1L);
  set(CURLOPT_MAXREDIRS, 5L);
  if (url.is_loopback()) set(CURLOPT_PROXY, "");
  set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(options_.connect_s * 1000));
  set(CURLOPT_LOW_SPEED_LIMIT, 1L);
  set(CURLOPT_LOW_SPEED_TIME, std::max(1L, static_cast<long>(options_.stall_s)));
  set(CURLOPT_BUFFERSIZE, 256L << 10);
  if (!options_.ca_file.empty()) set(CURLOPT_CAINFO, options_.ca_file.c_str());
  set(CURLOPT_ERRORBUFFER, exchange.message.data());
  set(CURLOPT_WRITEFUNCTION, &write_bytes);
  set(CURLOPT_WRITEDATA, &exchange);
  set(CURLOPT_HEADERFUNCTION, &write_header);
  set(CURLOPT_HEADERDATA, &exchange);
  set(CURLOPT_NOPROGRESS, 0L);
  set(CURLOPT_XFERINFOFUNCTION, &watch);
  set(CURLOPT_XFERINFODATA, &exchange);
  for (const std::string& line : request.headers) exchange.headers.add(line);
  if (request.body) {
    set(CURLOPT_POST, 1L);
    set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body->bytes));
    set(CURLOPT_READFUNCTION, &read_bytes);
    set(CURLOPT_READDATA, &exchange);
    set(CURLOPT_SEEKFUNCTION, &seek_bytes);
    set(CURLOPT_SEEKDATA, &exchange);
    exchange.headers.add("Expect:");  // a second's wait for servers that do not know it
  }
  set(CURLOPT_HTTPHEADER, exchange.headers.first);
  const Credentials& who = options_.credentials;
  if (!request.with_credentials || who.empty()) return;
  if (url.scheme != "https" && !url.is_loopback())
    throw Error(ErrorCode::usage,
                url.origin() + ": expected https for a request with a token or password, which http would show to all");
  if (!who.token.empty()) {
    set(CURLOPT_HTTPAUTH, static_cast<long>(CURLAUTH_BEARER));
    set(CURLOPT_XOAUTH2_BEARER, who.token.reveal().c_str());
  } else {
    set(CURLOPT_HTTPAUTH, static_cast<long>(CURLAUTH_BASIC));
    set(CURLOPT_USERNAME, who.user.c_str());
    set(CURLOPT_PASSWORD, who.password.reveal().c_str());
  }
}

Answer Client::send(const Request& request, const Sink& sink, const OnHead& on_head, std::size_t most) {
  Exchange exchange{request, sink, on_head, most, monitor_, handle_.get()};
  // The handle is not to remember what goes with this function, however that ends; connections stay.
  const std::unique_ptr<CURL, void (*)(CURL*)> forgetting(exchange.handle, curl_easy_reset);
  prepare(request, exchange);
  const CURLcode code = curl_easy_perform(exchange.handle);
  if (exchange.thrown) std::rethrow_exception(exchange.thrown);
  if (monitor_.stop_requested()) throw Error(ErrorCode::stopped, "stopped");
  const bool good = exchange.is_good();
  if (code == CURLE_OK && good && sink) exchange.tell_head();  // of an empty body
  Answer answer = std::move(exchange.answer);
  answer.retry_after_s = seconds_of(answer.header("retry-after"));
  if (code != CURLE_OK) {
    const std::string_view detail = exchange.message.data();
    answer.problem = exchange.too_long ? fmt::format("expected at most {} bytes, found more", most)
                                       : std::string(detail.empty() ? curl_easy_strerror(code) : detail);
    answer.worth_retry = !exchange.too_long && may_pass(code);
    return answer;
  }
  if (good) return answer;
  answer.problem = status_text(answer.status) + said(answer);
  answer.worth_retry = answer.status == 408 || answer.status == 425 || answer.status == 429 || answer.status >= 500;
  if (answer.status == 501 || answer.status == 505) answer.worth_retry = false;
  return answer;
}

}  // namespace nodulus::net
