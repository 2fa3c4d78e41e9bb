#include "nodulus/train/run_folder.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <fstream>
#include <sstream>

#include "nodulus/core/atomic_file.h"
#include "nodulus/core/error.h"
#include "nodulus/core/files.h"

namespace nodulus::train {
namespace {

namespace fs = std::filesystem;

/// The number that a run's folder begins with, or -1.
int number_of(const fs::path& folder) {
  const std::string name = folder.filename().string();
  int number = -1;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
  const bool good = error == std::errc() && end - name.data() >= 5 && end != name.data() + name.size() && *end == '-';
  return good ? number : -1;
}

struct MetricsLines {
  std::string text;
  double last_loss = 0;
};

/// Lines of metrics.jsonl up to `step`; one cut off by a crash is dropped.
MetricsLines lines_up_to(const fs::path& file, std::int64_t step) {
  std::stringstream text(read_file(file));
  MetricsLines kept;
  for (std::string line; std::getline(text, line);) {
    const Json json = Json::parse(line, nullptr, false);
    if (!json.is_object() || json.value("step", std::int64_t{-1}) > step) continue;
    kept.text += line + "\n";
    kept.last_loss = json.value("loss", 0.0);
  }
  return kept;
}

bool is_there(const fs::path& path) {
  std::error_code error;
  return fs::exists(path, error);
}

/// What a folder holds, in no order; nothing where there is no such folder.
std::vector<fs::path> files_of(const fs::path& folder) {
  std::vector<fs::path> files;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error))
    files.push_back(it->path());
  if (error && error != std::errc::no_such_file_or_directory)
    throw Error(ErrorCode::io, fmt::format("{}: cannot be listed: {}", folder.string(), error.message()));
  return files;
}

/// Renames `fresh` to parent/NNNNN-name under the next free number; another process may take one first.
fs::path take_number(const fs::path& fresh, const fs::path& parent, const std::string& name) {
  int number = 0;
  for (const fs::path& other : files_of(parent)) number = std::max(number, number_of(other) + 1);
  while (true) {
    fs::path path = parent / fmt::format("{:05}-{}", number++, name);
    // An empty folder of that name would be renamed over; nothing else would.
    if (is_there(path)) continue;
    if (::rename(fresh.c_str(), path.c_str()) == 0) return path;
    if (errno != EEXIST && errno != ENOTEMPTY && errno != ENOTDIR) throw io_error("create", path);
  }
}

}  // namespace

RunFolder RunFolder::create(const fs::path& parent, const std::string& name, const std::string& config_toml,
                            Manifest manifest) {
  std::error_code error;
  fs::create_directories(parent, error);
  if (error) throw Error(ErrorCode::io, fmt::format("{}: cannot create: {}", parent.string(), error.message()));
  remove_stale_siblings(parent / "run");
  RunFolder run(temporary_sibling(parent / "run"));
  try {
    make_folder(run.path_);
    make_folder(run.samples());
    make_folder(run.path_ / "checkpoints");
    write_text(run.config(), config_toml);
    write_text(run.metrics(), "");
    manifest.kind = "run";
    write_manifest(run.path_, manifest);
    sync_tree(run.path_);
    run.path_ = take_number(run.path_, parent, name);
  } catch (...) {
    fs::remove_all(run.path_, error);
    throw;
  }
  sync_path(parent);
  return run;
}

RunFolder RunFolder::open(const fs::path& folder) {
  read_manifest(folder, "run", 1);
  return RunFolder(folder);
}

bool RunFolder::began_on(const Manifest::Input& input) const {
  const Manifest manifest = read_manifest(path_, "run", 1);
  return std::any_of(manifest.inputs.begin(), manifest.inputs.end(),
                     [&](const Manifest::Input& other) { return other.sha256 == input.sha256; });
}

void RunFolder::lock() {
  const int descriptor = ::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) throw io_error("open", path_);
  lock_ = std::shared_ptr<void>(nullptr, [descriptor](void*) { ::close(descriptor); });
  // File systems without locks are passed over; the kernel lets go of a lock when its process dies.
  if (::flock(descriptor, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
    throw Error(ErrorCode::exists, fmt::format("{}: another nodulus is training in it", path_.string()));
  for (const fs::path& folder : {path_, samples(), path_ / "checkpoints"}) {
    for (const fs::path& file : files_of(folder)) {
      std::error_code ignored;
      if (file.extension() == ".tmp") fs::remove(file, ignored);
    }
  }
}

fs::path RunFolder::checkpoint(std::int64_t step) const {
  return path_ / "checkpoints" / fmt::format("step-{:09}.safetensors", step);
}

std::vector<fs::path> RunFolder::checkpoints() const {
  std::vector<fs::path> found;
  for (const fs::path& file : files_of(path_ / "checkpoints")) {
    const std::string name = file.filename().string();
    if (name.starts_with("step-") && name.ends_with(".safetensors")) found.push_back(file);
  }
  std::sort(found.begin(), found.end());
  return found;
}

fs::path RunFolder::latest_checkpoint() const {
  const auto all = checkpoints();
  if (all.empty())
    throw Error(ErrorCode::not_found, fmt::format("{}: expected a checkpoint, found none", path_.string()));
  return all.back();
}

void RunFolder::prune_checkpoints(int keep) const {
  auto all = checkpoints();
  std::error_code ignored;  // one that cannot be removed is only in the way
  for (std::size_t i = 0; i + static_cast<std::size_t>(keep) < all.size(); ++i) fs::remove(all[i], ignored);
}

void RunFolder::append_metrics(const Json& line) const {
  std::error_code error;
  const auto before = fs::file_size(metrics(), error);
  std::ofstream out(metrics(), std::ios::app);
  out << line.dump() << "\n";
  out.flush();
  if (out) return;
  const Error failure = io_error("write", metrics());
  out.close();
  if (!error) fs::resize_file(metrics(), before, error);  // no half line for the next to be glued to
  throw failure;
}

double RunFolder::rewind_metrics(std::int64_t step) const {
  if (!is_there(metrics())) return 0;
  const MetricsLines lines = lines_up_to(metrics(), step);
  AtomicFile out(metrics());
  out.write(std::string_view(lines.text));
  out.commit();
  return lines.last_loss;
}

}  // namespace nodulus::train
