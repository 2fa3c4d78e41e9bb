#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace nodulus {

/// How far a piece of long work has come.
struct Progress {
  std::string_view stage;   ///< What is being done: "reading", "training".
  std::int64_t done = 0;    ///< Units finished.
  std::int64_t total = 0;   ///< Units in all; 0 where it is not known.
  std::string_view unit;    ///< What is counted: "slices", "steps".
  std::string_view detail;  ///< Anything worth a glance, such as the loss; may be empty.
};

/// What a library may tell the person who waits, and how that person may ask it to stop.
/// Libraries print nothing themselves: the program writes to the terminal, the server to a job's record.
/// Every function may be called from any thread.
class Monitor {
 public:
  Monitor() = default;
  Monitor(const Monitor&) = delete;
  Monitor& operator=(const Monitor&) = delete;
  virtual ~Monitor() = default;

  virtual void note(std::string_view line) = 0;
  virtual void warn(std::string_view line) = 0;
  virtual void progress(const Progress& progress) = 0;
  /// True once the user asked to stop (Ctrl-C). Long loops check it, save what they have and throw
  /// Error{stopped}.
  [[nodiscard]] virtual bool stop_requested() const = 0;
};

/// A Monitor that says nothing and never stops: for tests and for callers who do not care.
class SilentMonitor final : public Monitor {
 public:
  void note(std::string_view) override {}
  void warn(std::string_view) override {}
  void progress(const Progress&) override {}
  [[nodiscard]] bool stop_requested() const override { return false; }
};

}  // namespace nodulus
