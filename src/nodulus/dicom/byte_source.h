#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace nodulus::dicom {

/// A file as bytes at offsets, read through a small window: a header costs one read, a value that is stepped
/// over costs none. Or bytes in memory, for what had to be inflated first.
class ByteSource {
 public:
  /// Throws Error{not_found} or Error{io}; Error{bad_input} for what is not a regular file. Here and below the
  /// message leaves the path to the caller.
  explicit ByteSource(const std::string& path);
  explicit ByteSource(std::vector<std::uint8_t> bytes);
  ~ByteSource();
  ByteSource(const ByteSource&) = delete;
  ByteSource& operator=(const ByteSource&) = delete;

  [[nodiscard]] std::uint64_t size() const { return size_; }
  [[nodiscard]] bool holds(std::uint64_t offset, std::uint64_t count) const {
    return offset <= size_ && count <= size_ - offset;
  }
  /// `count` bytes (64 at most) at `offset`, valid until the next call; the range must be held.
  std::span<const std::uint8_t> peek(std::uint64_t offset, std::size_t count);
  /// A copy of `count` bytes at `offset`; the range must be held.
  std::vector<std::uint8_t> copy(std::uint64_t offset, std::uint64_t count);
  /// The same into `bytes`, which takes that size.
  void copy(std::uint64_t offset, std::uint64_t count, std::vector<std::uint8_t>& bytes);

 private:
  void read_at(std::uint64_t offset, std::uint8_t* to, std::size_t count);

  int descriptor_ = -1;
  std::uint64_t size_ = 0;
  std::uint64_t window_offset_ = 0;
  std::vector<std::uint8_t> window_;  ///< For bytes in memory: all of them.
};

/// Inflates raw deflate data (RFC 1951), as the Deflated Explicit VR transfer syntax stores its data set.
/// Throws Error{bad_input} where the stream is damaged, ends early or holds more than `limit` bytes.
std::vector<std::uint8_t> inflate_raw(std::span<const std::uint8_t> packed, std::uint64_t limit);

}  // namespace nodulus::dicom
