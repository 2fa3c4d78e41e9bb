#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace nodulus::net {

/// An http or https address, taken apart (RFC 3986).
struct Url {
  std::string scheme;  ///< "http" or "https".
  std::string host;    ///< Lower case, without brackets.
  int port = 0;        ///< The scheme's own where none is given.
  std::string target;  ///< Path and query, "/" at least.

  /// Throws Error{usage} naming `what` for anything else: another scheme, no host, a name or password before the host
  /// (secrets come from the environment or a file), a port that is none, spaces or control characters.
  static Url parse(std::string_view text, std::string_view what);
  /// This machine alone: localhost, 127.0.0.0/8, ::1.
  [[nodiscard]] bool is_loopback() const;
  /// scheme://host:port, the port only where it is not the scheme's own.
  [[nodiscard]] std::string origin() const;
};

/// Percent-encoded but for letters, digits and "-._~".
std::string encoded(std::string_view text);

/// `base` without a query and a slash at its end, then "/" and `path`, then ?name=value&... ; pairs with an empty value
/// are left out.
std::string joined(std::string_view base, std::string_view path,
                   const std::vector<std::pair<std::string, std::string>>& query = {});

/// The address as messages and records have it: without a query, which may hold a token.
std::string shown(std::string_view url);

}  // namespace nodulus::net
