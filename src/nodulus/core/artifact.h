#pragma once

#include <filesystem>

#include "nodulus/core/files.h"
#include "nodulus/core/manifest.h"

namespace nodulus {

/// A folder that appears whole or not at all. Files are written under path(), a temporary sibling of the target;
/// commit() fsyncs them and renames the folder into place. Without commit() the temporary goes with the object.
class ArtifactWriter {
 public:
  /// `kind` is the artifact's schema name (Manifest::kind). Error{exists} where the target is there and `force` is
  /// false. With force an artifact of the same kind or an empty folder is replaced whole at commit() and stays
  /// untouched until then; any other folder or a file is still refused: --force is for making a result anew, not for
  /// somebody's documents, nor for the run that images are made from. Error{io} naming the parent where it cannot be
  /// written, Error{usage} for an empty name.
  ArtifactWriter(const std::filesystem::path& target, std::string_view kind, bool force);
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
  std::string kind_;
  std::filesystem::path temporary_;
  bool force_ = false;
  bool committed_ = false;
};

/// The same for an artifact that is one JSON file with a schema of that kind: refuses what is there without `force`,
/// and with it any file that is not such an artifact.
void check_file_target(const std::filesystem::path& target, std::string_view kind, bool force);
/// Writes it whole or not at all. Error{io} naming it.
void write_json_artifact(const std::filesystem::path& target, const Json& json);

/// The constructor's checks alone, for a command to fail before its hours of work and for --dry-run.
void check_target(const std::filesystem::path& target, std::string_view kind, bool force);

}  // namespace nodulus
