#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace nodulus {

/// Element types of the .npy files that nodulus reads and writes; all little-endian.
enum class NpyType { uint8, int16, float32, int64, float64 };

/// Bytes of one element.
std::size_t size_of(NpyType type);
/// "int16" and so on, as NumPy spells it.
std::string_view name(NpyType type);

template <class T>
constexpr NpyType npy_type() = delete;
template <>
constexpr NpyType npy_type<std::uint8_t>() {
  return NpyType::uint8;
}
template <>
constexpr NpyType npy_type<std::int16_t>() {
  return NpyType::int16;
}
template <>
constexpr NpyType npy_type<float>() {
  return NpyType::float32;
}
template <>
constexpr NpyType npy_type<std::int64_t>() {
  return NpyType::int64;
}
template <>
constexpr NpyType npy_type<double>() {
  return NpyType::float64;
}

/// A .npy file (NumPy format 1.0 or 2.0, C order, little-endian) mapped read-only: opening costs nothing however large
/// the file is, and the pages are shared between processes. Movable, not copyable; spans live as long as the map.
class NpyMap {
 public:
  NpyMap() = default;
  /// Error{not_found} or Error{io}; Error{bad_input} for anything that is not such a file: wrong magic, a broken
  /// header, Fortran order, big-endian or another type, a shape that overflows, fewer or more bytes than the shape asks
  /// for.
  static NpyMap open(const std::filesystem::path& file);
  /// The same from bytes in memory, such as an archive's entry; `where` names them in errors.
  static NpyMap from_bytes(std::vector<std::byte> bytes, const std::string& where);

  [[nodiscard]] NpyType type() const { return type_; }
  /// Empty for a scalar.
  [[nodiscard]] const std::vector<std::int64_t>& shape() const { return shape_; }
  /// shape()[0], or 1 for a scalar.
  [[nodiscard]] std::int64_t rows() const { return shape_.empty() ? 1 : shape_[0]; }
  /// Elements of one row: the product of shape()[1..].
  [[nodiscard]] std::int64_t row_size() const;
  [[nodiscard]] const std::string& where() const { return where_; }

  /// All elements in C order. Error{bad_input} naming both types where T is not the file's.
  template <class T>
  [[nodiscard]] std::span<const T> values() const {
    require(npy_type<T>());
    return {reinterpret_cast<const T*>(data_.get()), count_};
  }
  /// Row i, [shape[1..]] flattened. Error{internal} where i is outside.
  template <class T>
  [[nodiscard]] std::span<const T> row(std::int64_t i) const {
    require_row(i);
    const auto size = static_cast<std::size_t>(row_size());
    return values<T>().subspan(static_cast<std::size_t>(i) * size, size);
  }
  /// Error{bad_input} unless the type is `type` and the shape is `shape`, where -1 stands for any length.
  void expect(NpyType type, std::span<const std::int64_t> shape) const;

 private:
  void require(NpyType type) const;
  void require_row(std::int64_t i) const;
  void parse(std::span<const std::byte> bytes);

  std::string where_;
  NpyType type_ = NpyType::uint8;
  std::vector<std::int64_t> shape_{0};
  std::size_t count_ = 0;
  std::shared_ptr<const std::byte> data_;  // the first element; owns the mapping
};

/// Writes [N, row_shape...] row by row with N unknown until close(). Memory does not grow with N.
class NpyWriter {
 public:
  /// Creates or truncates the file. Error{io} naming it.
  NpyWriter(std::filesystem::path file, NpyType type, std::vector<std::int64_t> row_shape);
  NpyWriter(NpyWriter&&) noexcept;
  NpyWriter& operator=(NpyWriter&&) noexcept;
  /// Without close() the file says that it has no rows.
  ~NpyWriter();

  /// Appends one row or several whole ones. Error{internal} on a wrong type or a broken row, Error{io} on a full disk.
  template <class T>
  void append(std::span<const T> values) {
    append_bytes(npy_type<T>(), std::as_bytes(values));
  }
  [[nodiscard]] std::int64_t rows() const;
  /// Writes the final shape and closes. Error{io} where anything did not reach the file.
  void close();

 private:
  void append_bytes(NpyType type, std::span<const std::byte> bytes);

  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// The bytes of a .npy header (version 1.0, padded so that the data starts at a multiple of 64).
std::string npy_header(NpyType type, std::span<const std::int64_t> shape);

}  // namespace nodulus
