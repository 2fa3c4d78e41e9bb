#include "nodulus/core/atomic_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>

#include "nodulus/core/error.h"
#include "nodulus/core/files.h"

namespace nodulus {

AtomicFile::AtomicFile(std::filesystem::path path) : path_(std::move(path)), temporary_(path_.string() + ".tmp") {
  descriptor_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (descriptor_ < 0) fail("cannot create");
}

AtomicFile::~AtomicFile() {
  if (descriptor_ < 0) return;
  ::close(descriptor_);
  ::unlink(temporary_.c_str());
}

void AtomicFile::fail(std::string_view doing) const {
  throw Error(ErrorCode::io, fmt::format("{}: {}: {}", path_.string(), doing, std::strerror(errno)));
}

void AtomicFile::write(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail("cannot write");
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
}

void AtomicFile::write(std::string_view text) { write(std::as_bytes(std::span(text.data(), text.size()))); }

void AtomicFile::commit() {
  if (::fsync(descriptor_) != 0) fail("cannot flush to disk");
  ::close(descriptor_);
  descriptor_ = -1;
  std::error_code error;
  std::filesystem::rename(temporary_, path_, error);
  if (error) {
    ::unlink(temporary_.c_str());
    throw Error(ErrorCode::io, fmt::format("{}: cannot rename into place: {}", path_.string(), error.message()));
  }
  sync_path(path_.parent_path().empty() ? "." : path_.parent_path());
}

std::string read_file(const std::filesystem::path& path) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored))
    throw Error(ErrorCode::io, fmt::format("{}: expected a file, found a folder", path.string()));
  std::ifstream stream(path, std::ios::binary);
  if (!stream) {
    const bool missing = !std::filesystem::exists(path, ignored);
    throw Error(missing ? ErrorCode::not_found : ErrorCode::io,
                fmt::format("{}: {}", path.string(), missing ? "no such file" : "cannot be read"));
  }
  std::string text;
  std::array<char, 1 << 16> block{};
  while (stream.read(block.data(), block.size()) || stream.gcount() > 0)
    text.append(block.data(), static_cast<std::size_t>(stream.gcount()));
  if (stream.bad()) throw Error(ErrorCode::io, fmt::format("{}: cannot be read to its end", path.string()));
  return text;
}

}  // namespace nodulus
