#include "nodulus/serve/job_store.h"

#include <SQLiteCpp/SQLiteCpp.h>
#include <fmt/format.h>
#include <sqlite3.h>

#include <chrono>
#include <functional>

#include "nodulus/core/error.h"
#include "nodulus/serve/problem.h"
#include "nodulus/serve/token_store.h"

namespace nodulus::serve {
namespace {

constexpr int schema_version = 1;
constexpr const char* schema =
    "CREATE TABLE jobs ("
    " number INTEGER PRIMARY KEY AUTOINCREMENT,"  // the order in which they came
    " id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, owner TEXT NOT NULL, asked TEXT NOT NULL,"
    " request TEXT NOT NULL,"
    " key TEXT, state TEXT NOT NULL, created TEXT NOT NULL, started TEXT NOT NULL DEFAULT '',"
    " ended TEXT NOT NULL DEFAULT '', attempts INTEGER NOT NULL DEFAULT 0, outcome TEXT NOT NULL DEFAULT 'null',"
    " remarks TEXT NOT NULL DEFAULT '[]', bytes INTEGER NOT NULL DEFAULT 0);"
    "CREATE UNIQUE INDEX jobs_key ON jobs (owner, key) WHERE key IS NOT NULL;"
    "CREATE INDEX jobs_state ON jobs (state, number);";
constexpr const char* columns =
    "id, kind, owner, request, state, created, started, ended, attempts, outcome, bytes, remarks, asked";

constexpr std::array states{JobState::queued, JobState::running, JobState::done, JobState::failed, JobState::cancelled};

JobState state_of(const std::string& text) {
  for (const JobState state : states) {
    if (name(state) == text) return state;
  }
  throw Error(ErrorCode::bad_input, "jobs.sqlite: expected a job's state, found '" + text + "'");
}

Job job_of(SQLite::Statement& row) {
  Job job;
  job.id = row.getColumn(0).getString();
  job.kind = row.getColumn(1).getString();
  job.owner = row.getColumn(2).getString();
  job.request = Json::parse(row.getColumn(3).getString());
  job.state = state_of(row.getColumn(4).getString());
  job.created = row.getColumn(5).getString();
  job.started = row.getColumn(6).getString();
  job.ended = row.getColumn(7).getString();
  job.attempts = row.getColumn(8).getInt();
  job.outcome = Json::parse(row.getColumn(9).getString());
  job.bytes = row.getColumn(10).getInt64();
  job.remarks = Json::parse(row.getColumn(11).getString()).get<std::vector<std::string>>();
  job.asked = Json::parse(row.getColumn(12).getString());
  return job;
}

}  // namespace

std::string_view name(JobState state) {
  switch (state) {
    case JobState::queued: return "queued";
    case JobState::running: return "running";
    case JobState::done: return "done";
    case JobState::failed: return "failed";
    case JobState::cancelled: return "cancelled";
  }
  return "failed";
}

struct JobStore::Database {
  explicit Database(const std::filesystem::path& path)
      : file(path), connection(path.string(), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE) {}

  /// What SQLite throws, as ours.
  template <class Work>
  auto guarded(const Work& work) -> decltype(work()) {
    try {
      return work();
    } catch (const SQLite::Exception& failed) {
      const int code = failed.getErrorCode();
      const ErrorCode ours = code == SQLITE_NOTADB || code == SQLITE_CORRUPT ? ErrorCode::bad_input
                             : code == SQLITE_BUSY || code == SQLITE_LOCKED  ? ErrorCode::exists
                                                                             : ErrorCode::io;
      throw Error(ours, fmt::format("'{}': {}{}", file.string(), failed.what(),
                                    ours == ErrorCode::exists ? "; another service has it" : ""));
    }
  }
  void run(const std::string& sql, const std::vector<std::string>& values = {}) {
    SQLite::Statement statement(connection, sql);
    for (std::size_t i = 0; i < values.size(); ++i) statement.bind(static_cast<int>(i) + 1, values[i]);
    while (statement.executeStep()) continue;
  }
  std::vector<Job> jobs(const std::string& where, const std::vector<std::string>& values) {
    SQLite::Statement statement(connection, fmt::format("SELECT {} FROM jobs {}", columns, where));
    for (std::size_t i = 0; i < values.size(); ++i) statement.bind(static_cast<int>(i) + 1, values[i]);
    std::vector<Job> found;
    while (statement.executeStep()) found.push_back(job_of(statement));
    return found;
  }

  std::filesystem::path file;
  SQLite::Database connection;
};

struct JobStore::Live {
  std::uint64_t version = 0;
  std::string stage;
  std::int64_t done = 0;
  std::int64_t total = 0;
  std::string unit;
  std::vector<std::string> remarks;
};

JobStore::JobStore(const std::filesystem::path& file) {
  try {
    database_ = std::make_unique<Database>(file);
  } catch (const SQLite::Exception& failed) {
    throw Error(ErrorCode::io, fmt::format("cannot open '{}': {}", file.string(), failed.what()));
  }
  database_->guarded([&] {
    SQLite::Database& connection = database_->connection;
    connection.exec("PRAGMA locking_mode = EXCLUSIVE");  // one service; held by the first write below
    connection.exec("PRAGMA journal_mode = WAL");
    connection.exec("PRAGMA synchronous = FULL");  // what was accepted outlives the machine's power too
    const int version = connection.execAndGet("PRAGMA user_version").getInt();
    if (version > schema_version)
      throw Error(ErrorCode::bad_input, fmt::format("'{}': expected jobs of version {}, found {}, of a newer program",
                                                    file.string(), schema_version, version));
    SQLite::Transaction change(connection);
    if (version == 0) {
      connection.exec(schema);
      connection.exec(fmt::format("PRAGMA user_version = {}", schema_version));
    }
    connection.exec("UPDATE jobs SET state = 'queued', started = '' WHERE state = 'running'");
    change.commit();
  });
}

JobStore::~JobStore() = default;

std::pair<Job, bool> JobStore::create(const std::string& kind, const std::string& owner, const Json& asked,
                                      const Json& request, const std::string& key) {
  const std::lock_guard lock(mutex_);
  return database_->guarded([&]() -> std::pair<Job, bool> {
    if (!key.empty()) {  // by somebody who was a moment faster
      auto before = database_->jobs("WHERE owner = ? AND key = ?", {owner, key});
      if (!before.empty()) {
        if (before[0].kind != kind || before[0].asked != asked)
          throw Refusal(422, "key_reused", "this Idempotency-Key was given with another request");
        return {with_live(std::move(before[0])), false};
      }
    }
    const std::string id = hex(random_bytes(16));
    SQLite::Statement insert(
        database_->connection,
        "INSERT INTO jobs (id, kind, owner, asked, request, key, state, created) VALUES (?,?,?,?,?,?,?,?)");
    insert.bind(1, id);
    insert.bind(2, kind);
    insert.bind(3, owner);
    insert.bind(4, asked.dump());
    insert.bind(5, request.dump());
    if (key.empty()) {
      insert.bind(6);
    } else {
      insert.bind(6, key);
    }
    insert.bind(7, std::string(name(JobState::queued)));
    insert.bind(8, utc_in_days(0));
    insert.exec();
    ++work_;
    condition_.notify_all();
    return {database_->jobs("WHERE id = ?", {id}).at(0), true};
  });
}

std::optional<Job> JobStore::find_key(const std::string& owner, const std::string& key) const {
  const std::lock_guard lock(mutex_);
  return database_->guarded([&]() -> std::optional<Job> {
    auto found = database_->jobs("WHERE owner = ? AND key = ?", {owner, key});
    if (found.empty()) return std::nullopt;
    return with_live(std::move(found[0]));
  });
}

Job JobStore::with_live(Job job) const {
  const auto found = live_.find(job.id);
  if (found == live_.end()) return job;
  const Live& live = found->second;
  job.stage = live.stage;
  job.done = live.done;
  job.total = live.total;
  job.unit = live.unit;
  job.remarks = live.remarks;
  return job;
}

std::optional<Job> JobStore::find(const std::string& id) const {
  const std::lock_guard lock(mutex_);
  return database_->guarded([&]() -> std::optional<Job> {
    auto found = database_->jobs("WHERE id = ?", {id});
    if (found.empty()) return std::nullopt;
    return with_live(std::move(found[0]));
  });
}

std::vector<Job> JobStore::list(const std::string& kind, int limit, const std::string& before) const {
  const std::lock_guard lock(mutex_);
  return database_->guarded([&] {
    std::string where = "WHERE 1";
    std::vector<std::string> values;
    if (!kind.empty()) {
      where += " AND kind = ?";
      values.push_back(kind);
    }
    if (!before.empty()) {
      where += " AND number < (SELECT number FROM jobs WHERE id = ?)";
      values.push_back(before);
    }
    auto found = database_->jobs(fmt::format("{} ORDER BY number DESC LIMIT {}", where, limit), values);
    for (Job& job : found) job = with_live(std::move(job));
    return found;
  });
}

std::map<JobState, std::int64_t> JobStore::counts() const {
  const std::lock_guard lock(mutex_);
  return database_->guarded([&] {
    std::map<JobState, std::int64_t> counts;
    for (const JobState state : states) counts[state] = 0;
    SQLite::Statement rows(database_->connection, "SELECT state, COUNT(*) FROM jobs GROUP BY state");
    while (rows.executeStep()) counts[state_of(rows.getColumn(0).getString())] = rows.getColumn(1).getInt64();
    return counts;
  });
}

std::vector<Job> JobStore::with_results() const {
  const std::lock_guard lock(mutex_);
  return database_->guarded([&] { return database_->jobs("WHERE bytes > 0 ORDER BY number DESC", {}); });
}

std::int64_t JobStore::count(JobState state) const {
  const std::lock_guard lock(mutex_);
  return database_->guarded([&] {
    SQLite::Statement rows(database_->connection, "SELECT COUNT(*) FROM jobs WHERE state = ?");
    rows.bind(1, std::string(name(state)));
    rows.executeStep();
    return rows.getColumn(0).getInt64();
  });
}

std::optional<Job> JobStore::take(const std::vector<std::string>& kinds) {
  const std::lock_guard lock(mutex_);
  return database_->guarded([&]() -> std::optional<Job> {
    std::string places;
    for (std::size_t i = 0; i < kinds.size(); ++i) places += i == 0 ? "?" : ",?";
    const auto found =
        database_->jobs(fmt::format("WHERE state = 'queued' AND kind IN ({}) ORDER BY number LIMIT 1", places), kinds);
    if (found.empty()) return std::nullopt;
    database_->run("UPDATE jobs SET state = 'running', attempts = attempts + 1, started = ? WHERE id = ?",
                   {utc_in_days(0), found[0].id});
    live_[found[0].id] = Live{live_[found[0].id].version, {}, 0, 0, {}, {}};
    changed(found[0].id);
    return database_->jobs("WHERE id = ?", {found[0].id}).at(0);
  });
}

void JobStore::changed(const std::string& id) {
  ++live_[id].version;
  condition_.notify_all();
}

void JobStore::tell(const std::string& id, const Progress& progress) {
  const std::lock_guard lock(mutex_);
  Live& live = live_[id];
  live.stage = progress.stage;
  live.done = progress.done;
  live.total = progress.total;
  live.unit = progress.unit;
  changed(id);
}

void JobStore::remark(const std::string& id, std::string_view line) {
  constexpr std::size_t most = 100;
  const std::lock_guard lock(mutex_);
  Live& live = live_[id];
  if (live.remarks.size() < most) live.remarks.emplace_back(line);
  changed(id);
}

void JobStore::end(const std::string& id, JobState state, const Json& outcome, std::int64_t bytes) {
  const auto text = [](const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); };
  const std::lock_guard lock(mutex_);
  const auto live = live_.find(id);
  const Json remarks = live == live_.end() ? Json::array() : Json(live->second.remarks);
  database_->guarded([&] {
    database_->run(
        fmt::format("UPDATE jobs SET state = ?, outcome = ?, remarks = ?, ended = ?, bytes = {}{} WHERE id = ?", bytes,
                    has_ended(state) ? "" : ", attempts = attempts - 1"),  // given back, not failed
        {std::string(name(state)), text(outcome), text(remarks), has_ended(state) ? utc_in_days(0) : "", id});
  });
  if (has_ended(state)) {
    live_.erase(id);  // what is to be known of it is in the database now
  } else {
    ++work_;
  }
  condition_.notify_all();
}

bool JobStore::cancel_queued(const std::string& id) {
  const std::lock_guard lock(mutex_);
  const bool was = database_->guarded([&] {
    database_->run("UPDATE jobs SET state = 'cancelled', ended = ? WHERE id = ? AND state = 'queued'",
                   {utc_in_days(0), id});
    return database_->connection.getChanges() > 0;
  });
  condition_.notify_all();
  return was;
}

void JobStore::forget_result(const std::string& id) {
  const std::lock_guard lock(mutex_);
  database_->guarded([&] { database_->run("UPDATE jobs SET bytes = 0 WHERE id = ?", {id}); });
  condition_.notify_all();
}

void JobStore::erase(const std::string& id) {
  const std::lock_guard lock(mutex_);
  database_->guarded([&] { database_->run("DELETE FROM jobs WHERE id = ?", {id}); });
  live_.erase(id);
  condition_.notify_all();
}

std::uint64_t JobStore::version(const std::string& id) const {
  const std::lock_guard lock(mutex_);
  const auto found = live_.find(id);
  return found == live_.end() ? 0 : found->second.version;
}

std::uint64_t JobStore::wait(const std::string& id, std::uint64_t version, double seconds) const {
  std::unique_lock lock(mutex_);
  const auto now = [&] {
    const auto found = live_.find(id);
    return found == live_.end() ? 0 : found->second.version;
  };
  condition_.wait_for(lock, std::chrono::duration<double>(seconds), [&] { return now() != version; });
  return now();
}

std::uint64_t JobStore::work() const {
  const std::lock_guard lock(mutex_);
  return work_;
}

void JobStore::wait_for_work(std::uint64_t seen, double seconds) const {
  std::unique_lock lock(mutex_);
  condition_.wait_for(lock, std::chrono::duration<double>(seconds), [&] { return work_ != seen; });
}

void JobStore::wake() {
  const std::lock_guard lock(mutex_);
  ++work_;
  condition_.notify_all();
}

}  // namespace nodulus::serve
