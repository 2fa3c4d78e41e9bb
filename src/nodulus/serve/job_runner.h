#pragma once

#include <atomic>
#include <filesystem>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "nodulus/core/error.h"
#include "nodulus/core/monitor.h"
#include "nodulus/serve/job_store.h"
#include "nodulus/serve/token_store.h"

namespace nodulus::serve {

/// A kind of work that can be asked for, as the program hands it to the service.
struct JobKind {
  std::string name;     ///< "generation".
  std::string plural;   ///< Its collection's address: "generations".
  std::string summary;  ///< For the API's description.
  Role role = Role::generate;
  Json request_schema;  ///< JSON Schema of what is asked.
  Json example;         ///< Of a request.
  int at_once = 1;      ///< So many of them run at the same time.
  /// Decides what the request left open, a seed among it. Error{usage, not_found} for what cannot be done.
  std::function<Json(const Json& request)> complete;
  /// Does it: the result is the folder `result`, which is not there yet and appears whole. Figures to tell. Any Error;
  /// Error{stopped} where the monitor asked for it.
  std::function<Json(const Json& request, const std::filesystem::path& result, Monitor& monitor)> run;
};

/// For how long and how much results are kept.
struct Retention {
  double days = 30;
  std::int64_t bytes = std::int64_t{10} << 30;
};

/// Takes queued jobs and does them, each kind in threads of its own. A job is done again from its beginning where the
/// process was killed in the middle: its result is whole or not there.
class JobRunner {
 public:
  /// Clears what a killed process left half. Error{exists} where there are results of jobs that nobody knows. `log` is
  /// told what went wrong within the service, in a line.
  JobRunner(JobStore& store, std::filesystem::path results, std::vector<JobKind> kinds, Retention retention,
            std::function<void(const std::string& line)> log);
  JobRunner(const JobRunner&) = delete;
  JobRunner& operator=(const JobRunner&) = delete;
  /// stop().
  ~JobRunner();

  void start();
  /// Asks what runs to stop; it is queued again, for the next start. Waits for it.
  void stop();
  /// Asks a job to stop. False where there is none, or it has ended before.
  bool cancel(const std::string& id);
  [[nodiscard]] const std::vector<JobKind>& kinds() const { return kinds_; }
  [[nodiscard]] std::filesystem::path result(const std::string& id) const { return results_ / id; }
  /// Removes a job that has ended, and its result.
  void remove(const Job& job);
  /// Removes results beyond what is kept, oldest first. How many.
  int clean();

 private:
  class JobMonitor;
  void clear_halves();
  [[nodiscard]] bool is_cancelled(const std::string& id) const;
  void work(const JobKind& kind);
  void run(const JobKind& kind, const Job& job);
  void tidy();

  JobStore& store_;
  std::filesystem::path results_;
  std::vector<JobKind> kinds_;
  Retention retention_;
  std::function<void(const std::string&)> log_;
  std::atomic<bool> stopping_ = false;
  mutable std::mutex mutex_;
  std::set<std::string> cancelled_;  // and not yet ended
  std::vector<std::thread> threads_;
};

}  // namespace nodulus::serve
