#include "nodulus/net/secret.h"

#include <algorithm>
#include <cstdlib>

#include "nodulus/core/atomic_file.h"
#include "nodulus/core/error.h"

namespace nodulus::net {
namespace {

/// Throws unless `value` is a line of text that a header can hold.
std::string checked(std::string value, const std::string& where) {
  while (!value.empty() && (value.back() == '\n' || value.back() == '\r')) value.pop_back();
  if (value.empty()) throw Error(ErrorCode::bad_input, where + ": expected a secret, found nothing");
  if (std::any_of(value.begin(), value.end(), [](unsigned char c) { return c < ' ' || c == 127; }))
    throw Error(ErrorCode::bad_input, where + ": expected one line of text, found several or control characters");
  return value;
}

}  // namespace

Secret Secret::from(const char* variable, const std::filesystem::path& file) {
  if (!file.empty()) return Secret(checked(read_file(file), file.string()));
  const char* const value = std::getenv(variable);  // read once, before any thread is started
  return value == nullptr || *value == '\0' ? Secret() : Secret(checked(value, variable));
}

}  // namespace nodulus::net
