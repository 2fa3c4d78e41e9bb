#pragma once

#include <filesystem>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace nodulus::serve {

/// What somebody may do; each may what those before it may.
enum class Role { none, read, generate, train, admin };
std::string_view name(Role role);
/// Error{usage} naming those that there are ("none" is not one to give).
Role role_of(std::string_view text);

/// A token as it is kept: never itself, but its SHA-256. It has 256 random bits, so that nothing slower is needed.
struct Token {
  std::string id;  ///< Short, for lists and logs.
  std::string name;
  Role role = Role::read;
  std::string sha256;
  std::string created;  ///< UTC, ISO 8601.
  std::string expires;  ///< The same; "": never.

  [[nodiscard]] bool has_expired(std::string_view now) const { return !expires.empty() && expires <= now; }
};

/// tokens.json in the service's folder. Several processes may use it: a running service sees what `nodulus token` does.
class TokenStore {
 public:
  explicit TokenStore(const std::filesystem::path& folder) : file_(folder / "tokens.json") {}

  /// A new token: how it is kept, and the token itself, "nod_" and 43 characters, which is told this once. Error{usage}
  /// for a name that is empty, too long or no line of text; Error{exists} for one that is taken; Error{io}.
  std::pair<Token, std::string> create(const std::string& name, Role role, const std::string& expires);
  /// By id or name. Error{not_found}.
  Token revoke(const std::string& id_or_name);
  [[nodiscard]] std::vector<Token> all() const;
  /// Whose it is, expired or not. Reads the file again where it has changed.
  [[nodiscard]] std::optional<Token> find(std::string_view token);
  [[nodiscard]] bool empty();

 private:
  void write(const std::vector<Token>& tokens) const;
  void refresh();

  std::filesystem::path file_;
  std::mutex mutex_;
  std::string seen_;  // of the file: size, time, inode
  std::vector<Token> tokens_;
};

/// Random bytes of the operating system. Error{internal} where it has none.
std::string random_bytes(std::size_t count);
/// Of bytes, lower case.
std::string hex(std::string_view bytes);
/// "2026-11-27T08:15:00Z"; `days` later.
std::string utc_in_days(double days);

}  // namespace nodulus::serve
