#include "nodulus/core/manifest.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <ctime>

#include "nodulus/core/atomic_file.h"
#include "nodulus/core/files.h"
#include "nodulus/core/hash.h"
#include "nodulus/core/version.h"

namespace nodulus {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view file_name = "manifest.json";
constexpr std::string_view schema_prefix = "nodulus.";

std::string now_utc() {
  const std::time_t now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  std::tm parts{};
  gmtime_r(&now, &parts);
  std::array<char, 32> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text.data();
}

/// Fields of a JSON object by name, with errors that name the file, the key, what was expected and what was found.
class Fields {
 public:
  Fields(const Json& object, const fs::path& file) : object_(object), file_(file) {}

  template <class T>
  T get(const std::string& key, std::string_view expected) const {
    const auto found = object_.is_object() ? object_.find(key) : object_.end();
    if (found == object_.end()) fail(key, expected, "nothing");
    try {
      return found->template get<T>();
    } catch (const nlohmann::json::exception&) {
      fail(key, expected, found->dump());
    }
  }
  [[noreturn]] void fail(const std::string& key, std::string_view expected, const std::string& found) const {
    throw Error(ErrorCode::bad_input,
                file_.string() + ": key '" + key + "': expected " + std::string(expected) + ", found " + found);
  }

 private:
  const Json& object_;
  const fs::path& file_;
};

}  // namespace

std::string_view program_version() { return NODULUS_VERSION; }
std::string_view git_revision() { return NODULUS_REVISION; }

Manifest::Input manifest_input(const fs::path& path) {
  std::error_code error;
  if (!fs::is_directory(path, error)) return {path.string(), sha256_file(path)};
  const fs::path inner = path / file_name;
  return {path.string(), fs::exists(inner, error) ? sha256_file(inner) : ""};
}

void write_manifest(const fs::path& folder, const Manifest& manifest) {
  Json json;
  json["schema"] = {{"name", std::string(schema_prefix) + manifest.kind}, {"version", manifest.schema}};
  json["command"] = manifest.command;
  json["options"] = manifest.options;
  json["seed"] = manifest.seed ? Json(*manifest.seed) : Json(nullptr);
  json["synthetic"] = manifest.synthetic;
  json["program"] = {{"name", "nodulus"}, {"version", program_version()}, {"revision", git_revision()}};
  json["created"] = now_utc();
  json["inputs"] = Json::array();
  for (const Manifest::Input& input : manifest.inputs) {
    json["inputs"].push_back({{"path", input.path}, {"sha256", input.sha256}});
  }
  write_json(folder / file_name, json);
}

Manifest read_manifest(const fs::path& folder, std::string_view kind, int newest_schema) {
  std::error_code error;
  const fs::path file = folder / file_name;
  if (!fs::exists(folder, error)) {
    throw Error(ErrorCode::not_found,
                "expected a " + std::string(kind) + " folder at '" + folder.string() + "', found nothing");
  }
  if (!fs::is_regular_file(file, error)) {
    throw Error(ErrorCode::not_found,
                "'" + folder.string() + "' is no " + std::string(kind) + " of nodulus: it has no manifest.json");
  }
  const Json json = read_json(file);
  const Fields fields(json, file);
  const auto schema_json = fields.get<Json>("schema", "an object");
  const Fields schema(schema_json, file);
  Manifest manifest;
  const auto name = schema.get<std::string>("name", "a string");
  const std::string wanted = std::string(schema_prefix) + std::string(kind);
  if (name != wanted) schema.fail("schema.name", "\"" + wanted + "\"", "\"" + name + "\"");
  manifest.kind = kind;
  manifest.schema = schema.get<int>("version", "a whole number");
  if (manifest.schema < 1 || manifest.schema > newest_schema) {
    schema.fail("schema.version", "1 to " + std::to_string(newest_schema), std::to_string(manifest.schema));
  }
  manifest.command = fields.get<std::string>("command", "a string");
  manifest.options = fields.get<Json>("options", "an object");
  const auto seed = fields.get<Json>("seed", "a whole number or null");
  if (!seed.is_null()) manifest.seed = fields.get<std::uint64_t>("seed", "a whole number or null");
  manifest.synthetic = fields.get<bool>("synthetic", "true or false");
  const auto program_json = fields.get<Json>("program", "an object");
  const Fields program(program_json, file);
  manifest.version = program.get<std::string>("version", "a string");
  manifest.revision = program.get<std::string>("revision", "a string");
  manifest.created = fields.get<std::string>("created", "a string");
  for (const Json& entry : fields.get<Json>("inputs", "a list")) {
    const Fields input(entry, file);
    manifest.inputs.push_back(
        {input.get<std::string>("path", "a string"), input.get<std::string>("sha256", "a string")});
  }
  return manifest;
}

Json read_json(const fs::path& file) {
  const std::string text = read_file(file);
  try {
    return Json::parse(text);
  } catch (const nlohmann::json::parse_error& problem) {
    const std::string_view before(text.data(), std::min(problem.byte > 0 ? problem.byte - 1 : 0, text.size()));
    const auto line = 1 + std::count(before.begin(), before.end(), '\n');
    const auto column = before.size() - (before.rfind('\n') == std::string_view::npos ? 0 : before.rfind('\n') + 1) + 1;
    throw Error(ErrorCode::bad_input,
                file.string() + ", line " + std::to_string(line) + ", column " + std::to_string(column) + ": not JSON");
  }
}

void write_json(const fs::path& file, const Json& json) {
  // Paths may hold bytes that are not UTF-8; they are replaced rather than refused.
  write_text(file, json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
}

}  // namespace nodulus
