#include "nodulus/archive/collect.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <deque>
#include <exception>
#include <iterator>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <thread>

#include "nodulus/core/error.h"
#include "nodulus/core/files.h"
#include "nodulus/core/hash.h"

namespace nodulus::archive {
namespace {

/// What a series will take on disk where its archive did not say: slices of 512x512.
std::int64_t expected_bytes(const RemoteSeries& series) {
  constexpr std::int64_t slice = 528 << 10;
  constexpr std::int64_t slices = 250;
  return series.bytes >= 0 ? series.bytes : (series.files > 0 ? series.files : slices) * slice;
}

/// One batch: threads that take series from the front of what is missing until the batch is full.
class Batch {
 public:
  /// `failed_in_a_row`: series so far that the server failed at.
  Batch(Source& source, const CollectPlan& plan, std::deque<RemoteSeries>& missing, RawFolder& folder,
        const CollectOptions& options, CollectResult& result, int& failed_in_a_row, Monitor& monitor)
      : source_(source),
        plan_(plan),
        missing_(missing),
        folder_(folder),
        options_(options),
        result_(result),
        failed_in_a_row_(failed_in_a_row),
        monitor_(monitor),
        beside_bytes_(folder.bytes_beside()),
        kept_bytes_(folder.bytes_of_series()) {
    for (const RemoteSeries& series : missing_) total_bytes_ += expected_bytes(series);
  }

  /// The series that came. Throws what a thread threw, when all have ended.
  std::vector<std::string> run() {
    const auto count = std::min<std::size_t>(static_cast<std::size_t>(options_.connections), missing_.size());
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < count; ++i) threads.emplace_back([this] { work(); });
    for (std::thread& thread : threads) thread.join();
    if (thrown_) std::rethrow_exception(thrown_);
    return came_;
  }

 private:
  void work() {
    try {
      net::Client client(options_.client, monitor_);
      while (auto series = take()) fetch(client, std::move(*series));
    } catch (...) {
      const std::lock_guard lock(mutex_);
      if (!thrown_) thrown_ = std::current_exception();
      missing_.clear();
    }
  }

  /// The next series, unless the batch is full.
  std::optional<RemoteSeries> take() {
    const std::lock_guard lock(mutex_);
    if (missing_.empty() || full_ || thrown_) return std::nullopt;
    RemoteSeries series = missing_.front();
    missing_.pop_front();
    return series;
  }

  /// Keeps room for a series, whose zip and files lie there together for a while, or puts it back: the batch is full.
  bool reserve(const RemoteSeries& series) {
    const std::lock_guard lock(mutex_);
    const std::int64_t room = 2 * expected_bytes(series);
    const bool alone = kept_bytes_ + under_way_ == 0;  // a budget that one series breaks is no reason to have none
    const bool no_room =
        options_.budget_bytes > 0 && !alone && beside_bytes_ + kept_bytes_ + under_way_ + room > options_.budget_bytes;
    const auto most = static_cast<std::size_t>(options_.batch_patients);
    const bool enough = most > 0 && !patients_.contains(series.patient_id) && patients_.size() >= most;
    if (alone && options_.budget_bytes > 0 && beside_bytes_ + room > options_.budget_bytes)
      monitor_.warn(
          fmt::format("{}: the budget has no room for this series, which may take {:.1f} MB as it comes; one at "
                      "a time comes all the same",
                      series.series_uid, static_cast<double>(room) / 1e6));
    if (no_room || enough) {
      full_ = true;
      missing_.push_front(series);
      return false;
    }
    patients_.insert(series.patient_id);
    under_way_ += room;
    return true;
  }

  void fetch(net::Client& client, RemoteSeries series) {
    std::optional<Reject> fault = completed(client, series);
    std::int64_t came = 0;
    if (!fault && !plan_.selection.takes(series)) {
      const std::lock_guard lock(mutex_);
      --result_.listed;
      total_bytes_ -= std::min(total_bytes_, expected_bytes(series));
      return;
    }
    if (!fault) {
      if (!reserve(series)) return;
      Workplace place = folder_.workplace(series.series_uid, monitor_);
      place.on_bytes = [&](std::int64_t bytes) {
        came += bytes;
        tell(bytes, series);
      };
      fault = with_tries(client, series, place);
      const std::lock_guard lock(mutex_);
      under_way_ -= 2 * expected_bytes(series);
    }
    if (!fault) return;
    const std::lock_guard lock(mutex_);
    result_.rejects.push_back(*fault);
    monitor_.warn(fmt::format("{}: {}: {}", fault->where, fault->reason, fault->detail));
    total_bytes_ -= std::min(total_bytes_, expected_bytes(series));
    done_bytes_ -= came;
  }

  std::optional<Reject> completed(net::Client& client, RemoteSeries& series) {
    const std::int64_t before = expected_bytes(series);
    std::optional<Reject> fault;
    try {
      fault = source_.complete(client, series);
    } catch (const Error& error) {  // tried several times already
      if (error.code() != ErrorCode::io && error.code() != ErrorCode::bad_input) throw;
      return given_up(series, {series.series_uid, "the server fails", error.what()}, true);
    }
    const std::lock_guard lock(mutex_);
    total_bytes_ += expected_bytes(series) - before;
    return fault;
  }

  /// Nothing where the series is in its place, else why not.
  std::optional<Reject> with_tries(net::Client& client, const RemoteSeries& series, const Workplace& place) {
    net::RetryRule rule = options_.retry;
    rule.seed = stable_hash(series.series_uid);
    for (int number = 1;; ++number) {
      Fetched fetched = source_.fetch(client, series, place);
      if (const auto former = plan_.former.find(series.series_uid); !fetched.fault && former != plan_.former.end())
        fetched.fault = folder_.keep_beside(former->second, fetched.files);
      if (!fetched.fault) {
        sync_tree(place.folder);  // which takes its time, and has no need of the lock
        const std::lock_guard lock(mutex_);
        const Record& record = folder_.commit(series, std::move(fetched.files), source_.address());
        came_.push_back(series.series_uid);
        ++result_.fetched;
        result_.files += static_cast<std::int64_t>(record.files.size());
        result_.bytes += record.bytes();
        kept_bytes_ += record.bytes();
        failed_in_a_row_ = 0;
        return std::nullopt;
      }
      if (!fetched.worth_retry || number >= rule.tries) return given_up(series, *fetched.fault, fetched.server_failed);
      const auto seconds = rule.wait_s(number + 1, fetched.retry_after_s);
      if (!seconds) return given_up(series, *fetched.fault, true);
      monitor_.note(fmt::format("{}: {}: {}; try {} of {} in {:.1f} s", series.series_uid, fetched.fault->reason,
                                fetched.fault->detail, number + 1, rule.tries, *seconds));
      net::wait(*seconds, monitor_);
    }
  }

  /// What came of the series goes, but for a download that can be gone on with.
  std::optional<Reject> given_up(const RemoteSeries& series, Reject fault, bool server_failed) {
    folder_.give_up(series.series_uid);
    fault.where = series.series_uid;
    const std::lock_guard lock(mutex_);
    failed_in_a_row_ = server_failed ? failed_in_a_row_ + 1 : 0;
    if (failed_in_a_row_ < options_.give_up_after) return fault;
    result_.rejects.push_back(fault);
    throw Error(
        ErrorCode::io,
        fmt::format("{} series in a row could not be fetched, the last for '{}: {}'; what is there is kept, the "
                    "same command goes on from there",
                    failed_in_a_row_, fault.reason, fault.detail));
  }

  void tell(std::int64_t bytes, const RemoteSeries& series) {
    const std::lock_guard lock(mutex_);
    done_bytes_ += bytes;
    const std::int64_t total = std::max(total_bytes_, done_bytes_ + 1) >> 20;
    monitor_.progress({"fetching", done_bytes_ >> 20, std::max<std::int64_t>(total, 1), "MiB",
                       fmt::format("{} series here, {}", result_.there + result_.fetched,
                                   series.patient_id.empty() ? series.series_uid : series.patient_id)});
  }

  Source& source_;
  const CollectPlan& plan_;
  std::deque<RemoteSeries>& missing_;
  RawFolder& folder_;
  const CollectOptions& options_;
  CollectResult& result_;
  int& failed_in_a_row_;
  Monitor& monitor_;

  std::mutex mutex_;
  std::set<std::string> patients_;
  std::vector<std::string> came_;
  std::exception_ptr thrown_;
  bool full_ = false;
  std::int64_t beside_bytes_ = 0;  // readings, and what was under way when it was killed
  std::int64_t kept_bytes_ = 0;    // of whole series on disk
  std::int64_t under_way_ = 0;     // reserved for those that are being fetched
  std::int64_t total_bytes_ = 0;   // that are to come
  std::int64_t done_bytes_ = 0;
};

/// Hands batches over, and drops what was used of them.
class HandOver {
 public:
  HandOver(RawFolder& folder, const AfterBatch& after_batch) : folder_(folder), after_batch_(after_batch) {}

  void run(const std::vector<std::string>& uids) {
    if (!after_batch_ || uids.empty()) return;
    std::vector<const Record*> batch;
    batch.reserve(uids.size());
    for (const std::string& uid : uids) batch.push_back(&folder_.records().at(uid));
    const std::set<std::string> used = after_batch_(batch);
    ++batches_;
    last_ = uids;
    for (const std::string& uid : uids) {
      if (used.contains(uid)) {
        folder_.drop(uid);
        unused_.erase(uid);
      } else {
        unused_.insert(uid);
      }
    }
  }
  /// All that was not used, together; false where there is none, or it was just that the last time.
  bool run_rest() {
    const std::vector<std::string> rest(unused_.begin(), unused_.end());
    if (rest.empty() || std::is_permutation(rest.begin(), rest.end(), last_.begin(), last_.end())) return false;
    run(rest);
    return true;
  }
  [[nodiscard]] std::int64_t batches() const { return batches_; }
  [[nodiscard]] const std::set<std::string>& unused() const { return unused_; }

 private:
  RawFolder& folder_;
  const AfterBatch& after_batch_;
  std::int64_t batches_ = 0;
  std::set<std::string> unused_;
  std::vector<std::string> last_;
};

/// Series of the plan that are there and were not handed over, or not used.
std::vector<std::string> left_by_a_former_run(const CollectPlan& plan, const RawFolder& folder) {
  std::vector<std::string> uids;
  std::copy_if(plan.there.begin(), plan.there.end(), std::back_inserter(uids),
               [&](const std::string& uid) { return !folder.records().at(uid).dropped; });
  return uids;
}

}  // namespace

CollectPlan plan_collect(Source& source, const Selection& selection, const net::ClientOptions& client_options,
                         Monitor& monitor) {
  net::Client client(client_options, monitor);
  CollectPlan plan;
  plan.selection = selection;
  plan.missing = source.list(client, selection, plan.rejects);
  return plan;
}

void sort_out(CollectPlan& plan, const RawFolder& folder) {
  std::erase_if(plan.missing, [&](const RemoteSeries& series) {
    if (!folder.has(series.series_uid)) return false;
    plan.there.push_back(series.series_uid);
    return true;
  });
}

CollectResult collect(Source& source, const CollectPlan& plan, RawFolder& folder, const CollectOptions& options,
                      Monitor& monitor, const AfterBatch& after_batch) {
  const auto start = std::chrono::steady_clock::now();
  CollectResult result;
  result.listed = plan.listed();
  result.there = static_cast<std::int64_t>(plan.there.size());
  result.rejects = plan.rejects;
  std::deque<RemoteSeries> missing(plan.missing.begin(), plan.missing.end());
  HandOver hand_over(folder, after_batch);
  int failed_in_a_row = 0;
  try {
    hand_over.run(left_by_a_former_run(plan, folder));
    while (true) {
      const std::size_t before = missing.size();
      std::vector<std::string> came;
      if (before > 0) {
        came = Batch(source, plan, missing, folder, options, result, failed_in_a_row, monitor).run();
        folder.write_tables(result.rejects);
      }
      if (missing.size() < before) {
        hand_over.run(came);
        continue;
      }
      // At the end, or without room for more: perhaps they are of use together, or to what was made meanwhile.
      if (!hand_over.run_rest() || missing.empty()) break;
    }
  } catch (const Error& error) {
    try {
      folder.write_tables(result.rejects);
    } catch (const Error&) {  // a full disk, which `error` tells already
    }
    if (error.code() != ErrorCode::stopped) throw;
    throw Error(ErrorCode::stopped,
                fmt::format("collect stopped: {} of {} series are there, the same command goes on from there",
                            result.there + result.fetched, result.listed));
  }
  folder.write_tables(result.rejects);
  if (result.listed == 0 && plan.listed() > 0)
    throw Error(ErrorCode::not_found,
                fmt::format("none of {} series is of the patients and modality asked for", plan.listed()));
  result.left = static_cast<std::int64_t>(missing.size());
  result.batches = hand_over.batches();
  result.unused = static_cast<std::int64_t>(hand_over.unused().size());
  if (result.unused > 0) {
    std::vector<Reject> told = result.rejects;
    for (const std::string& uid : hand_over.unused())
      told.push_back({uid, "not used", "it was handed over, and nothing is made of it"});
    folder.write_tables(told);
  }
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return result;
}

RepairResult repair(RawFolder& folder, const SourceAt& source_at, const CollectOptions& options, int threads,
                    Monitor& monitor) {
  RepairResult result;
  std::map<std::string, CollectPlan> plans;  // by the server that the series came from
  for (Damage& damage : folder.verify(threads, monitor)) {
    ++result.damaged;
    for (Reject& fault : damage.faults) {
      monitor.warn(fault.where + ": " + fault.reason + ": " + fault.detail);
      result.faults.push_back(std::move(fault));
    }
    if (!damage.record) {
      result.unrepaired.push_back({damage.series_uid, "damaged record", "the command that fetched it does so anew"});
      continue;
    }
    CollectPlan& plan = plans[damage.record->from.dump()];
    RemoteSeries series = damage.record->series;
    series.files = std::count_if(damage.record->files.begin(), damage.record->files.end(),
                                 [](const ReceivedFile& file) { return !file.sop_uid.empty(); });
    series.bytes = -1;
    plan.missing.push_back(std::move(series));
    plan.former.emplace(damage.series_uid, std::move(*damage.record));
  }
  for (const auto& [address, plan] : plans) {
    CollectOptions all = options;
    all.budget_bytes = all.batch_patients = 0;  // it is all there already
    try {
      const auto source = source_at(Json::parse(address), all.client);
      CollectResult collected = collect(*source, plan, folder, all, monitor);
      std::move(collected.rejects.begin(), collected.rejects.end(), std::back_inserter(result.unrepaired));
    } catch (const Error& error) {
      if (error.code() != ErrorCode::io) throw;
      monitor.warn(error.what());
      for (const RemoteSeries& series : plan.missing) {
        const auto now = folder.records().find(series.series_uid);
        if (now == folder.records().end() || !now->second.is_new)
          result.unrepaired.push_back({series.series_uid, "the server fails", error.what()});
      }
    }
  }
  result.repaired = result.damaged - static_cast<std::int64_t>(result.unrepaired.size());
  folder.write_tables(result.unrepaired);
  return result;
}

}  // namespace nodulus::archive
