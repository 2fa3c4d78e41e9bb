#pragma once

#include <mutex>
#include <string>

#include "nodulus/net/client.h"

namespace nodulus::archive {

/// A login with NBIA by name and password: POST <root>/oauth/token (OAuth 2.0, RFC 6749 4.3) gives a token of some
/// hours, which is asked for anew when the server no longer takes it. Threads share it.
class NbiaSession {
 public:
  NbiaSession(std::string token_url, std::string client_id, std::string user, net::Secret password)
      : token_url_(std::move(token_url)),
        client_id_(std::move(client_id)),
        user_(std::move(user)),
        password_(std::move(password)) {}

  /// Sends with the token; where that is refused with 401, once more with a new one. Error{io} where the login fails.
  net::Answer send(net::Client& client, const net::Request& request, const net::Sink& sink, const net::OnHead& on_head);

 private:
  /// The token after number `known`, asked for where nobody has yet; the number with it.
  std::pair<net::Secret, int> token_after(net::Client& client, int known);

  std::string token_url_;
  std::string client_id_;
  std::string user_;
  net::Secret password_;
  std::mutex mutex_;
  net::Secret token_;
  int number_ = 0;
};

}  // namespace nodulus::archive
