#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>

namespace nodulus::data {

/// A zip of stored (not compressed) entries, as StyleGAN2-ADA reads fastest; written to a temporary sibling and renamed
/// by close(). The same entries give the same bytes.
class ZipWriter {
 public:
  /// Error{exists} where the file is there and `force` is false; Error{io} where it cannot be made.
  ZipWriter(std::filesystem::path file, bool force);
  ~ZipWriter();
  ZipWriter(const ZipWriter&) = delete;
  ZipWriter& operator=(const ZipWriter&) = delete;

  /// The constructor's check alone.
  static void check_target(const std::filesystem::path& file, bool force);

  void add(const std::string& name, std::span<const std::uint8_t> bytes);
  void close();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace nodulus::data
