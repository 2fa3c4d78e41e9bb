#include "nodulus/store/model_store.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <map>

#include "nodulus/core/atomic_file.h"
#include "nodulus/core/error.h"
#include "nodulus/core/files.h"
#include "nodulus/core/hash.h"
#include "nodulus/core/json_fields.h"
#include "nodulus/core/nearest.h"

namespace nodulus::store {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view current_file = "current.json";

/// The version that a folder's name is; 0: none.
int version_of(const fs::path& folder) {
  const std::string name = folder.filename().string();
  int version = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), version);
  return error == std::errc() && end == name.data() + name.size() && version > 0 ? version : 0;
}

std::vector<int> versions_in(const fs::path& folder) {
  std::vector<int> versions;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error))
    if (const int version = version_of(entry.path()); version > 0 && fs::exists(entry.path() / facts_file))
      versions.push_back(version);
  std::sort(versions.begin(), versions.end());
  return versions;
}

struct Current {
  int version = 0;
  int newest_ever = 0;  ///< No number is given twice.
};

Current read_current(const fs::path& folder) {
  const fs::path file = folder / current_file;
  const Json json = read_json(file);
  require_schema(json, file, "current", 1);
  const JsonFields fields(json, file);
  return {fields.get<int>("version", "a version"), fields.get<int>("newest_ever", "a version")};
}

void write_current(const fs::path& folder, const Current& current) {
  AtomicFile file(folder / current_file);
  file.write(Json{{"schema", {{"name", manifest_schema("current")}, {"version", 1}}},
                  {"version", current.version},
                  {"newest_ever", current.newest_ever}}
                 .dump(2) +
             "\n");
  file.commit();
}

void check_name(const std::string& name) {
  const auto plain = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); };
  const bool good = !name.empty() && plain(name.front()) && std::all_of(name.begin(), name.end(), [&](char c) {
    return plain(c) || c == '.' || c == '_' || c == '-';
  });
  if (!good || version_of(name) > 0)
    throw Error(ErrorCode::usage,
                fmt::format("a model's name: expected letters, digits, '.', '_' and '-', found '{}'", name));
}

}  // namespace

StoredModel read_model(const fs::path& folder) {
  const fs::path file = folder / facts_file;
  StoredModel model;
  model.folder = folder;
  model.facts = read_json(file);
  require_schema(model.facts, file, "model", model_schema);
  const JsonFields fields(model.facts, file);
  const JsonFields schema = fields.object("schema");
  const int version = schema.get<int>("version", "a whole number");
  if (version != model_schema) schema.fail("version", std::to_string(model_schema), std::to_string(version));
  model.name = fields.get<std::string>("name", "a string");
  model.version = fields.get<int>("version", "a version");
  static_cast<void>(fields.get<std::map<std::string, std::string>>("files", "sums by file name"));
  return model;
}

std::string sum_of(Json facts) {
  facts.erase("sum");
  return sha256_hex(facts.dump());
}

void verify(const StoredModel& model) {
  const JsonFields fields(model.facts, model.folder / facts_file);
  if (const auto sum = fields.get<std::string>("sum", "the sum of what it says"); sum != sum_of(model.facts))
    throw Error(ErrorCode::bad_input, fmt::format("{}: sum: expected {}, found {}: the file was changed or damaged",
                                                  (model.folder / facts_file).string(), sum, sum_of(model.facts)));
  for (const auto& [name, sum] : fields.get<std::map<std::string, std::string>>("files", "sums by file name")) {
    if (fs::path(name).filename() != name) fields.fail("files", "names without a folder", "'" + name + "'");
    const fs::path file = model.folder / name;
    if (!fs::is_regular_file(file))
      throw Error(ErrorCode::bad_input,
                  fmt::format("{}: expected a file of SHA-256 {}, found none", file.string(), sum));
    const std::string found = sha256_file(file);
    if (found != sum)
      throw Error(ErrorCode::bad_input,
                  fmt::format("{}: SHA-256: expected {}, found {}: the file was changed or damaged", file.string(), sum,
                              found));
  }
}

fs::path published_folder(const fs::path& path) {
  std::error_code error;
  if (fs::exists(path / facts_file, error)) return path;
  const fs::path whole = without_slash(path);
  if (fs::exists(path / current_file, error))
    return ModelStore(whole.parent_path()).open(whole.filename().string()).folder;
  if (path.is_absolute() || fs::exists(path, error)) return {};
  const ModelStore store(ModelStore::default_root());
  if (fs::exists(store.root() / path / facts_file, error)) return store.root() / path;
  if (path.has_parent_path()) return {};
  return fs::exists(store.root() / path / current_file, error) ? store.open(path.string()).folder : fs::path();
}

fs::path ModelStore::default_root() {
  const char* const root = std::getenv("NODULUS_MODELS");
  return root != nullptr && *root != '\0' ? fs::path(root) : fs::path("models");
}

std::vector<std::string> ModelStore::names() const {
  std::vector<std::string> names;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(root_, error))
    if (fs::exists(entry.path() / current_file)) names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

std::vector<int> ModelStore::versions(const std::string& name) const {
  if (fs::exists(folder_of(name) / current_file)) return versions_in(folder_of(name));
  throw Error(ErrorCode::not_found,
              fmt::format("{}: expected a model '{}', found {}{}", root_.string(), name,
                          names().empty() ? "none at all" : fmt::format("{}", fmt::join(names(), ", ")),
                          did_you_mean(name, names())));
}

int ModelStore::current(const std::string& name) const {
  const auto there = versions(name);
  const int version = read_current(folder_of(name)).version;
  if (std::find(there.begin(), there.end(), version) == there.end())
    throw Error(ErrorCode::bad_input,
                fmt::format("{}: version: expected one of {}, found {}", (folder_of(name) / current_file).string(),
                            fmt::join(there, ", "), version));
  return version;
}

StoredModel ModelStore::open(const std::string& name, int version) const {
  const int wanted = version == 0 ? current(name) : version;
  require(name, wanted);
  return read_model(folder_of(name) / std::to_string(wanted));
}

fs::path ModelStore::next_folder(const std::string& name, int& version) const {
  check_name(name);
  const fs::path folder = folder_of(name);
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) throw Error(ErrorCode::io, fmt::format("cannot make '{}': {}", folder.string(), error.message()));
  const auto there = versions_in(folder);
  version = there.empty() ? 0 : there.back();
  if (fs::exists(folder / current_file)) version = std::max(version, read_current(folder).newest_ever);
  ++version;
  return folder / std::to_string(version);
}

void ModelStore::use(const std::string& name, int version) const {
  const fs::path folder = folder_of(name);
  const auto there = versions_in(folder);
  if (std::find(there.begin(), there.end(), version) == there.end())
    throw Error(ErrorCode::not_found, fmt::format("{}: expected version {} of {}, found {}", root_.string(), version,
                                                  name, fmt::join(there, ", ")));
  const int before = fs::exists(folder / current_file) ? read_current(folder).newest_ever : 0;
  write_current(folder, {version, std::max(before, there.back())});
}

void ModelStore::require(const std::string& name, int version) const {
  const auto there = versions(name);
  if (version != 0 && std::find(there.begin(), there.end(), version) == there.end())
    throw Error(ErrorCode::not_found, fmt::format("{}: expected version {} of {}, found {}", root_.string(), version,
                                                  name, fmt::join(there, ", ")));
}

int ModelStore::rollback_version(const std::string& name, int version) const {
  require(name, version);
  if (version != 0) return version;
  const int now = read_current(folder_of(name)).version;  // of which the folder may be gone
  for (const int earlier : versions(name))
    if (earlier < now) version = earlier;
  if (version == 0)
    throw Error(ErrorCode::not_found,
                fmt::format("{}: expected a version of {} before {}, found none", root_.string(), name, now));
  return version;
}

int ModelStore::rollback(const std::string& name, int version) const {
  const int chosen = rollback_version(name, version);
  use(name, chosen);
  return chosen;
}

void ModelStore::remove(const std::string& name, int version) const {
  auto left = versions(name);
  require(name, version);
  std::erase(left, version);
  if (version == 0 || left.empty()) {
    fs::remove_all(folder_of(name));
    return;
  }
  if (read_current(folder_of(name)).version == version) use(name, left.back());
  fs::remove_all(folder_of(name) / std::to_string(version));
}

}  // namespace nodulus::store
