#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "nodulus/core/reject.h"

namespace nodulus::data {

/// The files of a folder or of an archive (zip, tar, tar.gz, tar.xz, ...), read one after another. Nothing is ever
/// unpacked to disk, so a name in an archive can reach nothing.
class EntrySource {
 public:
  /// Error{not_found}; Error{bad_input} for a file that is no archive.
  static std::unique_ptr<EntrySource> open(const std::filesystem::path& source);
  EntrySource() = default;
  EntrySource(const EntrySource&) = delete;
  EntrySource& operator=(const EntrySource&) = delete;
  virtual ~EntrySource() = default;

  /// The largest entry that is read; larger ones are rejected as "too large".
  static constexpr std::uint64_t max_entry_bytes = std::uint64_t{4} << 30;

  using Wanted = std::function<bool(const std::string& name)>;
  using Visit = std::function<void(const std::string& name, std::vector<std::byte> bytes)>;
  /// Calls visit(name, bytes) for every regular file that `wanted` says yes to; a folder in the order of names, an
  /// archive in its own. Names have forward slashes and no leading "./". Entries that cannot be read go to `rejects`:
  /// "path escapes the archive", "encrypted", "damaged archive entry", "too large", "unreadable". Error{bad_input}
  /// where the archive itself breaks off.
  virtual void visit(const Wanted& wanted, const Visit& visit, std::vector<Reject>& rejects) = 0;
  /// Where the entry lies on disk, to be mapped rather than read; "" for an archive's.
  [[nodiscard]] virtual std::filesystem::path file_of(const std::string& name) const = 0;
};

/// True for an archive's name that would lie outside the folder it is unpacked in: absolute, or climbing by "..".
bool escapes(std::string_view name);

}  // namespace nodulus::data
