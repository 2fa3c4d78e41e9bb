#include "nodulus/app/console.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cmath>
#include <csignal>

namespace nodulus::app {
namespace {

std::atomic<bool> stop_flag{false};

extern "C" void on_interrupt(int /*signal*/) {
  stop_flag = true;
  std::signal(SIGINT, SIG_DFL);
  std::signal(SIGTERM, SIG_DFL);
}

}  // namespace

Console::Console(bool quiet) : quiet_(quiet), terminal_(::isatty(STDERR_FILENO) == 1) {
  std::signal(SIGINT, on_interrupt);
  std::signal(SIGTERM, on_interrupt);
}

Console::~Console() { clear_line(); }

void Console::clear_line() {
  if (line_open_) std::fputs("\r\x1b[K", stderr);
  line_open_ = false;
}

void Console::note(std::string_view line) {
  if (quiet_) return;
  const std::lock_guard lock(mutex_);
  clear_line();
  fmt::print(stderr, "{}\n", line);
}

void Console::warn(std::string_view line) {
  const std::lock_guard lock(mutex_);
  clear_line();
  fmt::print(stderr, "warning: {}\n", line);
}

void Console::progress(const Progress& progress) {
  if (quiet_) return;
  const std::lock_guard lock(mutex_);
  const auto now = Clock::now();
  if (stage_ != progress.stage) {
    stage_ = progress.stage;
    stage_start_ = now;
    stage_start_done_ = progress.done;
    finished_ = false;
    last_shown_ = {};
  }
  const bool last = progress.total > 0 && progress.done >= progress.total;
  if (last && finished_) return;  // said already
  finished_ = last;
  const double pause = terminal_ ? 0.1 : 10.0;
  const double since = std::chrono::duration<double>(now - last_shown_).count();
  if (since < pause && !last) return;
  last_shown_ = now;
  const double elapsed = std::chrono::duration<double>(now - stage_start_).count();
  const double rate = elapsed > 0 ? static_cast<double>(progress.done - stage_start_done_) / elapsed : 0;
  std::string line = fmt::format("{}: {}", progress.stage, progress.done);
  if (progress.total > 0) line += fmt::format("/{}", progress.total);
  line += fmt::format(" {}", progress.unit);
  if (rate > 0 && progress.unit != "s") line += fmt::format("  {:.{}f}/s", rate, rate < 10 ? 2 : 0);
  if (!progress.detail.empty()) line += fmt::format("  {}", progress.detail);
  if (rate > 0 && progress.total > 0 && !last)
    line += fmt::format("  {} left", duration_text(static_cast<double>(progress.total - progress.done) / rate));
  if (terminal_) {
    fmt::print(stderr, "\r\x1b[K{}", line);
    line_open_ = true;
    if (last) {
      std::fputs("\n", stderr);
      line_open_ = false;
    }
  } else {
    fmt::print(stderr, "{}\n", line);
  }
  std::fflush(stderr);
}

bool Console::stop_requested() const { return stop_flag; }

std::string duration_text(double seconds) {
  const auto whole = static_cast<std::int64_t>(std::llround(seconds));
  if (whole < 60) return fmt::format("{} s", whole);
  if (whole < 3600) return fmt::format("{}:{:02}", whole / 60, whole % 60);
  return fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60);
}

}  // namespace nodulus::app
