#include "nodulus/core/manifest.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <ctime>

#include "nodulus/core/atomic_file.h"
#include "nodulus/core/files.h"
#include "nodulus/core/hash.h"
#include "nodulus/core/json_fields.h"
#include "nodulus/core/version.h"

namespace nodulus {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view file_name = "manifest.json";

std::string now_utc() {
  const std::time_t now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  std::tm parts{};
  gmtime_r(&now, &parts);
  std::array<char, 32> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text.data();
}

}  // namespace

std::string_view program_version() { return NODULUS_VERSION; }
std::string_view git_revision() { return NODULUS_REVISION; }

Manifest::Input manifest_input(const fs::path& path) {
  std::error_code error;
  if (!fs::is_directory(path, error)) return {path.string(), sha256_file(path)};
  const fs::path inner = path / file_name;
  return {path.string(), fs::exists(inner, error) ? sha256_file(inner) : ""};
}

std::string manifest_schema(std::string_view kind) { return "nodulus." + std::string(kind); }

Json manifest_json(const Manifest& manifest) {
  Json json;
  json["schema"] = {{"name", manifest_schema(manifest.kind)}, {"version", manifest.schema}};
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
  return json;
}

void write_manifest(const fs::path& folder, const Manifest& manifest) {
  write_json(folder / file_name, manifest_json(manifest));
}

void require_schema(const Json& json, const fs::path& file, std::string_view kind, int newest_schema) {
  const JsonFields schema = JsonFields(json, file).object("schema");
  const auto name = schema.get<std::string>("name", "a string");
  const std::string wanted = manifest_schema(kind);
  if (name != wanted) schema.fail("name", "\"" + wanted + "\"", "\"" + name + "\"");
  const int version = schema.get<int>("version", "a whole number");
  if (version < 1 || version > newest_schema)
    schema.fail("version", newest_schema == 1 ? "1" : "1 to " + std::to_string(newest_schema), std::to_string(version));
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
  const JsonFields fields(json, file);
  require_schema(json, file, kind, newest_schema);
  Manifest manifest;
  manifest.kind = kind;
  manifest.schema = fields.object("schema").get<int>("version", "a whole number");
  manifest.command = fields.get<std::string>("command", "a string");
  manifest.options = fields.json("options", "an object");
  if (!fields.json("seed", "a whole number or null").is_null()) {
    manifest.seed = fields.get<std::uint64_t>("seed", "a whole number or null");
  }
  manifest.synthetic = fields.get<bool>("synthetic", "true or false");
  const JsonFields program = fields.object("program");
  manifest.version = program.get<std::string>("version", "a string");
  manifest.revision = program.get<std::string>("revision", "a string");
  manifest.created = fields.get<std::string>("created", "a string");
  for (const Json& entry : fields.json("inputs", "a list")) {
    const JsonFields input(entry, file, "inputs");
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
