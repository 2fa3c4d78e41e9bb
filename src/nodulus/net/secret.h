#pragma once

#include <filesystem>
#include <string>
#include <utility>

namespace nodulus::net {

/// A token or password. It can be handed to a server and to nothing else: no option, no message, no manifest.
class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string value) : value_(std::move(value)) {}
  /// From a file where one is named (its first line), else from the environment variable; empty where there is none.
  /// Error{not_found, io} for a file that cannot be read; Error{bad_input} for one that is empty, has more than one
  /// line or control characters, without repeating any of it.
  static Secret from(const char* variable, const std::filesystem::path& file);

  [[nodiscard]] bool empty() const { return value_.empty(); }
  [[nodiscard]] const std::string& reveal() const { return value_; }

 private:
  std::string value_;
};

/// How a request says who asks.
struct Credentials {
  Secret token;  ///< "Authorization: Bearer ...".
  std::string user;
  Secret password;  ///< With `user`: basic authentication (RFC 7617).
  [[nodiscard]] bool empty() const { return token.empty() && user.empty(); }
};

}  // namespace nodulus::net
