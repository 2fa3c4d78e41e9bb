#include "nodulus/serve/job_runner.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "nodulus/core/files.h"
#include "nodulus/serve/problem.h"

namespace nodulus::serve {
namespace {

namespace fs = std::filesystem;

constexpr int most_attempts =
    30;  // kills from outside are many at most; a job that kills the process is no longer tried
constexpr double tidy_every_s = 60;

std::int64_t bytes_of(const fs::path& folder) {
  std::int64_t bytes = 0;
  std::error_code error;
  for (fs::recursive_directory_iterator at(folder, error), end; !error && at != end; at.increment(error))
    bytes += at->is_regular_file(error) ? static_cast<std::int64_t>(at->file_size(error)) : 0;
  return bytes;
}

}  // namespace

/// A job's progress goes to its record, and its end comes from there.
class JobRunner::JobMonitor final : public Monitor {
 public:
  JobMonitor(JobStore& store, std::string id, const std::atomic<bool>& cancelled, const std::atomic<bool>& stopping)
      : store_(store), id_(std::move(id)), cancelled_(cancelled), stopping_(stopping) {}
  void note(std::string_view) override {}
  void warn(std::string_view line) override { store_.remark(id_, line); }
  void progress(const Progress& progress) override {
    using Clock = std::chrono::steady_clock;
    const Clock::time_point now = Clock::now();
    {
      const std::lock_guard lock(mutex_);
      const bool last = progress.total > 0 && progress.done >= progress.total;
      if (!last && now - told_ < std::chrono::milliseconds(100)) return;
      told_ = now;
    }
    store_.tell(id_, progress);
  }
  [[nodiscard]] bool stop_requested() const override { return cancelled_ || stopping_; }

 private:
  JobStore& store_;
  std::string id_;
  const std::atomic<bool>& cancelled_;
  const std::atomic<bool>& stopping_;
  std::mutex mutex_;
  std::chrono::steady_clock::time_point told_;
};

JobRunner::JobRunner(JobStore& store, fs::path results, std::vector<JobKind> kinds, Retention retention,
                     std::function<void(const std::string&)> log)
    : store_(store),
      results_(std::move(results)),
      kinds_(std::move(kinds)),
      retention_(retention),
      log_(std::move(log)) {
  std::error_code error;
  fs::create_directories(results_, error);
  if (error) throw Error(ErrorCode::io, fmt::format("cannot create '{}': {}", results_.string(), error.message()));
  // Whatever is no result of a job that is done: halves, and results whose job was not yet told so.
  std::vector<fs::path> strays;
  for (const auto& entry : fs::directory_iterator(results_)) {
    const auto job = store_.find(entry.path().filename().string());
    if (!job || job->state != JobState::done || job->bytes == 0) strays.push_back(entry.path());
  }
  for (const fs::path& stray : strays) remove_tree(stray);
}

JobRunner::~JobRunner() { stop(); }

const JobKind* JobRunner::kind(std::string_view wanted) const {
  const auto found = std::find_if(kinds_.begin(), kinds_.end(), [&](const JobKind& one) { return one.name == wanted; });
  return found == kinds_.end() ? nullptr : &*found;
}

void JobRunner::start() {
  for (const JobKind& one : kinds_) {
    for (int i = 0; i < one.at_once; ++i) threads_.emplace_back([this, &one] { work(one); });
  }
  threads_.emplace_back([this] { tidy(); });
}

void JobRunner::stop() {
  stopping_ = true;
  store_.wake();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

bool JobRunner::cancel(const std::string& id) {
  if (store_.cancel_queued(id)) return true;
  const std::lock_guard lock(mutex_);
  const auto found = running_.find(id);
  if (found == running_.end()) return false;
  *found->second = true;
  return true;
}

void JobRunner::work(const JobKind& own) {
  while (!stopping_) {
    const std::uint64_t seen = store_.work();
    try {
      if (const auto job = store_.take({own.name})) {
        run(own, *job);
      } else {
        store_.wait_for_work(seen, 60);
      }
    } catch (const std::exception& failed) {  // of the store: the disk is full, for one
      log_(fmt::format("jobs: {}", failed.what()));
      if (!stopping_) store_.wait_for_work(store_.work(), 5);
    }
  }
}

void JobRunner::run(const JobKind& own, const Job& job) {
  std::atomic<bool> cancelled = false;
  {
    const std::lock_guard lock(mutex_);
    running_[job.id] = &cancelled;
  }
  const auto ended = [&](JobState state, const Json& outcome, std::int64_t bytes) {
    {
      const std::lock_guard lock(mutex_);
      running_.erase(job.id);
    }
    store_.end(job.id, state, outcome, bytes);
  };
  const fs::path place = result(job.id);
  const auto failed = [&](const Problem& problem) {
    std::error_code ignored;
    fs::remove_all(place, ignored);
    ended(JobState::failed, problem.json(""), 0);
  };
  if (job.attempts > most_attempts) {
    failed({500, "internal", fmt::format("the service ended {} times while it did this", most_attempts)});
    return;
  }
  JobMonitor monitor(store_, job.id, cancelled, stopping_);
  try {
    const Json figures = own.run(job.request, place, monitor);
    ended(JobState::done, figures, bytes_of(place));
  } catch (const Error& error) {
    if (error.code() != ErrorCode::stopped) {
      log_(fmt::format("job {} failed: {}", job.id, error.what()));
      failed(problem_of(error));
      return;
    }
    std::error_code ignored;
    fs::remove_all(place, ignored);
    ended(cancelled ? JobState::cancelled : JobState::queued, nullptr, 0);
  } catch (const std::exception& error) {
    log_(fmt::format("job {} failed: {}", job.id, error.what()));
    failed({500, "internal", "the service failed; its log says at what"});
  }
}

void JobRunner::remove(const Job& job) {
  remove_tree(result(job.id));
  store_.erase(job.id);
}

int JobRunner::clean() {
  const std::string oldest = utc_in_days(-retention_.days);
  std::int64_t kept = 0;
  int removed = 0;
  std::string before;
  while (true) {
    const auto jobs = store_.list("", 500, before);  // newest first
    for (const Job& job : jobs) {
      if (!has_ended(job.state) || job.bytes == 0) continue;
      kept += job.bytes;
      if (job.ended >= oldest && kept <= retention_.bytes) continue;
      store_.forget_result(job.id);  // first: a result that is told of is whole
      remove_tree(result(job.id));
      kept -= job.bytes;
      ++removed;
    }
    if (jobs.size() < 500) return removed;
    before = jobs.back().id;
  }
}

void JobRunner::tidy() {
  std::uint64_t seen = store_.work();
  auto last = std::chrono::steady_clock::time_point();
  while (!stopping_) {
    const auto now = std::chrono::steady_clock::now();
    if (now - last >= std::chrono::duration<double>(tidy_every_s)) {
      last = now;
      try {
        if (const int removed = clean(); removed > 0) log_(fmt::format("jobs: {} old results removed", removed));
      } catch (const std::exception& failed) {
        log_(fmt::format("jobs: old results: {}", failed.what()));
      }
    }
    store_.wait_for_work(seen, tidy_every_s);
    seen = store_.work();
  }
}

}  // namespace nodulus::serve
