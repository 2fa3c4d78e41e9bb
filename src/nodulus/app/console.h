#pragma once

#include <atomic>
#include <chrono>
#include <cstdio>
#include <mutex>
#include <string>

#include "nodulus/core/monitor.h"

namespace nodulus::app {

/// The terminal: notes and warnings on stderr; progress with rate and time left, as one line that is written over on a
/// terminal and as plain lines, ten seconds apart, elsewhere. Ctrl-C asks for a stop; a second one ends the program.
class Console final : public Monitor {
 public:
  explicit Console(bool quiet);
  ~Console() override;

  void note(std::string_view line) override;
  void warn(std::string_view line) override;
  void progress(const Progress& progress) override;
  [[nodiscard]] bool stop_requested() const override;

 private:
  using Clock = std::chrono::steady_clock;
  void clear_line();

  bool quiet_;
  bool terminal_;
  bool finished_ = false;  ///< The stage's last unit has been shown.
  bool line_open_ = false;
  std::mutex mutex_;
  std::string stage_;
  std::int64_t stage_start_done_ = 0;
  Clock::time_point stage_start_;
  Clock::time_point last_shown_;
};

/// "1:05:09", "12:03", "8 s".
std::string duration_text(double seconds);

}  // namespace nodulus::app
