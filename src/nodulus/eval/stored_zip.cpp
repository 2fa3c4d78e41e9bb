#include "nodulus/eval/stored_zip.h"

#include <fmt/core.h>

#include <algorithm>

#include "nodulus/core/error.h"

namespace nodulus::eval {
namespace {

constexpr std::string_view local_mark = "PK\x03\x04";
constexpr std::string_view entry_mark = "PK\x01\x02";
constexpr std::string_view end_mark = "PK\x05\x06";
constexpr std::string_view end64_mark = "PK\x06\x06";
constexpr std::string_view locator_mark = "PK\x06\x07";
constexpr std::size_t local_bytes = 30;
constexpr std::size_t entry_bytes = 46;
constexpr std::size_t end_bytes = 22;
constexpr std::size_t end64_bytes = 56;
constexpr std::size_t locator_bytes = 20;
constexpr std::uint64_t longest_comment = 65535;
constexpr std::uint64_t in_extra = 0xffffffff;  // the number stands in the extra field, with 64 bits
constexpr std::uint16_t extra64 = 1;

/// The `count` bytes at `offset` as a number, the lowest first.
std::uint64_t zip_number(std::string_view bytes, std::size_t offset, std::size_t count) {
  std::uint64_t value = 0;
  for (std::size_t i = count; i-- > 0;) value = value << 8 | static_cast<unsigned char>(bytes.at(offset + i));
  return value;
}

}  // namespace

StoredZip::StoredZip(const std::filesystem::path& file) : file_(file), stream_(file, std::ios::binary) {
  std::error_code error;
  file_bytes_ = std::filesystem::file_size(file, error);
  if (error || !stream_) {
    const bool missing = error == std::errc::no_such_file_or_directory;
    throw Error(missing ? ErrorCode::not_found : ErrorCode::io,
                fmt::format("{}: {}", file.string(), missing ? "no such file" : "cannot be read"));
  }
  read_directory(find_directory());
}

void StoredZip::fail(const std::string& expected, const std::string& found) const {
  throw Error(ErrorCode::bad_input, fmt::format("{}: expected {}, found {}", file_.string(), expected, found));
}

std::string StoredZip::bytes_at(std::uint64_t offset, std::uint64_t count) {
  if (offset > file_bytes_ || count > file_bytes_ - offset)
    fail(fmt::format("a whole zip archive: {} bytes at {}", count, offset), fmt::format("{} in all", file_bytes_));
  std::string bytes(count, '\0');
  stream_.seekg(static_cast<std::streamoff>(offset));
  stream_.read(bytes.data(), static_cast<std::streamsize>(count));
  if (!stream_) throw Error(ErrorCode::io, fmt::format("{}: cannot read", file_.string()));
  return bytes;
}

/// By the record at the archive's end, or the one of 64 bits that a locator before it names.
StoredZip::Directory StoredZip::find_directory() {
  const std::uint64_t tail = std::min(file_bytes_, longest_comment + end_bytes + locator_bytes);
  const std::string last = bytes_at(file_bytes_ - tail, tail);
  const std::size_t end = last.rfind(end_mark);
  if (end == std::string::npos || last.size() - end < end_bytes) fail("a whole zip archive", "no list of records");
  if (end >= locator_bytes && last.compare(end - locator_bytes, locator_mark.size(), locator_mark) == 0) {
    const std::string end64 = bytes_at(zip_number(last, end - locator_bytes + 8, 8), end64_bytes);
    if (!end64.starts_with(end64_mark)) fail("a list of records of 64 bits", "other bytes");
    return {zip_number(end64, 48, 8), zip_number(end64, 40, 8), zip_number(end64, 32, 8)};
  }
  return {zip_number(last, end + 16, 4), zip_number(last, end + 12, 4), zip_number(last, end + 10, 2)};
}

void StoredZip::read_directory(const Directory& directory) {
  const std::string list = bytes_at(directory.start, directory.bytes);
  std::uint64_t all = 0;
  std::size_t at = 0;
  for (std::uint64_t k = 0; k < directory.records; ++k) {
    const std::string_view rest = std::string_view(list).substr(at);
    if (rest.size() < entry_bytes || !rest.starts_with(entry_mark))
      fail(fmt::format("a list of {} records", directory.records), fmt::format("{} whole ones", k));
    const std::size_t name_bytes = zip_number(rest, 28, 2);
    const std::size_t extra_bytes = zip_number(rest, 30, 2);
    const std::size_t entry = entry_bytes + name_bytes + extra_bytes + zip_number(rest, 32, 2);
    if (entry > rest.size()) fail("a whole list of records", "its start");
    const std::string name(rest.substr(entry_bytes, name_bytes));
    const Record record = record_of(rest, rest.substr(entry_bytes + name_bytes, extra_bytes));
    if (record.bytes > file_bytes_ - all)
      fail("records that the file has room for", fmt::format("larger ones from '{:.80}' on", name));
    all += record.bytes;
    records_[name.substr(name.find('/') + 1)] = record;
    at += entry;
  }
}

StoredZip::Record StoredZip::record_of(std::string_view entry, std::string_view extra) const {
  std::uint64_t whole = zip_number(entry, 24, 4);
  std::uint64_t packed = zip_number(entry, 20, 4);
  std::uint64_t header = zip_number(entry, 42, 4);
  while (extra.size() >= 4) {
    const std::size_t bytes = zip_number(extra, 2, 2);
    if (bytes > extra.size() - 4) break;
    if (zip_number(extra, 0, 2) == extra64) {
      std::string_view numbers = extra.substr(4, bytes);
      for (std::uint64_t* const value : {&whole, &packed, &header}) {
        if (*value != in_extra || numbers.size() < 8) continue;
        *value = zip_number(numbers, 0, 8);
        numbers.remove_prefix(8);
      }
    }
    extra.remove_prefix(4 + bytes);
  }
  return {header, packed, zip_number(entry, 10, 2) == 0 && whole == packed};
}

const StoredZip::Record& StoredZip::at(const std::string& name) const {
  const auto found = records_.find(name);
  if (found == records_.end()) fail(fmt::format("a record '{:.80}'", name), "none");
  if (!found->second.stored) fail(fmt::format("record '{:.80}' to be stored as it is", name), "a compressed one");
  return found->second;
}

void StoredZip::read(const std::string& name, std::span<std::byte> to) {
  const Record& record = at(name);
  const std::string header = bytes_at(record.header, local_bytes);
  if (!header.starts_with(local_mark)) fail(fmt::format("the start of record '{:.80}'", name), "other bytes");
  const std::uint64_t start = record.header + local_bytes + zip_number(header, 26, 2) + zip_number(header, 28, 2);
  const std::uint64_t there = std::min<std::uint64_t>(record.bytes, start > file_bytes_ ? 0 : file_bytes_ - start);
  if (to.size() != there) fail(fmt::format("{} bytes of record '{:.80}'", to.size(), name), std::to_string(there));
  if (to.empty()) return;
  stream_.seekg(static_cast<std::streamoff>(start));
  stream_.read(reinterpret_cast<char*>(to.data()), static_cast<std::streamsize>(to.size()));
  if (!stream_) throw Error(ErrorCode::io, fmt::format("{}: cannot read", file_.string()));
}

std::string StoredZip::text(const std::string& name) {
  std::string bytes(size(name), '\0');
  read(name, std::as_writable_bytes(std::span(bytes)));
  return bytes;
}

}  // namespace nodulus::eval
