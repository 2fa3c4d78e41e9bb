#include "nodulus/train/run_folder.h"

#include <fmt/format.h>

#include <algorithm>
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

/// Lines of metrics.jsonl up to `step`; one cut off by a crash is dropped.
std::string lines_up_to(const fs::path& file, std::int64_t step) {
  std::stringstream text(read_file(file));
  std::string kept;
  for (std::string line; std::getline(text, line);) {
    const Json json = Json::parse(line, nullptr, false);
    if (json.is_object() && json.value("step", std::int64_t{-1}) <= step) kept += line + "\n";
  }
  return kept;
}

}  // namespace

RunFolder RunFolder::create(const fs::path& parent, const std::string& name, const std::string& config_toml,
                            Manifest manifest) {
  std::error_code error;
  fs::create_directories(parent, error);
  if (error) throw Error(ErrorCode::io, fmt::format("{}: cannot create: {}", parent.string(), error.message()));
  int number = 0;
  for (const auto& entry : fs::directory_iterator(parent)) number = std::max(number, number_of(entry.path()) + 1);
  fs::path path;
  do {  // another process may take the number first
    path = parent / fmt::format("{:05}-{}", number++, name);
  } while (!fs::create_directory(path, error) && !error);
  if (error) throw Error(ErrorCode::io, fmt::format("{}: cannot create: {}", path.string(), error.message()));
  fs::create_directories(path / "samples");
  fs::create_directories(path / "checkpoints");
  RunFolder run(path);
  write_text(run.config(), config_toml);
  write_text(path / "metrics.jsonl", "");
  manifest.kind = "run";
  write_manifest(path, manifest);
  sync_tree(path);
  return run;
}

RunFolder RunFolder::open(const fs::path& folder) {
  read_manifest(folder, "run", 1);
  return RunFolder(folder);
}

fs::path RunFolder::checkpoint(std::int64_t step) const {
  return path_ / "checkpoints" / fmt::format("step-{:09}.safetensors", step);
}

std::vector<fs::path> RunFolder::checkpoints() const {
  std::vector<fs::path> found;
  if (!fs::is_directory(path_ / "checkpoints")) return found;
  for (const auto& entry : fs::directory_iterator(path_ / "checkpoints")) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with("step-") && name.ends_with(".safetensors")) found.push_back(entry.path());
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
  for (std::size_t i = 0; i + static_cast<std::size_t>(keep) < all.size(); ++i) fs::remove(all[i]);
}

void RunFolder::append_metrics(const Json& line) const {
  std::ofstream out(path_ / "metrics.jsonl", std::ios::app);
  out << line.dump() << "\n";
  out.flush();
  if (!out) throw io_error("write", path_ / "metrics.jsonl");
}

void RunFolder::rewind_metrics(std::int64_t step) const {
  const fs::path file = path_ / "metrics.jsonl";
  if (!fs::exists(file)) return;
  const std::string kept = lines_up_to(file, step);
  AtomicFile out(file);
  out.write(std::string_view(kept));
  out.commit();
}

}  // namespace nodulus::train
