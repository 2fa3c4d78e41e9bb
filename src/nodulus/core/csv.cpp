#include "nodulus/core/csv.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <utility>

#include "nodulus/core/atomic_file.h"
#include "nodulus/core/error.h"
#include "nodulus/core/files.h"
#include "nodulus/core/nearest.h"

namespace nodulus {
namespace {

constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";

/// Cuts CSV text into records, one at a time.
class Tokenizer {
 public:
  Tokenizer(std::string_view text, const std::string& where) : text_(text), where_(where) {
    if (text_.starts_with(byte_order_mark)) position_ = byte_order_mark.size();
  }

  /// The next record's fields; false at the end. Blank lines are passed over.
  bool next(std::vector<std::string>& fields) {
    while (position_ < text_.size() && (text_[position_] == '\n' || text_[position_] == '\r')) {
      if (text_[position_++] == '\n') ++line_;
    }
    if (position_ >= text_.size()) return false;
    fields.clear();
    record_line_ = line_;
    do fields.push_back(field());
    while (position_ < text_.size() && text_[position_] == ',' && ++position_);
    end_of_record();
    return true;
  }
  [[nodiscard]] std::size_t record_line() const { return record_line_; }

 private:
  [[noreturn]] void fail(const std::string& what, std::size_t line) const {
    throw Error(ErrorCode::bad_input, where_ + ", line " + std::to_string(line) + ": " + what);
  }
  std::string field() {
    if (position_ < text_.size() && text_[position_] == '"') return quoted();
    const std::size_t end = std::min(text_.find_first_of(",\r\n", position_), text_.size());
    std::string value(text_.substr(position_, end - position_));
    position_ = end;
    return value;
  }
  std::string quoted() {
    const std::size_t start_line = line_;
    std::string value;
    for (++position_; position_ < text_.size(); ++position_) {
      const char c = text_[position_];
      if (c == '"') {
        if (position_ + 1 >= text_.size() || text_[position_ + 1] != '"') {
          ++position_;
          return value;
        }
        ++position_;
      } else if (c == '\n') {
        ++line_;
      }
      value += c;
    }
    fail("a quoted field is never closed", start_line);
  }
  void end_of_record() {
    if (position_ >= text_.size()) return;
    if (text_[position_] == '\r') ++position_;
    if (position_ < text_.size() && text_[position_] == '\n') {
      ++position_;
      ++line_;
    } else if (position_ < text_.size() && text_[position_ - 1] != '\r') {
      fail("expected a comma or the line's end after a quoted field", line_);
    }
  }

  std::string_view text_;
  const std::string& where_;
  std::size_t position_ = 0;
  std::size_t line_ = 1;
  std::size_t record_line_ = 1;
};

}  // namespace

CsvTable CsvTable::read(const std::filesystem::path& file) { return parse(read_file(file), file.string()); }

CsvTable CsvTable::parse(std::string_view text, std::string where) {
  CsvTable table;
  table.where_ = std::move(where);
  Tokenizer tokens(text, table.where_);
  if (!tokens.next(table.columns_))
    throw Error(ErrorCode::bad_input, table.where_ + ": expected a header line, found nothing");
  for (std::size_t i = 0; i < table.columns_.size(); ++i) {
    if (!table.index_.emplace(table.columns_[i], i).second) {
      throw Error(ErrorCode::bad_input, table.where_ + ": column '" + table.columns_[i] + "' occurs twice");
    }
  }
  std::vector<std::string> fields;
  while (tokens.next(fields)) {
    if (fields.size() != table.columns_.size()) {
      throw Error(ErrorCode::bad_input, table.where_ + ", line " + std::to_string(tokens.record_line()) +
                                            ": expected " + std::to_string(table.columns_.size()) + " fields, found " +
                                            std::to_string(fields.size()));
    }
    table.lines_.push_back(tokens.record_line());
    table.fields_.insert(table.fields_.end(), std::make_move_iterator(fields.begin()),
                         std::make_move_iterator(fields.end()));
  }
  return table;
}

bool CsvTable::has(std::string_view column) const { return index_.contains(std::string(column)); }

std::size_t CsvTable::column(std::string_view column) const {
  const auto found = index_.find(std::string(column));
  if (found == index_.end()) {
    std::string names;
    for (const std::string& name : columns_) names += (names.empty() ? "" : ", ") + name;
    throw Error(ErrorCode::bad_input, where_ + ": expected a column '" + std::string(column) + "', found " + names +
                                          did_you_mean(column, columns_));
  }
  return found->second;
}

const std::string& CsvTable::text(std::size_t row, std::size_t column) const {
  if (row >= rows() || column >= columns_.size()) {
    throw Error(ErrorCode::internal, where_ + ": field " + std::to_string(row) + ", " + std::to_string(column) +
                                         " of a table of " + std::to_string(rows()) + " rows and " +
                                         std::to_string(columns_.size()) + " columns");
  }
  return fields_[row * columns_.size() + column];
}

const std::string& CsvTable::text(std::size_t row, std::string_view column_name) const {
  return text(row, column(column_name));
}

std::optional<double> CsvTable::number_if_any(std::size_t row, std::string_view column_name) const {
  if (text(row, column_name).empty()) return std::nullopt;
  return number(row, column_name);
}

double CsvTable::number(std::size_t row, std::string_view column_name) const {
  const std::string& field = text(row, column_name);
  const std::optional<double> value = parse_number(field);
  if (!value) {
    throw Error(ErrorCode::bad_input, place(row, column_name) + ": expected a number, found '" + field + "'");
  }
  return *value;
}

std::int64_t CsvTable::integer(std::size_t row, std::string_view column_name) const {
  const std::string& field = text(row, column_name);
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(field.data(), field.data() + field.size(), value);
  if (error != std::errc() || end != field.data() + field.size()) {
    throw Error(ErrorCode::bad_input, place(row, column_name) + ": expected a whole number, found '" + field + "'");
  }
  return value;
}

std::string CsvTable::place(std::size_t row, std::string_view column_name) const {
  return where_ + ", line " + std::to_string(row < lines_.size() ? lines_[row] : 0) + ", column '" +
         std::string(column_name) + "'";
}

std::string csv_row(std::span<const std::string> fields) {
  std::string row;
  for (std::size_t i = 0; i < fields.size(); ++i) {
    if (i > 0) row += ',';
    // A lone empty field would be a blank line, which readers skip.
    const bool quote =
        fields[i].find_first_of(",\"\r\n") != std::string::npos || (fields.size() == 1 && fields[i].empty());
    if (!quote) {
      row += fields[i];
      continue;
    }
    row += '"';
    for (const char c : fields[i]) row.append(c == '"' ? 2 : 1, c);
    row += '"';
  }
  return row + '\n';
}

std::optional<double> parse_number(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value)) return std::nullopt;
  return value;
}

std::string csv_number(double value) {
  if (std::isnan(value)) return "";
  std::array<char, 32> buffer{};
  const auto result = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value);
  return {buffer.data(), result.ptr};
}

CsvWriter::CsvWriter(const std::filesystem::path& file, std::vector<std::string> columns)
    : file_(file), columns_(columns.size()), stream_(std::fopen(file.c_str(), "wbe")) {
  if (stream_ == nullptr) throw io_error("create", file_);
  try {
    row(columns);
  } catch (...) {
    std::fclose(stream_);
    throw;
  }
}

CsvWriter::CsvWriter(CsvWriter&& other) noexcept
    : file_(std::move(other.file_)), columns_(other.columns_), stream_(std::exchange(other.stream_, nullptr)) {}

CsvWriter& CsvWriter::operator=(CsvWriter&& other) noexcept {
  std::swap(file_, other.file_);
  std::swap(columns_, other.columns_);
  std::swap(stream_, other.stream_);
  return *this;
}

CsvWriter::~CsvWriter() {
  if (stream_ != nullptr) std::fclose(stream_);
}

void CsvWriter::row(std::span<const std::string> fields) {
  if (fields.size() != columns_ || stream_ == nullptr) {
    throw Error(ErrorCode::internal, file_.string() + ": a row of " + std::to_string(fields.size()) + " fields for " +
                                         std::to_string(columns_) + " columns");
  }
  const std::string text = csv_row(fields);
  if (std::fwrite(text.data(), 1, text.size(), stream_) != text.size()) throw io_error("write", file_);
}

void CsvWriter::close() {
  if (stream_ == nullptr) return;
  if (std::fclose(std::exchange(stream_, nullptr)) != 0) throw io_error("write", file_);
}

}  // namespace nodulus
