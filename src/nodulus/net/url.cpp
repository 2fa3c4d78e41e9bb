#include "nodulus/net/url.h"

#include <algorithm>
#include <cctype>
#include <charconv>

#include "nodulus/core/error.h"

namespace nodulus::net {
namespace {

std::string lower(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return result;
}

int port_of(std::string_view text) {
  int port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc() && end == text.data() + text.size() && port >= 1 && port <= 65535 ? port : 0;
}

int usual_port(std::string_view scheme) { return scheme == "https" ? 443 : 80; }

}  // namespace

Url Url::parse(std::string_view text, std::string_view what) {
  const std::string_view whole = text;
  const auto fail = [&](const std::string& why) {
    throw Error(ErrorCode::usage, std::string(what) + ": expected an address such as https://host/path, found '" +
                                      shown(whole) + "' (" + why + ")");
  };
  if (std::any_of(text.begin(), text.end(), [](unsigned char c) { return c <= ' ' || c == 127; }))
    fail("a space or control character");
  const std::size_t colon = text.find("://");
  Url url;
  url.scheme = lower(text.substr(0, colon == std::string_view::npos ? 0 : colon));
  if (url.scheme != "http" && url.scheme != "https") fail("neither http:// nor https://");
  text.remove_prefix(colon + 3);
  const std::size_t path = std::min(text.find_first_of("/?#"), text.size());
  std::string_view authority = text.substr(0, path);
  url.target = std::string(text.substr(path, text.find('#') - path));
  if (url.target.empty() || url.target[0] != '/') url.target.insert(0, "/");
  if (authority.find('@') != std::string_view::npos) fail("a name or password in it");
  std::string_view port;
  if (authority.starts_with('[')) {
    const std::size_t close = authority.find(']');
    if (close == std::string_view::npos) fail("no ']'");
    url.host = lower(authority.substr(1, close - 1));
    port = authority.substr(close + 1);
  } else {
    const std::size_t mark = std::min(authority.find(':'), authority.size());
    url.host = lower(authority.substr(0, mark));
    port = authority.substr(mark);
  }
  if (url.host.empty()) fail("no host");
  url.port = usual_port(url.scheme);
  if (!port.empty()) {
    url.port = port[0] == ':' ? port_of(port.substr(1)) : 0;
    if (url.port == 0) fail("a port that is none");
  }
  return url;
}

bool Url::is_loopback() const {
  return host == "localhost" || host == "::1" ||
         (host.starts_with("127.") && host.find_first_not_of("0123456789.") == std::string::npos);
}

std::string Url::origin() const {
  const std::string name = host.find(':') == std::string::npos ? host : "[" + host + "]";
  return scheme + "://" + name + (port == usual_port(scheme) ? "" : ":" + std::to_string(port));
}

std::string encoded(std::string_view text) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string result;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 128 && (std::isalnum(byte) != 0 || c == '-' || c == '.' || c == '_' || c == '~')) {
      result += c;
    } else {
      result += '%';
      result += digits[byte >> 4];
      result += digits[byte & 15];
    }
  }
  return result;
}

std::string joined(std::string_view base, std::string_view path,
                   const std::vector<std::pair<std::string, std::string>>& query) {
  std::string url = shown(base);
  while (url.ends_with('/')) url.pop_back();
  url += '/';
  url += path;
  char mark = '?';
  for (const auto& [name, value] : query) {
    if (value.empty()) continue;
    url += mark + encoded(name) + "=" + encoded(value);
    mark = '&';
  }
  return url;
}

std::string shown(std::string_view url) {
  std::string text(url.substr(0, url.find_first_of("?#")));
  // A name and password that do not belong there are not repeated either.
  const std::size_t scheme = text.find("://");
  const std::size_t start = scheme == std::string::npos ? 0 : scheme + 3;
  const std::size_t at = text.rfind('@', std::min(text.find('/', start), text.size()));
  if (at != std::string::npos && at >= start) text.erase(start, at + 1 - start);
  return text;
}

}  // namespace nodulus::net
