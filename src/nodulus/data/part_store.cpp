#include "nodulus/data/part_store.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cstdio>

#include "nodulus/core/error.h"
#include "nodulus/core/files.h"
#include "nodulus/core/hash.h"
#include "nodulus/data/item_table.h"

namespace nodulus::data {
namespace fs = std::filesystem;
namespace {

constexpr const char* options_file = "options.json";

std::vector<std::string> row_of(const CsvTable& table, std::size_t row) {
  std::vector<std::string> fields;
  for (std::size_t i = 0; i < table.columns().size(); ++i) fields.push_back(table.text(row, i));
  return fields;
}

void write_rows(const fs::path& file, const std::vector<std::string>& columns,
                const std::vector<std::vector<std::string>>& rows) {
  CsvWriter writer(file, columns);
  for (const auto& row : rows) writer.row(row);
  writer.close();
}

}  // namespace

void require_same_options(const Json& found, const Json& wanted, ErrorCode code, const std::string& where) {
  for (const auto& [key, value] : wanted.items()) {
    const Json other = found.is_object() && found.contains(key) ? found.at(key) : Json(nullptr);
    if (other == value) continue;
    throw Error(code,
                where + " was made with another '" + key + "': expected " + value.dump() + ", found " + other.dump());
  }
}

void write_rejects(const fs::path& file, std::span<const Reject> rejects) {
  CsvWriter writer(file, {"where", "reason", "detail"});
  for (const Reject& reject : rejects) writer.row(std::vector<std::string>{reject.where, reject.reason, reject.detail});
  writer.close();
}

std::vector<Reject> read_rejects(const fs::path& file) {
  const CsvTable table = CsvTable::read(file);
  std::vector<Reject> rejects;
  for (std::size_t row = 0; row < table.rows(); ++row) {
    rejects.push_back({table.text(row, "where"), table.text(row, "reason"), table.text(row, "detail")});
  }
  return rejects;
}

PartStore::PartStore(fs::path folder, const Json& options, bool restart) : folder_(std::move(folder)) {
  std::error_code error;
  fs::create_directories(folder_, error);
  if (error) throw Error(ErrorCode::io, "cannot create '" + folder_.string() + "': " + error.message());
  const fs::path lock = folder_ / "lock";
  lock_ = ::open(lock.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (lock_ < 0) throw io_error("create", lock);
  try {
    if (::flock(lock_, LOCK_EX | LOCK_NB) != 0) {
      throw Error(ErrorCode::exists, "another run is at work in '" + folder_.string() + "'");
    }
    const fs::path said = folder_ / options_file;
    if (fs::exists(said, error)) {
      try {
        require_same_options(read_json(said), options, ErrorCode::exists,
                             "the interrupted work in '" + folder_.string() + "'");
      } catch (const Error& other) {
        if (!restart) throw Error(other.code(), std::string(other.what()) + "; --force starts anew");
        for (const auto& entry : fs::directory_iterator(folder_)) {
          if (entry.path() != lock) fs::remove_all(entry.path(), error);
        }
      }
    }
    if (!fs::exists(said, error)) write_json(said, options);
  } catch (...) {
    ::close(lock_);
    throw;
  }
}

PartStore::~PartStore() {
  if (lock_ >= 0) ::close(lock_);
}

fs::path PartStore::part(const SeriesTask& task) const { return folder_ / task.fingerprint().substr(0, 32); }

bool PartStore::has(const SeriesTask& task) const {
  std::error_code error;
  return fs::is_directory(part(task), error);
}

std::int64_t PartStore::make(const SeriesTask& task, const PrepareOptions& options, int threads) {
  const fs::path target = part(task);
  const fs::path temporary = target.string() + ".tmp";  // a killed run's is overwritten
  std::error_code error;
  fs::remove_all(temporary, error);
  if (!fs::create_directory(temporary, error)) {
    throw Error(ErrorCode::io, "cannot create '" + temporary.string() + "': " + error.message());
  }
  NpyWriter images(temporary / "images.npy", NpyType::int16, {options.size, options.size});
  NpyWriter masks(temporary / "masks.npy", NpyType::uint8, {options.size, options.size});
  const SeriesContent content = prepare_series(task, options, threads, [&](auto image, auto mask) {
    images.append(image);
    masks.append(mask);
  });
  images.close();
  masks.close();
  CsvWriter items(temporary / "items.csv", item_columns(item_labels(options)));
  for (const Item& item : content.items) items.row(item_row(item));
  items.close();
  write_rows(temporary / "nodules.csv", nodule_table_columns(), content.nodule_rows);
  std::vector<std::vector<std::string>> series_rows;
  if (!content.series_row.empty()) series_rows.push_back(content.series_row);
  write_rows(temporary / "series.csv", series_columns(), series_rows);
  write_rejects(temporary / "rejects.csv", content.rejects);
  write_rejects(temporary / "findings.csv", content.findings);
  sync_tree(temporary);
  if (std::rename(temporary.c_str(), target.c_str()) != 0) throw io_error("rename to", target);
  return content.slices_decoded;
}

StoredSeries PartStore::open(const SeriesTask& task, const std::vector<Label>& labels) const {
  const fs::path folder = part(task);
  StoredSeries stored;
  const CsvTable series = CsvTable::read(folder / "series.csv");
  if (series.rows() > 0) stored.series_row = row_of(series, 0);
  stored.items = read_items(CsvTable::read(folder / "items.csv"), labels);
  stored.images = NpyMap::open(folder / "images.npy");
  stored.masks = NpyMap::open(folder / "masks.npy");
  const CsvTable nodules = CsvTable::read(folder / "nodules.csv");
  for (std::size_t row = 0; row < nodules.rows(); ++row) stored.nodule_rows.push_back(row_of(nodules, row));
  stored.rejects = read_rejects(folder / "rejects.csv");
  stored.findings = read_rejects(folder / "findings.csv");
  return stored;
}

void PartStore::remove() {
  std::error_code ignored;
  fs::remove_all(folder_, ignored);
}

}  // namespace nodulus::data
