#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>

namespace nodulus::data {

/// Fixed-size records on disk, written in any order and read back in another: images come in an archive's order and
/// leave in the table's, and memory does not grow with their number. The file has no name and goes with the object.
class Spool {
 public:
  Spool(const std::filesystem::path& folder, std::size_t record_bytes);
  Spool(const Spool&) = delete;
  Spool& operator=(const Spool&) = delete;
  ~Spool();

  /// Safe from several threads for different records. Error{io}.
  void put(std::int64_t record, std::span<const std::byte> bytes);
  /// What was put; zeros where nothing was.
  void get(std::int64_t record, std::span<std::byte> bytes) const;

 private:
  std::filesystem::path folder_;
  std::size_t record_bytes_ = 0;
  int descriptor_ = -1;
};

}  // namespace nodulus::data
