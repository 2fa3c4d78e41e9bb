#include "nodulus/core/npy.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cctype>
#include <charconv>
#include <cstring>
#include <limits>
#include <map>

#include "nodulus/core/files.h"

namespace nodulus {
namespace fs = std::filesystem;

static_assert(std::endian::native == std::endian::little, "nodulus maps little-endian files as they are");

namespace {

constexpr std::string_view magic{"\x93NUMPY", 6};

struct TypeRow {
  NpyType type;
  std::string_view descr;
  std::string_view name;
  std::size_t size;
};
constexpr std::array<TypeRow, 5> types{{{NpyType::uint8, "|u1", "uint8", 1},
                                        {NpyType::int16, "<i2", "int16", 2},
                                        {NpyType::float32, "<f4", "float32", 4},
                                        {NpyType::int64, "<i8", "int64", 8},
                                        {NpyType::float64, "<f8", "float64", 8}}};

const TypeRow& row_of(NpyType type) {
  return *std::find_if(types.begin(), types.end(), [&](const TypeRow& row) { return row.type == type; });
}

std::string shape_text(std::span<const std::int64_t> shape) {
  std::string text = "(";
  for (std::size_t i = 0; i < shape.size(); ++i) {
    text += (i > 0 ? ", " : "") + (shape[i] < 0 ? std::string("any") : std::to_string(shape[i]));
  }
  return text + (shape.size() == 1 ? ",)" : ")");
}

/// Reads the Python dictionary literal of a .npy header: string keys; values are strings, booleans or tuples of
/// integers.
class HeaderReader {
 public:
  HeaderReader(std::string_view text, const std::string& where) : text_(text), where_(where) {}

  void read() {
    expect('{');
    while (!take('}')) {
      const std::string key = quoted();
      expect(':');
      if (key == "descr") {
        descr = quoted();
      } else if (key == "fortran_order") {
        fortran_order = boolean();
      } else if (key == "shape") {
        shape = tuple();
      } else {
        fail("has the unknown key '" + key + "'");
      }
      ++keys_;
      if (!take(',') && !at('}')) fail("is not a dictionary");
    }
    if (keys_ != 3 || descr.empty()) fail("lacks one of descr, fortran_order, shape");
  }

  std::string descr;
  bool fortran_order = false;
  std::vector<std::int64_t> shape;

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw Error(ErrorCode::bad_input, where_ + ": the .npy header " + what);
  }
  void skip() {
    while (!text_.empty() && (text_[0] == ' ' || text_[0] == '\n')) text_.remove_prefix(1);
  }
  bool at(char c) {
    skip();
    return !text_.empty() && text_[0] == c;
  }
  bool take(char c) {
    if (!at(c)) return false;
    text_.remove_prefix(1);
    return true;
  }
  void expect(char c) {
    if (!take(c)) fail(std::string("lacks a '") + c + "'");
  }
  std::string quoted() {
    const char quote = take('\'') ? '\'' : '"';
    if (quote == '"') {
      // A list here is a structured type: fields by name.
      if (at('[')) fail("describes a structured type; expected one plain number type");
      expect('"');
    }
    const std::size_t end = text_.find(quote);
    if (end == std::string_view::npos) fail("has an unclosed string");
    std::string value(text_.substr(0, end));
    text_.remove_prefix(end + 1);
    return value;
  }
  bool boolean() {
    skip();
    for (const auto& [word, value] : {std::pair<std::string_view, bool>{"True", true}, {"False", false}}) {
      if (text_.starts_with(word)) {
        text_.remove_prefix(word.size());
        return value;
      }
    }
    fail("has a fortran_order that is neither True nor False");
  }
  std::vector<std::int64_t> tuple() {
    std::vector<std::int64_t> values;
    expect('(');
    while (!take(')')) {
      skip();
      std::int64_t value = 0;
      const auto [end, error] = std::from_chars(text_.data(), text_.data() + text_.size(), value);
      if (error != std::errc() || value < 0) fail("has a shape that is not a tuple of counts");
      text_.remove_prefix(static_cast<std::size_t>(end - text_.data()));
      values.push_back(value);
      take('L');  // Python 2 wrote long integers so
      if (!take(',') && !at(')')) fail("has a shape that is not a tuple of counts");
    }
    return values;
  }

  std::string_view text_;
  const std::string& where_;
  int keys_ = 0;
};

/// A file mapped read-only, or its copy where it is empty.
std::shared_ptr<const std::byte> map_file(const fs::path& file, std::size_t& size) {
  const int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) throw io_error("open", file);
  const std::shared_ptr<void> closer(nullptr, [fd](void*) { ::close(fd); });
  struct stat status {};
  if (::fstat(fd, &status) != 0) throw io_error("read", file);
  if (!S_ISREG(status.st_mode))
    throw Error(ErrorCode::bad_input, file.string() + ": expected a .npy file, found a folder");
  size = static_cast<std::size_t>(status.st_size);
  if (size == 0) throw Error(ErrorCode::bad_input, file.string() + ": expected a .npy file, found an empty one");
  void* const start = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, fd, 0);
  if (start == MAP_FAILED) throw io_error("map", file);
  return {static_cast<const std::byte*>(start),
          [size](const std::byte* p) { ::munmap(const_cast<std::byte*>(p), size); }};
}

}  // namespace

std::size_t size_of(NpyType type) { return row_of(type).size; }
std::string_view name(NpyType type) { return row_of(type).name; }

NpyMap NpyMap::open(const fs::path& file) {
  NpyMap map;
  map.where_ = file.string();
  std::size_t size = 0;
  map.data_ = map_file(file, size);
  map.parse({map.data_.get(), size});
  return map;
}

NpyMap NpyMap::from_bytes(std::vector<std::byte> bytes, const std::string& where) {
  NpyMap map;
  map.where_ = where;
  const auto owner = std::make_shared<const std::vector<std::byte>>(std::move(bytes));
  map.data_ = {owner, owner->data()};
  map.parse(*owner);
  return map;
}

void NpyMap::parse(std::span<const std::byte> bytes) {
  const auto fail = [&](const std::string& what) { throw Error(ErrorCode::bad_input, where_ + ": " + what); };
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  const auto byte = [&](std::size_t i) { return static_cast<std::size_t>(static_cast<unsigned char>(text[i])); };
  if (text.size() < 10 || !text.starts_with(magic)) fail("expected a .npy file, found other bytes");
  const std::size_t version = byte(6);
  if (version < 1 || version > 3) fail(".npy version " + std::to_string(version) + ", expected 1, 2 or 3");
  const std::size_t start = version == 1 ? 10 : 12;
  if (text.size() < start) fail("the .npy header is cut off");
  const std::size_t length =
      version == 1 ? byte(8) | byte(9) << 8 : byte(8) | byte(9) << 8 | byte(10) << 16 | byte(11) << 24;
  if (text.size() - start < length) fail("the .npy header is cut off");

  HeaderReader header(text.substr(start, length), where_);
  header.read();
  const auto known = std::find_if(types.begin(), types.end(), [&](const TypeRow& row) {
    return row.descr == header.descr || (row.size == 1 && header.descr.substr(1) == row.descr.substr(1));
  });
  if (known == types.end()) {
    fail("element type '" + header.descr + "', expected uint8, int16, float32, int64 or float64, little-endian");
  }
  if (header.fortran_order && header.shape.size() > 1)
    fail("Fortran order, expected C order (numpy.ascontiguousarray)");
  std::size_t count = 1;
  bool empty = false;
  for (const std::int64_t n : header.shape) {  // zeros aside, so that row_size() cannot overflow either
    if (n == 0) empty = true;
    const auto factor = static_cast<std::size_t>(std::max<std::int64_t>(n, 1));
    if (count > std::numeric_limits<std::size_t>::max() / 16 / factor) {
      fail("shape " + shape_text(header.shape) + " overflows");
    }
    count *= factor;
  }
  if (empty) count = 0;
  type_ = known->type;
  shape_ = std::move(header.shape);
  count_ = count;
  const std::size_t offset = start + length;
  if (text.size() - offset != count * known->size) {
    fail("shape " + shape_text(shape_) + " of " + std::string(known->name) + " needs " +
         std::to_string(count * known->size) + " bytes, found " + std::to_string(text.size() - offset));
  }
  const std::byte* const data = bytes.data() + offset;
  if (reinterpret_cast<std::uintptr_t>(data) % known->size == 0) {
    data_ = {data_, data};
  } else {  // no writer of today does this, but the format allows it
    const std::shared_ptr<std::byte[]> copy(new std::byte[count * known->size]);
    std::memcpy(copy.get(), data, count * known->size);
    data_ = {copy, copy.get()};
  }
}

std::int64_t NpyMap::row_size() const {
  std::int64_t size = 1;
  for (std::size_t i = 1; i < shape_.size(); ++i) size *= shape_[i];
  return size;
}

void NpyMap::require(NpyType type) const {
  if (type != type_) {
    throw Error(ErrorCode::bad_input, where_ + ": expected elements of type " + std::string(nodulus::name(type)) +
                                          ", found " + std::string(nodulus::name(type_)));
  }
}

void NpyMap::require_row(std::int64_t i) const {
  if (i < 0 || i >= rows()) {
    throw Error(ErrorCode::internal, where_ + ": row " + std::to_string(i) + " of " + std::to_string(rows()));
  }
}

void NpyMap::expect(NpyType type, std::span<const std::int64_t> shape) const {
  require(type);
  const bool same = shape.size() == shape_.size() &&
                    std::equal(shape.begin(), shape.end(), shape_.begin(),
                               [](std::int64_t wanted, std::int64_t found) { return wanted < 0 || wanted == found; });
  if (!same) {
    throw Error(ErrorCode::bad_input,
                where_ + ": expected shape " + shape_text(shape) + ", found " + shape_text(shape_));
  }
}

std::string npy_header(NpyType type, std::span<const std::int64_t> shape) {
  std::string dictionary = "{'descr': '" + std::string(row_of(type).descr) +
                           "', 'fortran_order': False, 'shape': " + shape_text(shape) + ", }";
  const std::size_t start = 10;
  dictionary.append(63 - (start + dictionary.size()) % 64, ' ');
  dictionary += '\n';
  std::string header(magic);
  header += {'\x01', '\x00', static_cast<char>(dictionary.size() & 255), static_cast<char>(dictionary.size() >> 8)};
  return header + dictionary;
}

struct NpyWriter::Impl {
  fs::path file;
  NpyType type;
  std::vector<std::int64_t> shape;  // [0] counts up
  std::size_t row_bytes = 0;
  std::size_t header_size = 0;
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> stream{nullptr, &std::fclose};

  /// The header with enough room for any count: written short at first, patched at close.
  [[nodiscard]] std::string header() const {
    std::string text = npy_header(type, shape);
    if (text.size() < header_size) {
      text.pop_back();
      text.append(header_size - text.size() - 1, ' ');
      text += '\n';
      const std::size_t length = header_size - 10;
      text[8] = static_cast<char>(length & 255);
      text[9] = static_cast<char>(length >> 8);
    }
    return text;
  }
};

NpyWriter::NpyWriter(fs::path file, NpyType type, std::vector<std::int64_t> row_shape)
    : impl_(std::make_unique<Impl>()) {
  impl_->file = std::move(file);
  impl_->type = type;
  impl_->shape = std::move(row_shape);
  std::int64_t size = 1;
  for (const std::int64_t n : impl_->shape) size *= n;
  impl_->row_bytes = static_cast<std::size_t>(size) * size_of(type);
  impl_->shape.insert(impl_->shape.begin(), std::numeric_limits<std::int64_t>::max());
  impl_->header_size = npy_header(type, impl_->shape).size();
  impl_->shape[0] = 0;
  impl_->stream.reset(std::fopen(impl_->file.c_str(), "wbe"));
  if (!impl_->stream) throw io_error("create", impl_->file);
  const std::string header = impl_->header();
  if (std::fwrite(header.data(), 1, header.size(), impl_->stream.get()) != header.size()) {
    throw io_error("write", impl_->file);
  }
}

NpyWriter::NpyWriter(NpyWriter&&) noexcept = default;
NpyWriter& NpyWriter::operator=(NpyWriter&&) noexcept = default;
NpyWriter::~NpyWriter() = default;

void NpyWriter::append_bytes(NpyType type, std::span<const std::byte> bytes) {
  if (!impl_->stream) throw Error(ErrorCode::internal, impl_->file.string() + ": written to after close");
  if (type != impl_->type || impl_->row_bytes == 0 || bytes.size() % impl_->row_bytes != 0) {
    throw Error(ErrorCode::internal, impl_->file.string() + ": rows are " + std::to_string(impl_->row_bytes) +
                                         " bytes of " + std::string(name(impl_->type)) + ", got " +
                                         std::to_string(bytes.size()) + " of " + std::string(name(type)));
  }
  if (std::fwrite(bytes.data(), 1, bytes.size(), impl_->stream.get()) != bytes.size())
    throw io_error("write", impl_->file);
  impl_->shape[0] += static_cast<std::int64_t>(bytes.size() / impl_->row_bytes);
}

std::int64_t NpyWriter::rows() const { return impl_->shape[0]; }

void NpyWriter::close() {
  if (!impl_->stream) return;
  std::FILE* const stream = impl_->stream.get();
  const std::string header = impl_->header();
  const bool written = std::fflush(stream) == 0 && std::fseek(stream, 0, SEEK_SET) == 0 &&
                       std::fwrite(header.data(), 1, header.size(), stream) == header.size() &&
                       std::fflush(stream) == 0;
  if (!written) throw io_error("write", impl_->file);
  if (std::fclose(impl_->stream.release()) != 0) throw io_error("write", impl_->file);
}

}  // namespace nodulus
