#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

namespace nodulus {

/// A file that appears whole or not at all: written to a sibling "<name>.tmp", flushed to disk, then renamed.
/// Without commit() the destructor removes what was written. Throws Error{io} naming the path and the reason.
class AtomicFile {
 public:
  explicit AtomicFile(std::filesystem::path path);
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;
  ~AtomicFile();

  void write(std::span<const std::byte> bytes);
  void write(std::string_view text);
  void commit();

 private:
  [[noreturn]] void fail(std::string_view doing) const;

  std::filesystem::path path_;
  std::filesystem::path temporary_;
  int descriptor_ = -1;
};

/// The whole of a file. Throws Error{not_found} or Error{io}.
std::string read_file(const std::filesystem::path& path);

}  // namespace nodulus
