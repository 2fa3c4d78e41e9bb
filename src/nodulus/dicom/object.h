#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace gdcm {
class DataSet;
}  // namespace gdcm

namespace nodulus::dicom {

/// Data elements to be written: those of a file, or of an item of a sequence (DICOM PS3.5 section 7). A tag is
/// 0xGGGGEEEE. Setting an element again replaces it.
class Object {
 public:
  Object();
  Object(Object&&) noexcept;
  Object& operator=(Object&&) noexcept;
  Object(const Object&) = delete;
  Object& operator=(const Object&) = delete;
  ~Object();

  /// Of a VR of characters ("LO", "UI", ...), several values with a backslash between; padded as PS3.5 6.2 asks.
  Object& text(std::uint32_t tag, std::string_view vr, std::string_view value);
  /// A decimal string (DS) of at most 16 characters each: as many digits as bring the number back, where these hold
  /// them.
  Object& decimals(std::uint32_t tag, std::span<const double> values);
  Object& decimals(std::uint32_t tag, std::initializer_list<double> values) {
    return decimals(tag, std::span<const double>(values.begin(), values.size()));
  }
  Object& words(std::uint32_t tag, std::initializer_list<std::uint16_t> values);  ///< US
  Object& longs(std::uint32_t tag, std::initializer_list<std::uint32_t> values);  ///< UL
  Object& tags(std::uint32_t tag, std::initializer_list<std::uint32_t> values);   ///< AT
  /// OB or OW; a zero byte is added where the number is odd. Little-endian within a word.
  Object& bytes(std::uint32_t tag, std::string_view vr, std::span<const std::uint8_t> values);
  Object& sequence(std::uint32_t tag, std::vector<Object> items);
  /// A sequence of one item.
  Object& item(std::uint32_t tag, Object only);

  /// The whole file (PS3.10 section 7), explicit VR little-endian. The object has to have SOPClassUID and
  /// SOPInstanceUID. Throws Error{io} where GDCM refuses it.
  [[nodiscard]] std::string file() const;

 private:
  std::unique_ptr<gdcm::DataSet> data_set_;
};

/// An item of a sequence of codes (PS3.3 section 8.8).
Object code(std::string_view value, std::string_view scheme, std::string_view meaning);

/// A UID below `root` that is a function of `key` alone: of its SHA-256, as much as the 64 characters of a UID hold, at
/// most 128 bits. Below 2.25 it is the number of a UUID (version 8, RFC 9562), as PS3.5 B.2 asks.
std::string uid_of(std::string_view root, std::string_view key);

/// Throws Error{usage} where `root` is no root of UIDs (PS3.5 section 9.1) or leaves too few characters for 64 bits.
void check_uid_root(std::string_view root);

}  // namespace nodulus::dicom
