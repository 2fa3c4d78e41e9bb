#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace nodulus {

using Json = nlohmann::ordered_json;

/// The program's version, such as "0.1.0", and the git revision it was built from ("" outside a checkout).
std::string_view program_version();
std::string_view git_revision();

/// What made an artifact and from what: its manifest.json.
struct Manifest {
  /// One thing that went in. A folder's sum is over its manifest.json.
  struct Input {
    std::string path;
    std::string sha256;
  };

  std::string kind;     ///< The artifact's schema name: "dataset", "run", "model", "images", "metrics", "report".
  int schema = 1;       ///< Version of that schema.
  std::string command;  ///< The subcommand, such as "prepare".
  Json options = Json::object();  ///< Its resolved options.
  std::optional<std::uint64_t> seed;
  bool synthetic = false;  ///< True where the images were generated.
  std::vector<Input> inputs;
  // Filled by write_manifest(), read back by read_manifest():
  std::string version;   ///< nodulus version.
  std::string revision;  ///< git revision, or "".
  std::string created;   ///< UTC, ISO 8601.
};

/// An Input of a file (SHA-256 of its bytes) or of an artifact's folder (of its manifest.json; of nothing else a
/// folder).
Manifest::Input manifest_input(const std::filesystem::path& path);

/// What manifest.json calls the schema of that kind.
std::string manifest_schema(std::string_view kind);

/// What manifest.json holds, made now.
Json manifest_json(const Manifest& manifest);

/// Of an artifact that is one file, `json`: Error{bad_input} as read_manifest() where its schema is not of that kind or
/// of another version.
void require_schema(const Json& json, const std::filesystem::path& file, std::string_view kind, int newest_schema);

/// Writes folder/manifest.json. Error{io} naming it.
void write_manifest(const std::filesystem::path& folder, const Manifest& manifest);

/// Reads folder/manifest.json. Error{not_found} where the folder or the file is missing; Error{bad_input} where a key
/// is missing or of the wrong type, the kind is not `kind`, or the schema version is not in [1, newest_schema]: each
/// names the key, what was expected and what was found.
Manifest read_manifest(const std::filesystem::path& folder, std::string_view kind, int newest_schema);

/// Reads a JSON file. Error{not_found, io}; Error{bad_input} with line and column of what is not JSON.
Json read_json(const std::filesystem::path& file);
/// Writes a JSON file, indented by two. Error{io} naming it.
void write_json(const std::filesystem::path& file, const Json& json);

}  // namespace nodulus
