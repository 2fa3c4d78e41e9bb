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

/// The whole of a file. Error{not_found, io} naming it.
std::string read_text(const std::filesystem::path& file);
/// Creates or replaces a file in place. Error{io} naming it.
void write_text(const std::filesystem::path& file, std::string_view text);
/// write_text() to a temporary sibling, fsynced, renamed: the file is whole, old or new, at any moment.
void write_text_atomic(const std::filesystem::path& file, std::string_view text);

/// A folder that appears whole or not at all. Files are written under path(), a temporary sibling of the target;
/// commit() fsyncs them and renames the folder into place. Without commit() the temporary goes with the object.
class ArtifactWriter {
 public:
  /// Error{exists} where the target is there and `force` is false. With force an artifact (a folder that has a
  /// manifest.json) or an empty folder is replaced whole at commit() and stays untouched until then; any other folder
  /// or a file is still refused: --force is for results, not for somebody's documents. Error{io} naming the parent
  /// where it cannot be written.
  ArtifactWriter(std::filesystem::path target, bool force);
  ArtifactWriter(const ArtifactWriter&) = delete;
  ArtifactWriter& operator=(const ArtifactWriter&) = delete;
  ~ArtifactWriter();

  /// The folder to write into.
  [[nodiscard]] const std::filesystem::path& path() const { return temporary_; }
  [[nodiscard]] const std::filesystem::path& target() const { return target_; }
  /// Makes it the target. Error{internal} without a manifest.json, Error{io} naming what failed (the old target is then
  /// still whole), Error{exists} where somebody else made the target meanwhile and force is false.
  void commit();

 private:
  std::filesystem::path target_;
  std::filesystem::path temporary_;
  bool force_ = false;
  bool committed_ = false;
};

/// The constructor's checks alone, for a command to fail before its hours of work and for --dry-run.
void check_target(const std::filesystem::path& target, bool force);

}  // namespace nodulus
