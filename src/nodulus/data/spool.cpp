#include "nodulus/data/spool.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "nodulus/core/error.h"
#include "nodulus/core/files.h"

namespace nodulus::data {

Spool::Spool(const std::filesystem::path& folder, std::size_t record_bytes)
    : folder_(folder), record_bytes_(record_bytes) {
  const std::filesystem::path file = temporary_sibling(folder / "spool");
  descriptor_ = ::open(file.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (descriptor_ < 0) throw io_error("create", file);
  ::unlink(file.c_str());
}

Spool::~Spool() { ::close(descriptor_); }

void Spool::put(std::int64_t record, std::span<const std::byte> bytes) {
  if (bytes.size() != record_bytes_) throw Error(ErrorCode::internal, "spool: a record of another size");
  auto offset = static_cast<off_t>(record) * static_cast<off_t>(record_bytes_);
  while (!bytes.empty()) {
    const ssize_t put = ::pwrite(descriptor_, bytes.data(), bytes.size(), offset);
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) throw io_error("write into", folder_);
    bytes = bytes.subspan(static_cast<std::size_t>(put));
    offset += put;
  }
}

void Spool::get(std::int64_t record, std::span<std::byte> bytes) const {
  if (bytes.size() != record_bytes_) throw Error(ErrorCode::internal, "spool: a record of another size");
  auto offset = static_cast<off_t>(record) * static_cast<off_t>(record_bytes_);
  while (!bytes.empty()) {
    const ssize_t got = ::pread(descriptor_, bytes.data(), bytes.size(), offset);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw io_error("read from", folder_);
    if (got == 0) {
      std::fill(bytes.begin(), bytes.end(), std::byte{0});
      return;
    }
    bytes = bytes.subspan(static_cast<std::size_t>(got));
    offset += got;
  }
}

}  // namespace nodulus::data
