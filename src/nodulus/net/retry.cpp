#include "nodulus/net/retry.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <thread>

#include "nodulus/core/error.h"
#include "nodulus/core/hash.h"

namespace nodulus::net {

std::optional<double> RetryRule::wait_s(int next, const std::optional<double>& retry_after_s) const {
  if (retry_after_s) return *retry_after_s <= patience_s ? std::optional(std::max(0.0, *retry_after_s)) : std::nullopt;
  const double whole = std::min(longest_s, first_s * std::exp2(next - 2));
  const auto hash = stable_hash(fmt::format("{}/{}", seed, next));
  return whole * (1 - 0.5 * static_cast<double>(hash >> 11) * 0x1p-53);
}

void wait(double seconds, Monitor& monitor) {
  using Clock = std::chrono::steady_clock;
  const auto until = Clock::now() + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
  while (true) {
    if (monitor.stop_requested()) throw Error(ErrorCode::stopped, "stopped");
    const auto left = until - Clock::now();
    if (left <= Clock::duration::zero()) return;
    std::this_thread::sleep_for(std::min<Clock::duration>(left, std::chrono::milliseconds(50)));
  }
}

Answer with_retries(const RetryRule& rule, const std::string& what, Monitor& monitor,
                    const std::function<Answer()>& attempt) {
  for (int number = 1;; ++number) {
    Answer answer = attempt();
    if (answer.good() || !answer.worth_retry || number >= rule.tries) return answer;
    const std::optional<double> seconds = rule.wait_s(number + 1, answer.retry_after_s);
    if (!seconds) {
      answer.problem += fmt::format("; it asks to come back in {:.0f} s", *answer.retry_after_s);
      return answer;
    }
    monitor.note(
        fmt::format("{}: {}; try {} of {} in {:.1f} s", what, answer.problem, number + 1, rule.tries, *seconds));
    wait(*seconds, monitor);
  }
}

}  // namespace nodulus::net
