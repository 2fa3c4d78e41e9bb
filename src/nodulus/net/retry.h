#pragma once

#include <functional>
#include <string>

#include "nodulus/core/monitor.h"
#include "nodulus/net/client.h"

namespace nodulus::net {

/// When to try again: after first_s, then twice as long each time, up to longest_s; a server's own Retry-After wins, up
/// to patience_s. Waits are shortened by up to a half, by `seed` and the number of the try, so that several connections
/// do not come back at once.
struct RetryRule {
  int tries = 6;
  double first_s = 1;
  double longest_s = 60;
  double patience_s = 600;
  std::uint64_t seed = 0;

  /// Seconds before try `next` (from 2), or nothing where the server asks for more patience than there is.
  [[nodiscard]] std::optional<double> wait_s(int next, const std::optional<double>& retry_after_s) const;
};

/// Sleeps in short steps. Error{stopped} where the monitor asks for it.
void wait(double seconds, Monitor& monitor);

/// Calls `attempt` until its answer is good or not worth another try, at most rule.tries times. `what` names the thing
/// in notes: "<what>: <problem>; try 2 of 6 in 3 s".
Answer with_retries(const RetryRule& rule, const std::string& what, Monitor& monitor,
                    const std::function<Answer()>& attempt);

}  // namespace nodulus::net
