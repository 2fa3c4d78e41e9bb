#include "nodulus/serve/server.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <httplib.h>

#include <algorithm>
#include <atomic>
#include <cctype>
#include <chrono>
#include <fstream>
#include <thread>
#include <utility>

#include "nodulus/core/files.h"
#include "nodulus/serve/problem.h"

namespace nodulus::serve {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int deepest_json = 32;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

std::string lower(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

/// "127.0.0.1" of "127.0.0.1:8080", "::1" of "[::1]:8080".
std::string host_of(const std::string& authority) {
  if (authority.starts_with('[')) return authority.substr(1, authority.find(']') - 1);
  return authority.substr(0, authority.find(':'));
}

/// A request id that a caller may choose: nothing that a log line could be forged with.
bool is_plain_id(const std::string& text) {
  return !text.empty() && text.size() <= 64 && std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '-' || c == '_' || c == '.';
  });
}

Json parsed(const std::string& body) {
  const auto shallow = [](int depth, Json::parse_event_t, Json&) {
    if (depth > deepest_json)
      throw Refusal(400, "not_json", fmt::format("expected JSON of at most {} levels, found more", deepest_json));
    return true;
  };
  try {
    return Json::parse(body, shallow);
  } catch (const Json::parse_error& fault) {
    throw Refusal(400, "not_json", fmt::format("expected JSON in UTF-8, found something else at byte {}", fault.byte));
  } catch (const Json::exception&) {
    throw Refusal(400, "not_json", "expected JSON, found a number that is too large");
  }
}

/// A query parameter as JSON of its schema's type, so that the same rules hold for it as for a body.
Json query_value(const std::string& text, const Json& schema) {
  const auto type = schema.value("type", "string");
  const bool digits = !text.empty() && text.size() <= 15 && text.find_first_not_of("0123456789") == std::string::npos;
  if (type == "string" || (type == "integer" && !digits)) return text;
  const Json value = Json::parse(text, nullptr, false);
  return value.is_discarded() ? Json(text) : value;
}

}  // namespace

bool is_loopback(std::string_view host) {
  if (host == "localhost" || host == "::1") return true;
  in_addr address{};  // an address, not a name that begins like one
  return ::inet_pton(AF_INET, std::string(host).c_str(), &address) == 1 && (ntohl(address.s_addr) >> 24) == 127;
}

/// The server's insides, which alone see httplib.
struct Server::Http {
  Http(ServerOptions wanted, const Router& routes, TokenStore& all_tokens, Metrics& all_metrics,
       std::function<void(const std::string&)> tell)
      : options(std::move(wanted)),
        router(routes),
        tokens(all_tokens),
        metrics(all_metrics),
        log(std::move(tell)),
        limit(options.rate, options.burst) {
    if (!is_loopback(options.host)) options.need_token = true;
    if (options.tls_certificate.empty() != options.tls_key.empty())
      throw Error(ErrorCode::usage, "--tls-cert and --tls-key: expected both of them, found one");
    if (options.tls_certificate.empty()) {
      server = std::make_unique<httplib::Server>();
    } else {
      server = std::make_unique<httplib::SSLServer>(options.tls_certificate.c_str(), options.tls_key.c_str());
    }
    if (!server->is_valid())
      throw Error(ErrorCode::usage,
                  fmt::format("--tls-cert, --tls-key: expected a certificate and its key as PEM, found "
                              "'{}' and '{}', which are none or do not belong together",
                              options.tls_certificate, options.tls_key));
    const int threads = options.threads;
    server->new_task_queue = [threads] { return new httplib::ThreadPool(static_cast<std::size_t>(threads)); };
    server->set_read_timeout(std::chrono::duration<double>(options.idle_s));
    // One request a connection: what a refused one still sends must not be read as the next.
    server->set_keep_alive_max_count(1);
    server->set_payload_max_length(std::size_t{16} << 20);  // of what httplib reads by itself, which is nothing of ours
    server->set_tcp_nodelay(true);
    server->set_socket_options([](socket_t socket) {  // not SO_REUSEPORT, by which two services would share a port
      const int yes = 1;
      ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    });
    constexpr const char* any_path = R"([\s\S]*)";  // a decoded path may hold a line's end, which is no '.'
    const auto plain = [this](const httplib::Request& in, httplib::Response& out) { answer(in, out, nullptr); };
    const auto with_body = [this](const httplib::Request& in, httplib::Response& out,
                                  const httplib::ContentReader& reader) { answer(in, out, &reader); };
    server->Get(any_path, plain);
    server->Options(any_path, plain);
    server->Post(any_path, with_body);
    server->Put(any_path, with_body);
    server->Patch(any_path, with_body);
    server->Delete(any_path, with_body);
    server->set_exception_handler([this](const httplib::Request&, httplib::Response& out, std::exception_ptr thrown) {
      const std::string id = new_id();
      try {
        std::rethrow_exception(thrown);
      } catch (const std::exception& failed) {
        tell_failure(id, failed);
      } catch (...) {
      }
      write(Problem{500, "internal", "the service failed; its log says at what"}, id, out);
    });
    // What httplib itself refuses: a request that is none, too long an address or head.
    server->set_error_handler(
        httplib::Server::HandlerWithResponse([this](const httplib::Request& in, httplib::Response& out) {
          if (!out.body.empty() || out.status < 400) return httplib::Server::HandlerResponse::Unhandled;
          const Problem problem{out.status, "malformed",
                                "expected a request of HTTP/1.1, found another or one that is too long"};
          const std::string id = new_id();
          write(problem, id, out);
          metrics.request("none", out.status, 0);
          tell_log({.method = in.method, .path = in.path, .id = id}, out.status, 0, in.remote_addr);
          return httplib::Server::HandlerResponse::Handled;
        }));
  }

  static std::string new_id() { return hex(random_bytes(8)); }

  void answer(const httplib::Request& in, httplib::Response& out, const httplib::ContentReader* reader) {
    const Clock::time_point start = Clock::now();
    Request request;
    request.method = in.method == "HEAD" ? "GET" : in.method;
    request.path = in.path;
    for (const auto& [name, value] : in.headers) request.headers[lower(name)] = value;
    for (const auto& [name, value] : in.params) request.query[name] = value;
    request.id = is_plain_id(request.header("x-request-id")) ? request.header("x-request-id") : new_id();
    std::string operation = "none";
    auto& ranges = const_cast<httplib::Request&>(in).ranges;  // httplib would cut any answer by them
    const httplib::Ranges asked_ranges = std::exchange(ranges, {});
    try {
      check_rate(in.remote_addr);  // before all else: refusals and guesses have their price too
      check_host(request);
      check_framing(in, reader != nullptr);
      if (reader != nullptr && announces_body(in)) read_body(request, *reader);
      if (request.method == "OPTIONS" && preflight(request, out)) {
        operation = "preflight";
      } else {
        const Route& route = router.find(request);
        operation = route.operation;
        check_origin(request);
        request.caller = caller_of(request);
        if (!request.caller.name.empty()) check_rate("token " + request.caller.name);
        check_role(route, request.caller);
        check_query(route, request);
        check_body(route, request);
        Response response = route.handle(request);
        if (!response.file.empty() && asked_ranges.size() == 1)
          ranges = {part_of(asked_ranges[0], static_cast<std::int64_t>(file_bytes(response.file)))};
        write(std::move(response), out);
      }
    } catch (const Error& error) {
      const Problem problem = problem_of(error);
      if (problem.status >= 500) tell_failure(request.id, error);
      write(problem, request.id, out);
    } catch (const std::exception& error) {
      tell_failure(request.id, error);
      write(Problem{500, "internal", "the service failed; its log says at what"}, request.id, out);
    }
    if (const std::string origin = request.header("origin"); !origin.empty() && is_listed(origin)) {
      out.set_header("Access-Control-Allow-Origin", origin);
      out.set_header("Vary", "Origin");
    }
    out.set_header("X-Request-Id", request.id);
    out.set_header("X-Content-Type-Options", "nosniff");
    if (!out.has_header("Cache-Control")) out.set_header("Cache-Control", "no-store");
    const double seconds = seconds_since(start);
    const int status = out.status > 0 ? out.status : (ranges.empty() ? 200 : 206);
    metrics.request(operation, status, seconds);
    tell_log(request, status, seconds, in.remote_addr);
  }

  // Checks, each of which throws a Refusal.

  /// Without tokens a page of another site must not reach this by a name that it gives this machine (DNS rebinding).
  void check_host(const Request& request) const {
    if (options.need_token) return;
    if (!is_loopback(host_of(request.header("host"))))
      throw Refusal(421, "misdirected", "expected this machine's own name in Host: localhost, 127.0.0.1 or [::1]");
  }

  [[nodiscard]] bool is_listed(const std::string& origin) const {
    return std::find(options.origins.begin(), options.origins.end(), origin) != options.origins.end();
  }
  [[nodiscard]] bool is_own(const std::string& origin, const Request& request) const {
    return origin == scheme() + "://" + request.header("host");
  }

  /// What changes something is taken from this service's own page, from listed ones and from what is no browser.
  void check_origin(const Request& request) const {
    if (request.method == "GET") return;
    const std::string origin = request.header("origin");
    const bool cross = request.header("sec-fetch-site") == "cross-site" && origin.empty();
    if ((!origin.empty() && !is_own(origin, request) && !is_listed(origin)) || cross)
      throw Refusal(403, "other_origin", "a page of another site asks; --cors lists those that may");
  }

  bool preflight(const Request& request, httplib::Response& out) const {
    if (!is_listed(request.header("origin"))) return false;
    out.status = 204;
    out.set_header("Access-Control-Allow-Methods", "GET, POST, PUT, DELETE");
    out.set_header("Access-Control-Allow-Headers", "Authorization, Content-Type, Idempotency-Key, X-Request-Id");
    out.set_header("Access-Control-Max-Age", "600");
    return true;
  }

  void check_rate(const std::string& who) {
    const double seconds = limit.wait_s(who, Clock::now());
    if (seconds > 0)
      throw Refusal(Problem{429,
                            "too_many_requests",
                            fmt::format("expected at most {} requests a second", options.rate),
                            {},
                            {{"Retry-After", std::to_string(static_cast<int>(seconds) + 1)}}});
  }

  Caller caller_of(const Request& request) {
    const std::string said = request.header("authorization");
    if (said.empty()) {
      // By a proxy on this machine anybody may ask.
      const bool passed_on = !request.header("forwarded").empty() || !request.header("x-forwarded-for").empty() ||
                             !request.header("via").empty();
      return {"", options.need_token || passed_on ? Role::none : Role::admin};
    }
    constexpr std::string_view scheme_name = "bearer ";
    const auto refuse = [](const char* why) -> Refusal {
      return Refusal(Problem{401, "unauthorized", why, {}, {{"WWW-Authenticate", "Bearer error=\"invalid_token\""}}});
    };
    if (lower(said.substr(0, scheme_name.size())) != scheme_name)
      throw refuse("expected 'Authorization: Bearer TOKEN'");
    const auto token = tokens.find(std::string_view(said).substr(scheme_name.size()));
    if (!token) throw refuse("this token is none of this service");
    if (token->has_expired(utc_in_days(0))) throw refuse("this token has expired");
    return {token->name, token->role};
  }

  static void check_role(const Route& route, const Caller& caller) {
    if (caller.role >= route.role) return;
    if (caller.role == Role::none)
      throw Refusal(Problem{401,
                            "unauthorized",
                            "expected 'Authorization: Bearer TOKEN'; nodulus token create makes one",
                            {},
                            {{"WWW-Authenticate", "Bearer"}}});
    throw Refusal(
        403, "forbidden",
        fmt::format("expected a token of role {} or above, found one of role {}", name(route.role), name(caller.role)));
  }

  static void check_query(const Route& route, const Request& request) {
    std::vector<FieldFault> faults;
    for (const auto& entry : request.query) {
      const std::string& key = entry.first;
      const std::string& text = entry.second;
      const auto found = std::find_if(route.parameters.begin(), route.parameters.end(),
                                      [&](const Parameter& one) { return one.in == "query" && one.name == key; });
      if (found == route.parameters.end()) {
        faults.push_back({key, "unknown parameter"});
        continue;
      }
      for (FieldFault& fault : schema_faults(query_value(text, found->schema), found->schema, key))
        faults.push_back(std::move(fault));
    }
    for (const Parameter& parameter : route.parameters) {
      if (parameter.in != "path") continue;
      const auto& text = request.parameters.at(parameter.name);
      for (FieldFault& fault : schema_faults(query_value(text, parameter.schema), parameter.schema, parameter.name))
        faults.push_back(std::move(fault));
    }
    if (!faults.empty()) throw Refusal(Problem{422, "usage", "parameters are not as expected", std::move(faults)});
  }

  [[nodiscard]] static bool announces_body(const httplib::Request& in) {
    return in.has_header("Content-Length") || in.has_header("Transfer-Encoding");
  }

  /// A body whose end two would see at two places, or that nobody reads.
  static void check_framing(const httplib::Request& in, bool reads_body) {
    const std::size_t lengths = in.get_header_value_count("Content-Length");
    const bool chunked = in.has_header("Transfer-Encoding");
    if (lengths > 1 || (lengths > 0 && chunked))
      throw Refusal(400, "malformed", "expected one length of the body, found several");
    if (!reads_body && (chunked || (lengths > 0 && in.get_header_value("Content-Length") != "0")))
      throw Refusal(400, "unexpected_body", "expected no body");
    if (lower(in.get_header_value("Content-Type")).starts_with("multipart/"))
      throw Refusal(415, "not_json", "expected no multipart body");
  }

  /// The range that is asked for of so many bytes (RFC 9110 14.1.2), within them. Refusal 416 where it is outside.
  static httplib::Range part_of(httplib::Range range, std::int64_t bytes) {
    auto [first, last] = range;
    if (first < 0) {  // so many at the end
      first = std::max<std::int64_t>(0, bytes - last);
      last = bytes - 1;
    }
    if (last < 0 || last >= bytes) last = bytes - 1;
    if (first >= bytes || first > last)
      throw Refusal(Problem{416,
                            "no_such_range",
                            fmt::format("expected a range within {} bytes", bytes),
                            {},
                            {{"Content-Range", fmt::format("bytes */{}", bytes)}}});
    return {first, last};
  }

  /// Read before a request is refused for anything else: who is still sending does not hear what is said.
  void read_body(Request& request, const httplib::ContentReader& reader) const {
    const Clock::time_point start = Clock::now();
    bool too_large = false;
    bool too_slow = false;
    const bool whole = reader([&](const char* data, std::size_t size) {
      too_large = request.body.size() + size > options.body_bytes;
      too_slow = seconds_since(start) > options.body_s;
      if (too_large || too_slow) return false;
      request.body.append(data, size);
      return true;
    });
    if (too_large)
      throw Refusal(413, "too_large", fmt::format("expected a body of at most {} bytes", options.body_bytes));
    if (too_slow || !whole) throw Refusal(408, "too_slow", "the body did not come whole and in time");
  }

  static void check_body(const Route& route, Request& request) {
    if (route.body_schema.is_null()) {
      if (!request.body.empty()) throw Refusal(415, "unexpected_body", "expected no body");
      return;
    }
    const std::string type = request.header("content-type");
    if (lower(type.substr(0, type.find(';'))) != "application/json")
      throw Refusal(415, "not_json", fmt::format("expected Content-Type: application/json, found '{}'", type));
    request.json = parsed(request.body);
    auto faults = schema_faults(request.json, route.body_schema);
    if (!faults.empty()) throw Refusal(Problem{422, "usage", "the body is not as expected", std::move(faults)});
  }

  // Answers.

  void write(const Problem& problem, const std::string& id, httplib::Response& out) const {
    out.status = problem.status;
    for (const auto& [name, value] : problem.headers) out.set_header(name, value);
    out.set_content(problem.json(id).dump(-1, ' ', false, Json::error_handler_t::replace) + "\n",
                    "application/problem+json");
  }

  void write(Response response, httplib::Response& out) const {
    out.status = response.status;
    for (const auto& [name, value] : response.headers) out.set_header(name, value);
    if (response.stream) {
      if (++*streams > std::max(1, options.threads / 2)) {
        --*streams;
        throw Refusal(Problem{503, "too_many_streams", "too many follow or fetch already", {}, {{"Retry-After", "5"}}});
      }
      const std::shared_ptr<void> counted(nullptr, [all = streams](void*) { --*all; });
      // httplib catches nothing here.
      out.set_chunked_content_provider(
          response.type, [this, counted, stream = std::move(response.stream)](std::size_t, httplib::DataSink& sink) {
            try {
              const Send send = [&](std::string_view bytes) { return sink.write(bytes.data(), bytes.size()); };
              if (stopping || !stream(send)) sink.done();
              return true;
            } catch (const std::exception& failed) {
              tell_failure("", failed);
              return false;  // which breaks the connection off
            }
          });
    } else if (!response.file.empty()) {
      const auto file = std::make_shared<std::ifstream>(response.file, std::ios::binary);
      if (!*file) throw io_error("open", response.file);
      const auto bytes = static_cast<std::size_t>(file_bytes(response.file));
      out.status = -1;  // 200, or 206 where a range is asked for
      out.set_content_provider(
          bytes, response.type, [file](std::size_t offset, std::size_t length, httplib::DataSink& sink) {
            std::vector<char> buffer(std::min<std::size_t>(length, 256 << 10));
            file->clear();
            file->seekg(static_cast<std::streamoff>(offset));
            file->read(buffer.data(), static_cast<std::streamsize>(buffer.size()));
            return file->gcount() > 0 && sink.write(buffer.data(), static_cast<std::size_t>(file->gcount()));
          });
    } else if (response.status != 204) {
      out.set_content(response.body, response.type);
    }
  }

  void tell_log(const Request& request, int status, double seconds, const std::string& remote) const {
    Json line{{"request_id", request.id},
              {"method", request.method},
              {"path", request.path},  // without its query, which may hold what is nobody's business
              {"status", status},
              {"ms", std::round(seconds * 1e4) / 10},
              {"from", remote}};
    if (!request.caller.name.empty()) line["token"] = request.caller.name;
    log(line.dump(-1, ' ', true, Json::error_handler_t::replace));
  }

  void tell_failure(const std::string& id, const std::exception& failed) const {
    log(Json{{"request_id", id}, {"error", failed.what()}}.dump(-1, ' ', true, Json::error_handler_t::replace));
  }

  [[nodiscard]] std::string scheme() const { return options.tls_certificate.empty() ? "http" : "https"; }

  ServerOptions options;
  const Router& router;
  TokenStore& tokens;
  Metrics& metrics;
  std::function<void(const std::string&)> log;
  RateLimit limit;
  std::shared_ptr<std::atomic<int>> streams = std::make_shared<std::atomic<int>>(0);
  std::unique_ptr<httplib::Server> server;
  std::atomic<bool> ended = false;  // the listener, whether or not it was asked to
  std::atomic<bool> stopping = false;
  std::thread thread;
};

Server::Server(ServerOptions options, const Router& router, TokenStore& tokens, Metrics& metrics,
               std::function<void(const std::string&)> log)
    : http_(std::make_unique<Http>(std::move(options), router, tokens, metrics, std::move(log))) {}

Server::~Server() { stop(); }

void Server::start() {
  ServerOptions& options = http_->options;
  if (options.port == 0) {
    options.port = http_->server->bind_to_any_port(options.host);
  } else if (!http_->server->bind_to_port(options.host, options.port)) {
    options.port = -1;
  }
  if (options.port <= 0)
    throw Error(ErrorCode::io, fmt::format("cannot listen at {}: is something else there?", address()));
  http_->thread = std::thread([this] {
    http_->server->listen_after_bind();
    http_->ended = true;
  });
  while (!http_->server->is_running() && !http_->ended) std::this_thread::sleep_for(std::chrono::milliseconds(1));
}

void Server::stop() {
  if (!http_->thread.joinable()) return;
  http_->stopping = true;
  http_->server->stop();
  http_->thread.join();
}

bool Server::listens() const { return !http_->ended; }

int Server::port() const { return http_->options.port; }

std::string Server::address() const {
  const std::string& host = http_->options.host;
  return fmt::format("{}://{}:{}", http_->scheme(), host.find(':') == std::string::npos ? host : "[" + host + "]",
                     port());
}

}  // namespace nodulus::serve
