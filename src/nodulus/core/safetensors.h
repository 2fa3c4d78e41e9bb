#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace nodulus {

/// One named array of a safetensors file. `dtype` is the format's own name: F32, F16, BF16, F64, I64, I32, U8.
struct TensorView {
  std::string name;
  std::string dtype;
  std::vector<std::int64_t> shape;
  std::span<const std::byte> bytes;  ///< Row-major, little-endian.
};

/// Bytes of one element, or 0 for a dtype that we do not know.
std::size_t element_size(const std::string& dtype);

/// A safetensors file, mapped into memory and checked as a whole when it is opened: header length, JSON, offsets
/// that tile the data without gap or overlap, shapes that fit the byte counts. No code in the file can run.
/// Format: github.com/huggingface/safetensors, "Format".
class SafetensorsFile {
 public:
  /// Throws Error{not_found}, or Error{bad_input} naming the file, the field and what was expected.
  explicit SafetensorsFile(const std::filesystem::path& path);
  /// A file that is in memory already and stays there, such as one that the program carries; `name` is for messages.
  SafetensorsFile(std::span<const std::byte> bytes, std::filesystem::path name);
  SafetensorsFile(const SafetensorsFile&) = delete;
  SafetensorsFile& operator=(const SafetensorsFile&) = delete;
  ~SafetensorsFile();

  [[nodiscard]] const std::map<std::string, std::string>& metadata() const { return metadata_; }
  [[nodiscard]] const std::map<std::string, TensorView>& tensors() const { return tensors_; }
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  /// Throws Error{bad_input} where the file has no such tensor.
  [[nodiscard]] const TensorView& at(const std::string& name) const;

 private:
  void read_header();

  std::filesystem::path path_;
  std::span<const std::byte> file_;
  bool mapped_ = false;
  std::map<std::string, std::string> metadata_;
  std::map<std::string, TensorView> tensors_;
};

/// Writes the tensors in the given order; the file appears whole or not at all.
void write_safetensors(const std::filesystem::path& path, const std::vector<TensorView>& tensors,
                       const std::map<std::string, std::string>& metadata);

}  // namespace nodulus
