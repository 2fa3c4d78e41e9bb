#pragma once

#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "nodulus/core/manifest.h"
#include "nodulus/core/monitor.h"

namespace nodulus::serve {

enum class JobState { queued, running, done, failed, cancelled };
std::string_view name(JobState state);
inline bool has_ended(JobState state) { return state != JobState::queued && state != JobState::running; }

/// Work that somebody asked for, as it is kept.
struct Job {
  std::string id;     ///< 32 random hexadecimal digits: nobody guesses another's.
  std::string kind;   ///< Such as "generation".
  std::string owner;  ///< A token's name; "": whoever is on this machine.
  Json asked;         ///< As it was asked.
  Json request;       ///< With everything that was left open decided, the seed among it.
  JobState state = JobState::queued;
  std::string created;  ///< UTC, ISO 8601.
  std::string started;
  std::string ended;
  int attempts = 0;
  Json outcome;                      ///< Figures of one that is done, the problem of one that failed; else null.
  std::int64_t bytes = 0;            ///< Of its result; 0: there is none, or none any more.
  std::vector<std::string> remarks;  ///< What it said on the way that concerns whoever asked.
  std::string stage;                 ///< How far one is that runs.
  std::int64_t done = 0;
  std::int64_t total = 0;
  std::string unit;
};

/// jobs.sqlite: what was accepted survives a kill (SQLite in WAL mode, every commit on disk). For one process; any of
/// its threads.
class JobStore {
 public:
  /// Jobs that were running when the former process ended are queued again. Error{bad_input} where the file is no such
  /// database, or of a newer program; Error{exists} where another process has it; Error{io}.
  explicit JobStore(const std::filesystem::path& file);
  JobStore(const JobStore&) = delete;
  JobStore& operator=(const JobStore&) = delete;
  ~JobStore();

  /// A new job; or, where `key` is not empty and its owner gave the same before, that one, and false. Refusal 422 where
  /// it was given with another request.
  std::pair<Job, bool> create(const std::string& kind, const std::string& owner, const Json& asked, const Json& request,
                              const std::string& key = "");
  /// The job that an owner gave this key (Idempotency-Key).
  [[nodiscard]] std::optional<Job> find_key(const std::string& owner, const std::string& key) const;
  [[nodiscard]] std::optional<Job> find(const std::string& id) const;
  /// Newest first; those before the job `before`, where it is not empty.
  [[nodiscard]] std::vector<Job> list(const std::string& kind, int limit, const std::string& before = "") const;
  /// Those whose results are there, newest first.
  [[nodiscard]] std::vector<Job> with_results() const;
  [[nodiscard]] std::map<JobState, std::int64_t> counts() const;
  [[nodiscard]] std::int64_t count(JobState state) const;

  /// The oldest queued job of these kinds, running now.
  std::optional<Job> take(const std::vector<std::string>& kinds);
  void tell(const std::string& id, const Progress& progress);
  void remark(const std::string& id, std::string_view line);
  /// `state` is done, failed or cancelled, or queued to begin anew.
  void end(const std::string& id, JobState state, const Json& outcome, std::int64_t bytes);
  /// A queued job is cancelled at once; true where it was.
  bool cancel_queued(const std::string& id);
  /// Its result has been removed.
  void forget_result(const std::string& id);
  void erase(const std::string& id);

  /// A number that changes whenever something about a job that runs does; 0 for one that does not.
  [[nodiscard]] std::uint64_t version(const std::string& id) const;
  /// Waits until it is another than `version`, or so long. The number then.
  [[nodiscard]] std::uint64_t wait(const std::string& id, std::uint64_t version, double seconds) const;
  /// A number that rises with each job that can be taken; waits until it is another than `seen`, or so long.
  [[nodiscard]] std::uint64_t work() const;
  void wait_for_work(std::uint64_t seen, double seconds) const;
  /// Wakes all who wait for work.
  void wake();

 private:
  struct Database;
  struct Live;
  [[nodiscard]] Job with_live(Job job) const;
  void changed(const std::string& id);

  std::unique_ptr<Database> database_;
  mutable std::mutex mutex_;
  mutable std::condition_variable condition_;
  std::map<std::string, Live> live_;  // of jobs that run
  std::uint64_t work_ = 0;            // rises with each job that can be taken
};

}  // namespace nodulus::serve
