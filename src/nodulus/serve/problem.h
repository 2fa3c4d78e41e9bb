#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "nodulus/core/error.h"
#include "nodulus/core/manifest.h"

namespace nodulus::serve {

/// What is wrong with one value of a request.
struct FieldFault {
  std::string pointer;  ///< JSON pointer into the body (RFC 6901), or the name of a query parameter.
  std::string detail;   ///< What was expected and what was found.
};

/// A refusal or failure as the service tells it: problem details (RFC 9457). Never holds a secret or a path.
struct Problem {
  int status = 500;
  std::string code;  ///< For programs, such as "not_found", "too_large".
  std::string detail;
  std::vector<FieldFault> faults{};
  std::vector<std::pair<std::string, std::string>> headers{};  ///< Such as Retry-After.

  /// "type" (about the code), "title" (the status' own words), "status", "detail", "code", "request_id" and, where
  /// there are any, "faults".
  [[nodiscard]] Json json(std::string_view request_id) const;
};

/// The problem that an error of the program is to whoever asked: in full where it is about the request (usage).
Problem problem_of(const Error& error);

/// Ends a request with that problem. Only serve/ throws and catches it.
class Refusal : public Error {
 public:
  explicit Refusal(Problem problem) : Error(ErrorCode::usage, problem.detail), problem_(std::move(problem)) {}
  Refusal(int status, std::string code, std::string detail)
      : Refusal(Problem{status, std::move(code), std::move(detail)}) {}
  [[nodiscard]] const Problem& problem() const { return problem_; }

 private:
  Problem problem_;
};

/// The reason phrase of a status (RFC 9110 15).
std::string_view status_text(int status);

}  // namespace nodulus::serve
