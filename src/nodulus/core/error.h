#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

namespace nodulus {

/// What kind of failure an Error is. The program's exit code and the server's HTTP status follow from it.
enum class ErrorCode {
  usage,      ///< The request itself is wrong: unknown option, value out of range. Exit code 2.
  not_found,  ///< A file, folder or name that was asked for does not exist.
  exists,     ///< The target is there already and --force was not given.
  bad_input,  ///< A file was read and is not what it should be.
  io,         ///< The operating system refused: disk full, no permission.
  stopped,    ///< The user asked to stop; what was done is saved.
  internal,   ///< A broken promise of our own code.
};

/// The one exception type of nodulus. Libraries throw it; main() and the server catch it.
/// The message is one line: what was expected, what was found, and where.
class Error : public std::runtime_error {
 public:
  Error(ErrorCode code, const std::string& message) : std::runtime_error(message), code_(code) {}
  [[nodiscard]] ErrorCode code() const noexcept { return code_; }

 private:
  ErrorCode code_;
};

/// The code's name as the JSON output spells it, such as "bad_input".
constexpr std::string_view name(ErrorCode code) {
  switch (code) {
    case ErrorCode::usage: return "usage";
    case ErrorCode::not_found: return "not_found";
    case ErrorCode::exists: return "exists";
    case ErrorCode::bad_input: return "bad_input";
    case ErrorCode::io: return "io";
    case ErrorCode::stopped: return "stopped";
    case ErrorCode::internal: return "internal";
  }
  return "internal";
}

}  // namespace nodulus
