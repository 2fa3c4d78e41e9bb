#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace nodulus {

using Sha256Digest = std::array<std::uint8_t, 32>;

/// SHA-256 (FIPS 180-4) fed in pieces. OpenSSL's where the program is built with it, else our own; both give the same.
class Sha256 {
 public:
  Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;
  ~Sha256();

  void update(std::span<const std::byte> bytes);
  void update(std::string_view text);
  /// Ends the sum; the object may not be fed afterwards.
  [[nodiscard]] Sha256Digest digest();
  /// digest() as 64 lower-case hexadecimal digits.
  [[nodiscard]] std::string hex();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// 64 lower-case hexadecimal digits of the text's bytes.
std::string sha256_hex(std::string_view text);

/// 64 lower-case hexadecimal digits of a file, read in pieces. Error{not_found, io} naming the file.
std::string sha256_file(const std::filesystem::path& file);

/// The first 8 bytes of the SHA-256 of `text`, big-endian: a hash that is the same on every machine, for good.
std::uint64_t stable_hash(std::string_view text);

/// The plain implementation, built whether or not OpenSSL is used, so that tests can hold the two together.
class PlainSha256 {
 public:
  void update(std::span<const std::byte> bytes);
  [[nodiscard]] Sha256Digest digest();

 private:
  void block(const std::uint8_t* bytes);

  std::array<std::uint32_t, 8> state_{0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                      0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  std::array<std::uint8_t, 64> pending_{};
  std::uint64_t length_ = 0;
};

}  // namespace nodulus
