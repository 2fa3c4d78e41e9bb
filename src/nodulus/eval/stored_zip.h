#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <map>
#include <span>
#include <string>
#include <string_view>

namespace nodulus::eval {

/// The records of a zip archive of PyTorch's, whose numbers are stored as they are (PKWARE's APPNOTE.TXT 6.3.9,
/// sections 4.3 to 4.5; sizes of 64 bits, too). Nothing is ever unpacked, and all records together are no larger than
/// the file, so that no file asks for more memory than it has bytes.
class StoredZip {
 public:
  /// Reads the list of records. Error{not_found, io}; Error{bad_input} where it is damaged or a record lies outside of
  /// the file.
  explicit StoredZip(const std::filesystem::path& file);

  /// Names are those within the archive's one folder: "data.pkl".
  [[nodiscard]] bool has(const std::string& name) const { return records_.contains(name); }
  /// Bytes of a record. Error{bad_input} where there is none of this name, or one that is compressed.
  [[nodiscard]] std::size_t size(const std::string& name) const { return at(name).bytes; }
  /// Fills `to`, which has the record's size.
  void read(const std::string& name, std::span<std::byte> to);
  std::string text(const std::string& name);
  [[nodiscard]] std::uint64_t file_bytes() const { return file_bytes_; }

 private:
  struct Record {
    std::uint64_t header = 0;  ///< Where its local header begins.
    std::size_t bytes = 0;
    bool stored = false;
  };

  struct Directory {
    std::uint64_t start = 0;
    std::uint64_t bytes = 0;
    std::uint64_t records = 0;
  };

  [[noreturn]] void fail(const std::string& expected, const std::string& found) const;
  std::string bytes_at(std::uint64_t offset, std::uint64_t count);
  Directory find_directory();
  void read_directory(const Directory& directory);
  [[nodiscard]] Record record_of(std::string_view entry, std::string_view extra) const;
  [[nodiscard]] const Record& at(const std::string& name) const;

  std::filesystem::path file_;
  std::ifstream stream_;
  std::uint64_t file_bytes_ = 0;
  std::map<std::string, Record> records_;
};

}  // namespace nodulus::eval
