#include "nodulus/serve/job_runner.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <thread>

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

bool is_id(std::string_view text) {
  return text.size() == 32 && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

}  // namespace

/// A job's progress goes to its record, and its end comes from there.
class JobRunner::JobMonitor final : public Monitor {
 public:
  JobMonitor(JobStore& store, std::string id, std::function<bool()> is_to_stop)
      : store_(store), id_(std::move(id)), is_to_stop_(std::move(is_to_stop)) {}
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
  [[nodiscard]] bool stop_requested() const override { return is_to_stop_(); }

 private:
  JobStore& store_;
  std::string id_;
  std::function<bool()> is_to_stop_;
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
  clear_halves();
}

void JobRunner::clear_halves() {
  std::set<std::string> there;
  std::vector<fs::path> strays;
  for (const auto& entry : fs::directory_iterator(results_)) {
    const std::string name = entry.path().filename().string();
    // A job's id, or what an artifact is called before it is whole; anything else is somebody's.
    const std::string id = is_id(name) ? name : name.starts_with('.') ? name.substr(1, 32) : name.substr(0, 32);
    if (!is_id(id)) continue;
    const auto job = store_.find(id);
    if (!job && store_.list("", 1).empty())
      throw Error(ErrorCode::exists, fmt::format("'{}' has results and jobs.sqlite knows of none: expected both, or "
                                                 "neither",
                                                 results_.string()));
    if (name != id || !job || job->state != JobState::done || job->bytes == 0)
      strays.push_back(entry.path());
    else
      there.insert(id);
  }
  for (const fs::path& stray : strays) remove_tree(stray);
  for (const Job& job : store_.with_results()) {
    if (!there.contains(job.id)) store_.forget_result(job.id);  // somebody took it
  }
}

JobRunner::~JobRunner() { stop(); }

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
  const auto job = store_.find(id);
  if (!job || has_ended(job->state)) return false;
  const std::lock_guard lock(mutex_);
  cancelled_.insert(id);  // heeded as soon as it has begun
  return true;
}

bool JobRunner::is_cancelled(const std::string& id) const {
  const std::lock_guard lock(mutex_);
  return cancelled_.contains(id);
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
  // What the store cannot take now (a full disk) it is told again: a job that has ended is not to run for ever.
  const auto ended = [&](JobState state, const Json& outcome, std::int64_t bytes) {
    while (true) {
      try {
        store_.end(job.id, state, outcome, bytes);
        break;
      } catch (const Error& failed) {
        log_(fmt::format("job {}: {}", job.id, failed.what()));
        if (stopping_) return;  // the next start begins it anew
        std::this_thread::sleep_for(std::chrono::seconds(1));
      }
    }
    const std::lock_guard lock(mutex_);
    cancelled_.erase(job.id);
  };
  const fs::path place = result(job.id);
  const auto failed = [&](const Problem& problem) {
    std::error_code ignored;
    fs::remove_all(place, ignored);
    ended(JobState::failed, problem.json(job.id), 0);
  };
  if (job.attempts > most_attempts) {
    failed({500, "internal", fmt::format("the service ended {} times while it did this", most_attempts)});
    return;
  }
  JobMonitor monitor(store_, job.id, [this, &job] { return stopping_ || is_cancelled(job.id); });
  Json figures;
  try {
    figures = own.run(job.request, place, monitor);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::stopped) {
      log_(fmt::format("job {} failed: {}", job.id, error.what()));
      failed(problem_of(error));
      return;
    }
    std::error_code ignored;
    fs::remove_all(place, ignored);
    ended(is_cancelled(job.id) ? JobState::cancelled : JobState::queued, nullptr, 0);
    return;
  } catch (const std::exception& error) {
    log_(fmt::format("job {} failed: {}", job.id, error.what()));
    failed({500, "internal", "the service failed; its log says at what"});
    return;
  }
  ended(JobState::done, figures, bytes_of(place));
}

void JobRunner::remove(const Job& job) {
  store_.erase(job.id);  // first: a result that is told of is whole
  remove_tree(result(job.id));
}

int JobRunner::clean() {
  const std::string oldest = utc_in_days(-retention_.days);
  std::int64_t kept = 0;
  int removed = 0;
  for (const Job& job : store_.with_results()) {  // newest first
    if (job.ended >= oldest && kept + job.bytes <= retention_.bytes) {
      kept += job.bytes;
      continue;
    }
    store_.forget_result(job.id);  // first: a result that is told of is whole
    remove_tree(result(job.id));
    ++removed;
  }
  return removed;
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
