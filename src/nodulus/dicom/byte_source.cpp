#include "nodulus/dicom/byte_source.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "nodulus/core/error.h"

namespace nodulus::dicom {
namespace {

constexpr std::size_t kWindow = 16 << 10;

}  // namespace

ByteSource::ByteSource(const std::string& path) {
  // O_NONBLOCK: opening a named pipe must not wait for somebody to write into it.
  descriptor_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor_ < 0) {
    const int code = errno;
    const bool missing = code == ENOENT || code == ENOTDIR;
    throw Error(missing ? ErrorCode::not_found : ErrorCode::io, std::string("cannot open: ") + std::strerror(code));
  }
  struct stat status {};
  const bool regular = ::fstat(descriptor_, &status) == 0 && S_ISREG(status.st_mode);
  if (!regular) {
    ::close(descriptor_);
    throw Error(ErrorCode::bad_input, "expected a regular file");
  }
  size_ = static_cast<std::uint64_t>(status.st_size);
}

ByteSource::ByteSource(std::vector<std::uint8_t> bytes) : size_(bytes.size()), window_(std::move(bytes)) {}

ByteSource::~ByteSource() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

void ByteSource::read_at(std::uint64_t offset, std::uint8_t* to, std::size_t count) {
  while (count > 0) {
    const ssize_t got = ::pread(descriptor_, to, count, static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw Error(ErrorCode::io, std::string("cannot read: ") + std::strerror(errno));
    if (got == 0) throw Error(ErrorCode::io, "became shorter while it was read");
    to += got;
    offset += static_cast<std::uint64_t>(got);
    count -= static_cast<std::size_t>(got);
  }
}

std::span<const std::uint8_t> ByteSource::peek(std::uint64_t offset, std::size_t count) {
  if (!holds(offset, count)) throw Error(ErrorCode::internal, "ByteSource::peek past the end");
  const bool inside = offset >= window_offset_ && offset + count <= window_offset_ + window_.size();
  if (!inside) {
    window_.resize(static_cast<std::size_t>(std::min<std::uint64_t>(std::max(kWindow, count), size_ - offset)));
    read_at(offset, window_.data(), window_.size());
    window_offset_ = offset;
  }
  return std::span(window_).subspan(static_cast<std::size_t>(offset - window_offset_), count);
}

std::vector<std::uint8_t> ByteSource::copy(std::uint64_t offset, std::uint64_t count) {
  std::vector<std::uint8_t> bytes;
  copy(offset, count, bytes);
  return bytes;
}

void ByteSource::copy(std::uint64_t offset, std::uint64_t count, std::vector<std::uint8_t>& bytes) {
  if (!holds(offset, count)) throw Error(ErrorCode::internal, "ByteSource::copy past the end");
  bytes.resize(static_cast<std::size_t>(count));
  const bool inside = offset >= window_offset_ && offset + count <= window_offset_ + window_.size();
  if (inside) {
    std::copy_n(window_.begin() + static_cast<std::ptrdiff_t>(offset - window_offset_), bytes.size(), bytes.begin());
  } else {
    read_at(offset, bytes.data(), bytes.size());
  }
}

std::vector<std::uint8_t> inflate_raw(std::span<const std::uint8_t> packed, std::uint64_t limit) {
  z_stream stream{};
  if (inflateInit2(&stream, -MAX_WBITS) != Z_OK) throw Error(ErrorCode::internal, "zlib refused to start");
  stream.next_in = const_cast<Bytef*>(packed.data());
  stream.avail_in = static_cast<uInt>(packed.size());
  std::vector<std::uint8_t> out;
  int state = Z_OK;
  while (state == Z_OK && out.size() <= limit) {
    const std::size_t done = out.size();
    out.resize(done + std::max<std::size_t>(packed.size(), 1 << 16));
    stream.next_out = out.data() + done;
    stream.avail_out = static_cast<uInt>(out.size() - done);
    state = inflate(&stream, Z_NO_FLUSH);
    out.resize(out.size() - stream.avail_out);
  }
  inflateEnd(&stream);
  if (out.size() > limit)
    throw Error(ErrorCode::bad_input, "deflated data set is larger than " + std::to_string(limit));
  if (state != Z_STREAM_END) throw Error(ErrorCode::bad_input, "deflated data set is damaged or ends early");
  return out;
}

}  // namespace nodulus::dicom
