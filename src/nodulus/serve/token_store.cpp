#include "nodulus/serve/token_store.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <ctime>

#include "nodulus/core/atomic_file.h"
#include "nodulus/core/error.h"
#include "nodulus/core/files.h"
#include "nodulus/core/hash.h"
#include "nodulus/core/json_fields.h"
#include "nodulus/core/manifest.h"

namespace nodulus::serve {
namespace {

namespace fs = std::filesystem;

constexpr std::array roles{Role::read, Role::generate, Role::train, Role::admin};

/// Held while the file is changed; a process that dies lets it go.
class FileLock {
 public:
  explicit FileLock(const fs::path& file) : descriptor_(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)) {
    if (descriptor_ < 0) throw io_error("create", file);
    while (::flock(descriptor_, LOCK_EX) != 0) {
      if (errno != EINTR) throw io_error("lock", file);
    }
  }
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;
  ~FileLock() { ::close(descriptor_); }

 private:
  int descriptor_;
};

/// Base64 for addresses (RFC 4648 5), without padding.
std::string base64url(std::string_view bytes) {
  constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::string text;
  unsigned bits = 0;
  int count = 0;
  for (const char c : bytes) {
    bits = (bits << 8) | static_cast<unsigned char>(c);
    for (count += 8; count >= 6; count -= 6) text += digits[(bits >> (count - 6)) & 63];
  }
  if (count > 0) text += digits[(bits << (6 - count)) & 63];
  return text;
}

Json json_of(const std::vector<Token>& tokens) {
  Json json{{"schema", {{"name", "nodulus.tokens"}, {"version", 1}}}, {"tokens", Json::array()}};
  for (const Token& token : tokens)
    json["tokens"].push_back({{"id", token.id},
                              {"name", token.name},
                              {"role", name(token.role)},
                              {"sha256", token.sha256},
                              {"created", token.created},
                              {"expires", token.expires}});
  return json;
}

std::vector<Token> tokens_of(const fs::path& file) {
  std::vector<Token> tokens;
  if (!fs::exists(file)) return tokens;
  const Json json = read_json(file);
  const JsonFields fields(json, file);
  const Json& list = fields.json("tokens", "a list");
  if (!list.is_array()) fields.fail("tokens", "a list", list.dump());
  for (const Json& entry : list) {
    const JsonFields one(entry, file, "tokens");
    const auto text = [&](const char* key) { return one.get<std::string>(key, "a string"); };
    tokens.push_back(
        {text("id"), text("name"), role_of(text("role")), text("sha256"), text("created"), text("expires")});
  }
  return tokens;
}

}  // namespace

std::string_view name(Role role) {
  switch (role) {
    case Role::none: return "none";
    case Role::read: return "read";
    case Role::generate: return "generate";
    case Role::train: return "train";
    case Role::admin: return "admin";
  }
  return "none";
}

Role role_of(std::string_view text) {
  for (const Role role : roles) {
    if (name(role) == text) return role;
  }
  throw Error(ErrorCode::usage, fmt::format("expected a role: read, generate, train or admin, found '{}'", text));
}

std::string random_bytes(std::size_t count) {
  std::string bytes(count, '\0');
  for (std::size_t at = 0; at < count;) {
    const ssize_t got = ::getrandom(bytes.data() + at, count - at, 0);
    if (got < 0 && errno != EINTR) throw Error(ErrorCode::internal, "the machine gives no random numbers");
    if (got > 0) at += static_cast<std::size_t>(got);
  }
  return bytes;
}

std::string hex(std::string_view bytes) {
  std::string text;
  for (const char c : bytes) text += fmt::format("{:02x}", static_cast<unsigned char>(c));
  return text;
}

std::string utc_in_days(double days) {
  const std::time_t then = std::time(nullptr) + static_cast<std::time_t>(days * 86400);
  std::tm parts{};
  ::gmtime_r(&then, &parts);
  std::array<char, 32> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text.data();
}

std::pair<Token, std::string> TokenStore::create(const std::string& token_name, Role role, const std::string& expires) {
  const bool is_line =
      std::all_of(token_name.begin(), token_name.end(), [](unsigned char c) { return c >= ' ' && c != 127; });
  if (token_name.empty() || token_name.size() > 100 || !is_line)
    throw Error(ErrorCode::usage, "expected a name for the token, of 1 to 100 characters in a line");
  const FileLock lock(file_.string() + ".lock");
  std::vector<Token> tokens = tokens_of(file_);
  for (const Token& other : tokens) {
    if (other.name == token_name)
      throw Error(ErrorCode::exists, fmt::format("there is a token of the name '{}' already; revoke it first, or take "
                                                 "another name",
                                                 token_name));
  }
  const std::string secret = "nod_" + base64url(random_bytes(32));
  Token token{hex(random_bytes(4)), token_name, role, sha256_hex(secret), utc_in_days(0), expires};
  tokens.push_back(token);
  write(tokens);
  return {std::move(token), secret};
}

Token TokenStore::revoke(const std::string& id_or_name) {
  const FileLock lock(file_.string() + ".lock");
  std::vector<Token> tokens = tokens_of(file_);
  const auto found = std::find_if(tokens.begin(), tokens.end(), [&](const Token& token) {
    return token.id == id_or_name || token.name == id_or_name;
  });
  if (found == tokens.end())
    throw Error(ErrorCode::not_found,
                fmt::format("no token of the id or name '{}' in '{}'", id_or_name, file_.string()));
  Token token = *found;
  tokens.erase(found);
  write(tokens);
  return token;
}

std::vector<Token> TokenStore::all() const { return tokens_of(file_); }

void TokenStore::write(const std::vector<Token>& tokens) const {
  AtomicFile file(file_);
  file.write(json_of(tokens).dump(2) + "\n");
  file.commit();
  ::chmod(file_.c_str(), 0600);
}

void TokenStore::refresh() {
  struct stat status {};
  std::string seen;
  if (::stat(file_.c_str(), &status) == 0)
    seen = fmt::format("{} {} {}.{}", status.st_ino, status.st_size, status.st_mtim.tv_sec, status.st_mtim.tv_nsec);
  if (seen == seen_) return;
  tokens_ = tokens_of(file_);
  seen_ = seen;
}

std::optional<Token> TokenStore::find(std::string_view token) {
  const std::string sum = sha256_hex(token);
  const std::lock_guard lock(mutex_);
  refresh();
  // Comparing sums tells nothing of a token by its time: nobody can choose a token's sum.
  for (const Token& known : tokens_) {
    if (known.sha256 == sum) return known;
  }
  return std::nullopt;
}

bool TokenStore::empty() {
  const std::lock_guard lock(mutex_);
  refresh();
  return tokens_.empty();
}

}  // namespace nodulus::serve
