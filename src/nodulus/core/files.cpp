#include "nodulus/core/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <string>
#include <system_error>
#include <vector>

namespace nodulus {
namespace fs = std::filesystem;
namespace {

/// A file descriptor that closes itself.
class Descriptor {
 public:
  Descriptor(const fs::path& file, int flags, mode_t mode = 0666)
      : fd_(::open(file.c_str(), flags | O_CLOEXEC, mode)) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  [[nodiscard]] int get() const { return fd_; }
  [[nodiscard]] bool ok() const { return fd_ >= 0; }
  /// close() with its verdict: on some file systems only this call says that the disk is full.
  int close() {
    const int result = ::close(fd_);
    fd_ = -1;
    return result;
  }

 private:
  int fd_;
};

bool sync_unsupported(int error) { return error == EINVAL || error == ENOTSUP || error == EROFS || error == EBADF; }

}  // namespace

Error io_error(std::string_view action, const fs::path& path) {
  const int error = errno;
  const std::string why = error == 0 ? "unknown failure" : std::generic_category().message(error);
  const ErrorCode code = error == ENOENT ? ErrorCode::not_found : ErrorCode::io;
  return {code, "cannot " + std::string(action) + " '" + path.string() + "': " + why};
}

void write_text(const fs::path& file, std::string_view text) {
  Descriptor descriptor(file, O_WRONLY | O_CREAT | O_TRUNC);
  if (!descriptor.ok()) throw io_error("create", file);
  while (!text.empty()) {
    const ssize_t put = ::write(descriptor.get(), text.data(), text.size());
    if (put < 0) {
      if (errno == EINTR) continue;
      throw io_error("write", file);
    }
    text.remove_prefix(static_cast<std::size_t>(put));
  }
  if (descriptor.close() != 0) throw io_error("write", file);
}

void make_folder(const fs::path& folder) {
  if (::mkdir(folder.c_str(), 0777) != 0) throw io_error("create", folder);
}

void remove_tree(const fs::path& path) {
  std::error_code error;
  fs::remove_all(path, error);
  if (error) throw Error(ErrorCode::io, "cannot remove '" + path.string() + "': " + error.message());
}

void move_path(const fs::path& from, const fs::path& to) {
  std::error_code error;
  fs::rename(from, to, error);
  if (error)
    throw Error(ErrorCode::io, "cannot rename '" + from.string() + "' to '" + to.string() + "': " + error.message());
}

std::int64_t file_bytes(const fs::path& file) {
  std::error_code error;
  const auto size = fs::file_size(file, error);
  if (error) throw Error(ErrorCode::io, "cannot read '" + file.string() + "': " + error.message());
  return static_cast<std::int64_t>(size);
}

fs::path without_slash(const fs::path& path) {
  fs::path tidy = fs::absolute(path).lexically_normal();
  return tidy.has_filename() ? tidy : tidy.parent_path();
}

void sync_path(const fs::path& path) {
  const Descriptor descriptor(path, O_RDONLY);
  if (!descriptor.ok()) throw io_error("open", path);
  if (::fsync(descriptor.get()) != 0 && !sync_unsupported(errno)) throw io_error("write", path);
}

void sync_tree(const fs::path& folder) {
  std::error_code error;
  for (fs::recursive_directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    if (!it->is_symlink() && (it->is_regular_file() || it->is_directory())) sync_path(it->path());
  }
  if (error) throw Error(ErrorCode::io, "cannot list '" + folder.string() + "': " + error.message());
  sync_path(folder);
}

namespace {

/// ".name.tmp-HOST-": the host, since a process id says nothing about another machine on the same file system.
std::string temporary_prefix(const fs::path& target) {
  std::array<char, 256> host{};
  if (::gethostname(host.data(), host.size() - 1) != 0) host = {'h', 'o', 's', 't'};
  return "." + target.filename().string() + ".tmp-" + host.data() + "-";
}

}  // namespace

fs::path temporary_sibling(const fs::path& target) {
  static std::atomic<unsigned> count{0};
  while (true) {
    const std::string name = temporary_prefix(target) + std::to_string(::getpid()) + "-" + std::to_string(count++);
    fs::path candidate = target.parent_path() / name;
    struct stat status {};
    if (::lstat(candidate.c_str(), &status) != 0) return candidate;
  }
}

void remove_stale_siblings(const fs::path& target) {
  const std::string prefix = temporary_prefix(target);
  const fs::path parent = target.has_parent_path() ? target.parent_path() : fs::path(".");
  std::error_code error;
  std::vector<fs::path> stale;
  for (fs::directory_iterator it(parent, error), end; !error && it != end; it.increment(error)) {
    const std::string name = it->path().filename().string();
    if (!name.starts_with(prefix)) continue;
    const pid_t process = static_cast<pid_t>(std::strtol(name.c_str() + prefix.size(), nullptr, 10));
    if (process > 0 && ::kill(process, 0) != 0 && errno == ESRCH) stale.push_back(it->path());
  }
  for (const fs::path& path : stale) fs::remove_all(path, error);
}

}  // namespace nodulus
