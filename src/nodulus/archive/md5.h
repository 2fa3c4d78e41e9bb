#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <string>

namespace nodulus::archive {

/// MD5 (RFC 1321), which archives name their files' sums by. It tells damage, not malice.
class Md5 {
 public:
  Md5();
  void update(std::span<const std::byte> bytes);
  /// 32 lower-case hexadecimal digits; ends the sum.
  [[nodiscard]] std::string hex();

 private:
  std::unique_ptr<void, void (*)(void*)> context_;
};

/// Of a file, read in pieces. Error{not_found, io} naming it.
std::string md5_file(const std::filesystem::path& file);

}  // namespace nodulus::archive
