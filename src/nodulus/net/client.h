#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "nodulus/core/monitor.h"
#include "nodulus/net/secret.h"

namespace nodulus::net {

/// Settings of all connections of a command.
struct ClientOptions {
  double connect_s = 30;          ///< To wait for a connection.
  double stall_s = 120;           ///< To wait for a byte: servers that pack a zip first take their time.
  std::filesystem::path ca_file;  ///< Certificates of authorities, PEM; empty: the machine's own.
  Credentials credentials;
};

/// The body of a request, written as it is sent; may be read again from its start.
struct Body {
  std::int64_t bytes = 0;
  std::function<std::size_t(std::span<char>)> read;  ///< Fills the span; 0: the end. May throw.
  std::function<void()> rewind;

  static Body of(std::string text);
};

struct Request {
  std::string url;
  std::vector<std::string> headers{};  ///< "Name: value".
  std::optional<Body> body{};          ///< Posted; nothing: GET.
  bool with_credentials = true;
};

using Headers = std::map<std::string, std::string>;  ///< Names in lower case; the last of a name.

/// How one request ended. A value, since what a server does is no failure of ours.
struct Answer {
  int status = 0;  ///< 0: no answer came.
  Headers headers{};
  std::string body{};                     ///< Where no sink took it; of an answer that is an error, its beginning.
  std::string problem{};                  ///< "": a whole answer of status 2xx. Holds no secret.
  bool worth_retry = false;               ///< It may go better another time.
  std::optional<double> retry_after_s{};  ///< The server's own word (RFC 9110 10.2.3).

  [[nodiscard]] bool good() const { return problem.empty(); }
  [[nodiscard]] std::string header(const std::string& name) const;
  /// Content-Type without parameters, in lower case.
  [[nodiscard]] std::string content_type() const;
};

/// Takes the body of an answer of status 2xx as it comes. May throw, which ends the transfer and reaches the caller.
using Sink = std::function<void(std::span<const std::byte>)>;
/// Is told status and headers before the first byte of such a body.
using OnHead = std::function<void(const Answer& head)>;

struct Exchange;

/// One connection at a time, kept open between requests. HTTP and HTTPS alone, certificates always checked, redirects
/// of requests without a body followed up to five times, never from https to http, and never with the credentials to
/// another server. A body (a password, patients' images) goes to the address that was named and nowhere else. Not to be
/// shared by threads.
class Client {
 public:
  /// Error{usage} where ca_file cannot be read.
  Client(const ClientOptions& options, Monitor& monitor);
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  ~Client();

  /// From now on asks in this name.
  void use(const Credentials& credentials) { options_.credentials = credentials; }
  [[nodiscard]] Monitor& monitor() const { return monitor_; }

  /// Sends one request, once. Bodies without a sink are held, up to `most` bytes. Error{stopped} where the monitor
  /// asks; Error{usage} for an address that is none, or where a secret would go over http to another machine.
  Answer send(const Request& request, const Sink& sink = {}, const OnHead& on_head = {},
              std::size_t most = std::size_t{256} << 20);

 private:
  void prepare(const Request& request, Exchange& exchange);

  ClientOptions options_;
  Monitor& monitor_;
  std::unique_ptr<void, void (*)(void*)> handle_;
};

}  // namespace nodulus::net
