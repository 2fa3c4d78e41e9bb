#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "nodulus/core/manifest.h"

namespace nodulus::train {

/// runs/NNNNN-name/: config.toml, manifest.json, metrics.jsonl, samples/, checkpoints/.
class RunFolder {
 public:
  /// Makes the next numbered folder under `parent`, whole or not at all. Throws Error{io} where it cannot be written.
  static RunFolder create(const std::filesystem::path& parent, const std::string& name, const std::string& config_toml,
                          Manifest manifest);
  /// An existing one. Throws Error{not_found} or Error{bad_input} where it is no run of a schema that we know.
  static RunFolder open(const std::filesystem::path& folder);

  /// Makes this process the only one that trains in the folder, for as long as a copy of this object lives, and removes
  /// the unfinished files that a killed one left. Throws Error{exists} where another process trains in it.
  void lock();

  /// True where the manifest names an input of that sum.
  [[nodiscard]] bool began_on(const Manifest::Input& input) const;

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  [[nodiscard]] std::filesystem::path config() const { return path_ / "config.toml"; }
  [[nodiscard]] std::filesystem::path metrics() const { return path_ / "metrics.jsonl"; }
  [[nodiscard]] std::filesystem::path samples() const { return path_ / "samples"; }
  [[nodiscard]] std::filesystem::path checkpoint(std::int64_t step) const;
  /// Finished checkpoints, the newest last.
  [[nodiscard]] std::vector<std::filesystem::path> checkpoints() const;
  /// Throws Error{not_found} where there is none.
  [[nodiscard]] std::filesystem::path latest_checkpoint() const;
  /// Removes all but the newest `keep` checkpoints.
  void prune_checkpoints(int keep) const;

  /// Appends one line to metrics.jsonl.
  void append_metrics(const Json& line) const;
  /// Drops lines of steps after `step`: those that an interrupted session wrote after its last checkpoint. Returns the
  /// loss of the last line kept, 0 where none is.
  double rewind_metrics(std::int64_t step) const;

 private:
  explicit RunFolder(std::filesystem::path path) : path_(std::move(path)) {}

  std::filesystem::path path_;
  std::shared_ptr<void> lock_;
};

}  // namespace nodulus::train
