#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace nodulus {

/// A CSV file with a header line, held whole (RFC 4180: quotes, doubled quotes, line breaks within quotes, CRLF or LF;
/// a UTF-8 byte order mark is skipped). Every error names file, line and column.
class CsvTable {
 public:
  /// Error{not_found, io}; Error{bad_input} for an unclosed quote, a row of another length than the header, a column
  /// that occurs twice, no header at all.
  static CsvTable read(const std::filesystem::path& file);
  /// The same from text; `where` stands for the file's name.
  static CsvTable parse(std::string_view text, std::string where);

  [[nodiscard]] const std::vector<std::string>& columns() const { return columns_; }
  [[nodiscard]] std::size_t rows() const { return lines_.size(); }
  [[nodiscard]] bool has(std::string_view column) const;
  /// Position of a column. Error{bad_input} naming the nearest column there is.
  [[nodiscard]] std::size_t column(std::string_view column) const;

  [[nodiscard]] const std::string& text(std::size_t row, std::size_t column) const;
  [[nodiscard]] const std::string& text(std::size_t row, std::string_view column_name) const;
  /// Error{bad_input} for a field that is not a finite number; an empty field is not.
  [[nodiscard]] double number(std::size_t row, std::string_view column_name) const;
  /// Nothing for an empty field; otherwise as number().
  [[nodiscard]] std::optional<double> number_if_any(std::size_t row, std::string_view column_name) const;
  [[nodiscard]] std::int64_t integer(std::size_t row, std::string_view column_name) const;
  /// "items.csv, line 7, column 'z_mm'": for errors of the caller's own.
  [[nodiscard]] std::string place(std::size_t row, std::string_view column_name) const;
  [[nodiscard]] const std::string& where() const { return where_; }

 private:
  std::string where_;
  std::vector<std::string> columns_;
  std::unordered_map<std::string, std::size_t> index_;
  std::vector<std::string> fields_;  // row-major
  std::vector<std::size_t> lines_;   // the line of the file that each row starts on
};

/// One CSV row with its line end ("\n"); fields that hold a comma, a quote or a line break are quoted.
std::string csv_row(std::span<const std::string> fields);

/// The finite number that the whole text spells, or nothing.
std::optional<double> parse_number(std::string_view text);

/// A number as CSV and JSON of ours have it: the shortest text that reads back the same; "" for NaN.
std::string csv_number(double value);

/// Writes a CSV file row by row.
class CsvWriter {
 public:
  /// Creates or truncates the file and writes the header line. Error{io} naming it.
  CsvWriter(const std::filesystem::path& file, std::vector<std::string> columns);
  CsvWriter(CsvWriter&& other) noexcept;
  CsvWriter& operator=(CsvWriter&& other) noexcept;
  ~CsvWriter();

  /// Error{internal} where the number of fields is not the number of columns.
  void row(std::span<const std::string> fields);
  /// Error{io} where anything did not reach the file.
  void close();

 private:
  std::filesystem::path file_;
  std::size_t columns_ = 0;
  std::FILE* stream_ = nullptr;
};

}  // namespace nodulus
