#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "nodulus/serve/http.h"
#include "nodulus/serve/metrics.h"
#include "nodulus/serve/rate_limit.h"

namespace nodulus::serve {

struct ServerOptions {
  std::string host = "127.0.0.1";
  int port = 8080;                ///< 0: one that is free.
  std::string tls_certificate{};  ///< PEM files: HTTPS.
  std::string tls_key{};
  bool need_token = false;             ///< Beyond this machine always.
  std::vector<std::string> origins{};  ///< Pages of these may ask too (CORS), such as "https://viewer.example".
  std::size_t body_bytes = std::size_t{1} << 20;  ///< Of a request with JSON.
  double body_s = 20;                             ///< In which a body has to have come.
  double idle_s = 5;                              ///< Without a byte, after which a connection is closed.
  double rate = 50;                               ///< Requests a second of one caller; 0: any.
  double burst = 200;
  int threads = 64;  ///< Connections at a time.
};

/// True for an address of this machine alone: 127.0.0.0/8, ::1, localhost.
bool is_loopback(std::string_view host);

/// HTTP/1.1 and HTTPS on cpp-httplib: checks each request (host, origin, token, role, rate, size, time, schema), hands
/// it to its route, and tells every failure as problem details.
class Server {
 public:
  /// `log` is told a line of JSON for each request. Error{usage} for a certificate without its key, or one that cannot
  /// be used.
  Server(ServerOptions options, const Router& router, TokenStore& tokens, Metrics& metrics,
         std::function<void(const std::string& line)> log);
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  /// stop().
  ~Server();

  /// Listens from now on. Error{io} where it cannot.
  void start();
  /// Takes no more requests, ends streams, and waits for what is being answered.
  void stop();
  /// False where it was stopped, or ended by itself.
  [[nodiscard]] bool listens() const;
  [[nodiscard]] int port() const;
  /// "http://127.0.0.1:8080".
  [[nodiscard]] std::string address() const;

 private:
  struct Http;
  std::unique_ptr<Http> http_;
};

}  // namespace nodulus::serve
