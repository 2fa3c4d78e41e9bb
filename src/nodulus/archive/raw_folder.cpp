#include "nodulus/archive/raw_folder.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <mutex>

#include "nodulus/archive/md5.h"
#include "nodulus/core/atomic_file.h"
#include "nodulus/core/csv.h"
#include "nodulus/core/error.h"
#include "nodulus/core/files.h"
#include "nodulus/core/json_fields.h"
#include "nodulus/core/threads.h"

namespace nodulus::archive {
namespace {

namespace fs = std::filesystem;

constexpr int raw_schema = 1;

void create_folder(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) throw Error(ErrorCode::io, "cannot create '" + folder.string() + "': " + error.message());
}

/// True where nothing lies there, or what a process left that was killed before it had written its first file.
bool holds_nothing(const fs::path& folder) {
  if (!fs::exists(folder)) return true;
  if (!fs::is_directory(folder)) return false;
  return std::all_of(fs::directory_iterator(folder), fs::directory_iterator(),
                     [](const auto& entry) { return entry.path().filename() == "manifest.json.tmp"; });
}

Json json_of(const Record& record) {
  const RemoteSeries& series = record.series;
  Json files = Json::array();
  for (const ReceivedFile& file : record.files) {
    Json entry{{"name", file.name}, {"bytes", file.bytes}, {"md5", file.md5}};
    if (!file.sop_uid.empty()) entry["sop_uid"] = file.sop_uid;
    files.push_back(std::move(entry));
  }
  return {{"series_uid", series.series_uid}, {"study_uid", series.study_uid},     {"patient", series.patient_id},
          {"collection", series.collection}, {"modality", series.modality},       {"description", series.description},
          {"licence", series.licence},       {"licence_uri", series.licence_uri}, {"annotated", series.annotated},
          {"folder", record.folder},         {"fetched", record.fetched},         {"from", record.from},
          {"dropped", record.dropped},       {"files", std::move(files)}};
}

/// A name within a folder, and nothing that leaves it.
std::string plain_name(const JsonFields& fields, const std::string& key) {
  std::string name = fields.get<std::string>(key, "a file's name");
  if (name != file_name_of(name)) fields.fail(key, "a file's name", name);
  return name;
}

Record record_of(const Json& json, const fs::path& file) {
  const JsonFields fields(json, file);
  const auto text = [&](const char* key) { return fields.get<std::string>(key, "text"); };
  Record record;
  RemoteSeries& series = record.series;
  series.series_uid = text("series_uid");
  if (series.series_uid != file.stem().string()) fields.fail("series_uid", file.stem().string(), series.series_uid);
  series.study_uid = text("study_uid");
  series.patient_id = text("patient");
  series.collection = text("collection");
  series.modality = text("modality");
  series.description = text("description");
  series.licence = text("licence");
  series.licence_uri = text("licence_uri");
  series.annotated = fields.get<bool>("annotated", "true or false");
  record.folder = text("folder");
  const std::string expected = "dicom/" + file_name_of(series.patient_id) + "/" + series.series_uid;
  if (record.folder != expected) fields.fail("folder", expected, record.folder);
  record.fetched = text("fetched");
  record.from = fields.json("from", "an address");
  const JsonFields from(record.from, file, "from");
  const auto kind = from.get<std::string>("kind", "nbia or dicomweb");
  if (kind != "nbia" && kind != "dicomweb") from.fail("kind", "nbia or dicomweb", kind);
  if (from.get<std::string>("server", "an address").empty()) from.fail("server", "an address", "nothing");
  record.dropped = fields.get<bool>("dropped", "true or false");
  const Json& files = fields.json("files", "a list of files");
  if (!files.is_array()) fields.fail("files", "a list of files", files.dump());
  for (const Json& entry : files) {
    const JsonFields one(entry, file, "files");
    record.files.push_back({plain_name(one, "name"), one.get<std::int64_t>("bytes", "a number of bytes"),
                            one.get<std::string>("md5", "an MD5 sum"),
                            one.has("sop_uid") ? one.get<std::string>("sop_uid", "a UID") : ""});
  }
  series.files = static_cast<std::int64_t>(record.files.size());
  series.bytes = record.bytes();
  return record;
}

std::optional<Reject> fault_of(const fs::path& folder, const ReceivedFile& file) {
  const fs::path path = folder / file.name;
  std::error_code error;
  const auto size = fs::file_size(path, error);
  if (error) return Reject{path.string(), "missing", error.message()};
  if (static_cast<std::int64_t>(size) != file.bytes)
    return Reject{path.string(), "wrong size", fmt::format("expected {} bytes, found {}", file.bytes, size)};
  std::string sum;
  try {
    sum = md5_file(path);
  } catch (const Error& unreadable) {
    return Reject{path.string(), "cannot be read", unreadable.what()};
  }
  if (sum != file.md5) return Reject{path.string(), "wrong MD5", fmt::format("expected {}, found {}", file.md5, sum)};
  return std::nullopt;
}

}  // namespace

std::int64_t Record::bytes() const {
  std::int64_t sum = 0;
  for (const ReceivedFile& file : files) sum += file.bytes;
  return sum;
}

RawFolder::RawFolder(fs::path folder, const Manifest& manifest) : folder_(without_slash(folder)) {
  const bool is_new = !fs::exists(folder_ / "manifest.json");
  if (is_new) {
    if (!holds_nothing(folder_))
      throw Error(ErrorCode::exists, "'" + folder_.string() +
                                         "' is there already and holds no collection; expected a new or empty folder");
    // First of all, so that a process that is killed here leaves nothing that the next one does not know.
    create_folder(folder_);
    AtomicFile file(folder_ / "manifest.json");
    file.write(manifest_json(manifest).dump(2) + "\n");
    file.commit();
  } else {
    (void)read_manifest(folder_, "raw", raw_schema);
  }
  for (const char* part : {"dicom", "records", ".partial"}) create_folder(folder_ / part);
  const fs::path lock = partial() / "lock";
  lock_ = ::open(lock.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (lock_ < 0) throw io_error("create", lock);
  try {
    if (::flock(lock_, LOCK_EX | LOCK_NB) != 0)
      throw Error(ErrorCode::exists, "another run is at work in '" + folder_.string() + "'");
    read_records();
    find_unrecorded();
    clear_away();
  } catch (...) {
    ::close(lock_);
    throw;
  }
}

RawFolder::~RawFolder() { ::close(lock_); }

fs::path RawFolder::record_file(const std::string& series_uid) const {
  return folder_ / "records" / (series_uid + ".json");
}

void RawFolder::read_records() {
  for (const auto& entry : fs::directory_iterator(folder_ / "records")) {
    const fs::path& file = entry.path();
    const std::string uid = file.stem().string();
    if (file.extension() != ".json" || !is_uid(uid)) continue;  // a killed process' temporary
    Record record;
    try {
      record = record_of(read_json(file), file);
    } catch (const Error& damaged) {
      damages_.push_back({uid, {}, {{file.string(), "damaged record", damaged.what()}}});
      continue;
    }
    const fs::path place = folder_ / record.folder;
    if (record.dropped) {
      if (fs::exists(place)) remove_whole(place, uid);  // killed before that was done
    } else if (!fs::is_directory(place)) {
      // Recorded, then killed before the files were in their place; or somebody took them.
      const std::string expected = counted(static_cast<std::int64_t>(record.files.size()), "file");
      damages_.push_back({uid, record, {{place.string(), "missing", "expected " + expected + ", found no folder"}}});
      continue;
    }
    records_.emplace(uid, std::move(record));
  }
}

void RawFolder::find_unrecorded() {
  for (const auto& patient : fs::directory_iterator(folder_ / "dicom")) {
    if (!patient.is_directory()) continue;
    for (const auto& entry : fs::directory_iterator(patient.path())) {
      const std::string uid = entry.path().filename().string();
      const bool told =
          std::any_of(damages_.begin(), damages_.end(), [&](const Damage& damage) { return damage.series_uid == uid; });
      if (!entry.is_directory() || !is_uid(uid) || has(uid) || told) continue;
      damages_.push_back({uid, {}, {{entry.path().string(), "no record", "expected records/" + uid + ".json"}}});
    }
  }
}

void RawFolder::clear_away() const {
  std::vector<fs::path> useless;
  for (const auto& entry : fs::directory_iterator(partial())) {
    const fs::path& path = entry.path();
    const std::string name = path.filename().string();
    const bool download = name.ends_with(".zip") || name.ends_with(".zip.json");
    // A download without its note cannot be gone on with, a note is of no use without its download.
    const fs::path other = name.ends_with(".zip") ? fs::path(path.string() + ".json") : partial() / path.stem();
    const bool of_use = name == "lock" || (download ? fs::exists(other) : is_uid(name) && !has(name));
    if (!of_use) useless.push_back(path);
  }
  for (const fs::path& path : useless) remove_tree(path);
}

void RawFolder::remove_whole(const fs::path& series_folder, const std::string& series_uid) const {
  const fs::path away = partial() / (series_uid + ".old");
  remove_tree(away);
  move_path(series_folder, away);
  remove_tree(away);
  std::error_code ignored;
  fs::remove(series_folder.parent_path(), ignored);  // of the patient, where it is empty now
}

Workplace RawFolder::workplace(const std::string& series_uid, Monitor& monitor) const {
  Workplace place{partial() / series_uid, partial() / (series_uid + ".zip"), [](std::int64_t) {}, monitor};
  create_folder(place.folder);
  return place;
}

void RawFolder::write_record(const Record& record) const {
  AtomicFile file(record_file(record.series.series_uid));
  file.write(json_of(record).dump(1, ' ', false, Json::error_handler_t::replace) + "\n");
  file.commit();
}

const Record& RawFolder::commit(const RemoteSeries& series, std::vector<ReceivedFile> files, const Json& from) {
  Record record;
  record.series = series;
  record.folder = "dicom/" + file_name_of(series.patient_id) + "/" + series.series_uid;
  record.fetched = manifest_json({}).at("created").get<std::string>();
  record.from = from;
  record.is_new = true;
  std::sort(files.begin(), files.end(), [](const ReceivedFile& a, const ReceivedFile& b) { return a.name < b.name; });
  record.files = std::move(files);
  const fs::path work = partial() / series.series_uid;
  const fs::path target = folder_ / record.folder;
  // In this order a series is never recorded with files of another fetch, wherever a kill falls.
  const fs::path old = partial() / (series.series_uid + ".old");
  const bool replaces = fs::exists(target);
  if (replaces) {
    remove_tree(old);
    move_path(target, old);
  }
  try {
    write_record(record);
  } catch (const Error&) {  // the disk is full: what was there stays
    std::error_code ignored;
    if (replaces) fs::rename(old, target, ignored);
    throw;
  }
  create_folder(target.parent_path());
  move_path(work, target);
  sync_path(target.parent_path());
  remove_tree(old);
  std::erase_if(damages_, [&](const Damage& damage) { return damage.series_uid == series.series_uid; });
  return records_.insert_or_assign(series.series_uid, std::move(record)).first->second;
}

std::optional<Reject> RawFolder::keep_beside(const Record& former, std::vector<ReceivedFile>& files) const {
  const fs::path place = folder_ / former.folder;
  for (const ReceivedFile& file : former.files) {
    const bool came =
        std::any_of(files.begin(), files.end(), [&](const auto& other) { return other.name == file.name; });
    if (!file.sop_uid.empty() || came) continue;
    if (const auto fault = fault_of(place, file))
      return Reject{
          former.series.series_uid, "incomplete",
          fmt::format("'{}', which was beside its objects, did not come again and is no longer whole here ({})",
                      file.name, fault->reason)};
    std::error_code error;
    fs::copy_file(place / file.name, partial() / former.series.series_uid / file.name, error);
    if (error) throw Error(ErrorCode::io, "cannot copy '" + (place / file.name).string() + "': " + error.message());
    files.push_back(file);
  }
  return std::nullopt;
}

void RawFolder::drop(const std::string& series_uid) {
  Record& record = records_.at(series_uid);
  record.dropped = true;
  write_record(record);
  if (fs::exists(folder_ / record.folder)) remove_whole(folder_ / record.folder, series_uid);
}

void RawFolder::give_up(const std::string& series_uid) const {
  remove_tree(partial() / series_uid);
  const fs::path zip = partial() / (series_uid + ".zip");
  if (!fs::exists(zip.string() + ".json")) remove_tree(zip);
}

std::int64_t RawFolder::bytes_of_series() const {
  std::int64_t bytes = 0;
  for (const auto& [uid, record] : records_) bytes += record.dropped ? 0 : record.bytes();
  return bytes;
}

std::int64_t RawFolder::bytes_beside() const {
  std::int64_t bytes = 0;
  for (const fs::path& part : {annotations(), partial()}) {
    std::error_code error;  // of what goes away meanwhile
    for (fs::recursive_directory_iterator at(part, error), end; !error && at != end; at.increment(error))
      bytes += at->is_regular_file(error) ? static_cast<std::int64_t>(at->file_size(error)) : 0;
  }
  return bytes;
}

void RawFolder::write_tables(const std::vector<Reject>& rejects) const {
  std::string table =
      csv_row(std::vector<std::string>{"patient", "series_uid", "study_uid", "collection", "modality", "files", "bytes",
                                       "fetched", "from", "licence", "licence_uri", "folder"});
  std::vector<const Record*> rows;
  for (const auto& [uid, record] : records_) rows.push_back(&record);
  std::sort(rows.begin(), rows.end(), [](const Record* a, const Record* b) {
    return std::tie(a->series.patient_id, a->series.series_uid) < std::tie(b->series.patient_id, b->series.series_uid);
  });
  for (const Record* const record : rows) {
    const RemoteSeries& series = record->series;
    table += csv_row(std::vector<std::string>{
        series.patient_id, series.series_uid, series.study_uid, series.collection, series.modality,
        std::to_string(record->files.size()), std::to_string(record->bytes()), record->fetched,
        record->from.value("server", ""), series.licence, series.licence_uri, record->dropped ? "" : record->folder});
  }
  std::string refused = csv_row(std::vector<std::string>{"where", "reason", "detail"});
  for (const Reject& reject : rejects)
    refused += csv_row(std::vector<std::string>{reject.where, reject.reason, reject.detail});
  for (const auto& [name, text] : {std::pair("collected.csv", &table), std::pair("rejects.csv", &refused)}) {
    AtomicFile file(folder_ / name);
    file.write(*text);
    file.commit();
  }
}

std::vector<Damage> RawFolder::verify(int threads, Monitor& monitor) const {
  std::vector<const Record*> records;
  std::int64_t bytes = 0;
  for (const auto& [uid, record] : records_) {
    if (record.dropped) continue;
    records.push_back(&record);
    bytes += record.bytes();
  }
  std::mutex mutex;
  std::vector<Damage> damages = damages_;
  std::int64_t done = 0;
  parallel_for(static_cast<std::int64_t>(records.size()), threads, [&](std::int64_t i) {
    const Record& record = *records[static_cast<std::size_t>(i)];
    Damage damage{record.series.series_uid, record, {}};
    for (const ReceivedFile& file : record.files) {
      if (monitor.stop_requested()) throw Error(ErrorCode::stopped, "verify stopped");
      if (auto fault = fault_of(folder_ / record.folder, file)) damage.faults.push_back(std::move(*fault));
      const std::lock_guard lock(mutex);
      done += file.bytes;
      monitor.progress(
          {"verifying", done >> 20, std::max<std::int64_t>(bytes >> 20, 1), "MiB", record.series.patient_id});
    }
    const std::lock_guard lock(mutex);
    if (!damage.faults.empty()) damages.push_back(std::move(damage));
  });
  std::sort(damages.begin(), damages.end(),
            [](const Damage& a, const Damage& b) { return a.series_uid < b.series_uid; });
  return damages;
}

}  // namespace nodulus::archive
