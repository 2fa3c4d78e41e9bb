#include "nodulus/archive/unpack.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <set>
#include <span>

#include "nodulus/archive/md5.h"
#include "nodulus/archive/remote_series.h"
#include "nodulus/core/error.h"
#include "nodulus/core/files.h"

namespace nodulus::archive {
namespace {

namespace fs = std::filesystem;
using Handle = std::unique_ptr<::archive, int (*)(::archive*)>;

std::string fault_text(::archive* handle) {
  const char* const message = archive_error_string(handle);
  std::string line = message != nullptr ? message : "unknown fault";
  std::replace(line.begin(), line.end(), '\n', ' ');
  return line;
}

bool climbs(std::string_view name) {
  if (name.empty() || name[0] == '/' || name[0] == '\\' || (name.size() > 1 && name[1] == ':')) return true;
  for (std::size_t start = 0; start <= name.size();) {
    const std::size_t end = std::min(name.find_first_of("/\\", start), name.size());
    if (name.substr(start, end - start) == "..") return true;
    start = end + 1;
  }
  return false;
}

class Unpacker {
 public:
  Unpacker(const fs::path& zip, const fs::path& folder, const UnpackLimits& limits, const Wanted& wanted,
           Monitor& monitor)
      : zip_(zip),
        folder_(folder),
        limits_(limits),
        wanted_(wanted),
        monitor_(monitor),
        handle_(archive_read_new(), &archive_read_free) {}

  std::variant<std::vector<UnpackedFile>, Reject> run() {
    // The reader that goes by the zip's directory, which stands at its end: a zip that was cut off has none.
    archive_read_support_format_zip_seekable(handle_.get());
    if (archive_read_open_filename(handle_.get(), zip_.c_str(), 1 << 18) != ARCHIVE_OK)
      return refuse("damaged zip", fault_text(handle_.get()));
    archive_entry* entry = nullptr;
    while (true) {
      const int status = archive_read_next_header(handle_.get(), &entry);
      if (status == ARCHIVE_EOF) return std::move(files_);
      if (status != ARCHIVE_OK && status != ARCHIVE_WARN) return refuse("damaged zip", fault_text(handle_.get()));
      if (auto reject = take(entry)) return std::move(*reject);
    }
  }

 private:
  [[nodiscard]] Reject refuse(const char* reason, const std::string& detail) const {
    return {zip_.filename().string(), reason, detail};
  }

  std::optional<Reject> take(archive_entry* entry) {
    const char* const raw = archive_entry_pathname(entry);
    const std::string name = raw != nullptr ? raw : "";
    if (climbs(name)) return refuse("path escapes the archive", "expected relative names, found '" + name + "'");
    if (archive_entry_filetype(entry) == AE_IFDIR) return std::nullopt;
    if (archive_entry_filetype(entry) != AE_IFREG) return refuse("damaged zip", "'" + name + "' is no file");
    if (archive_entry_is_encrypted(entry) != 0) return refuse("encrypted", "'" + name + "' wants a password");
    if (!wanted_(name)) return std::nullopt;
    if (static_cast<std::int64_t>(files_.size()) >= limits_.files)
      return refuse("too large", fmt::format("expected at most {} files, found more", limits_.files));
    UnpackedFile file{name, stored_name(name), 0, ""};
    if (auto reject = write(file)) return reject;
    files_.push_back(std::move(file));
    return std::nullopt;
  }

  std::string stored_name(const std::string& name) {
    const std::string last = file_name_of(name.substr(name.find_last_of("/\\") + 1));
    std::string stored = last;
    for (int i = 2; !taken_.insert(stored).second; ++i) stored = fmt::format("{}-{}", i, last);
    return stored;
  }

  std::optional<Reject> write(UnpackedFile& file) {
    ReceivingFile stream(folder_ / file.stored);
    Md5 sum;
    while (true) {
      if (monitor_.stop_requested()) throw Error(ErrorCode::stopped, "stopped");
      const void* block = nullptr;
      std::size_t size = 0;
      la_int64_t offset = 0;
      const int status = archive_read_data_block(handle_.get(), &block, &size, &offset);
      if (status == ARCHIVE_EOF) break;
      if (status != ARCHIVE_OK)  // a warning too: that is how a wrong check sum is told
        return refuse("damaged zip", "'" + file.name + "': " + fault_text(handle_.get()));
      if (offset != stream.bytes()) return refuse("damaged zip", "'" + file.name + "' has holes");
      total_ += static_cast<std::int64_t>(size);
      if (total_ > limits_.bytes)
        return refuse("too large", fmt::format("expected at most {} bytes unpacked, found more", limits_.bytes));
      const std::span bytes(static_cast<const std::byte*>(block), size);
      stream.write(bytes);
      sum.update(bytes);
    }
    stream.close();
    file.bytes = stream.bytes();
    file.md5 = sum.hex();
    return std::nullopt;
  }

  const fs::path& zip_;
  const fs::path& folder_;
  const UnpackLimits& limits_;
  const Wanted& wanted_;
  Monitor& monitor_;
  Handle handle_;
  std::vector<UnpackedFile> files_;
  std::set<std::string> taken_;
  std::int64_t total_ = 0;
};

}  // namespace

std::variant<std::vector<UnpackedFile>, Reject> unpack_zip(const fs::path& zip, const fs::path& folder,
                                                           const UnpackLimits& limits, const Wanted& wanted,
                                                           Monitor& monitor) {
  return Unpacker(zip, folder, limits, wanted, monitor).run();
}

ReceivingFile::ReceivingFile(fs::path file, bool append) : file_(std::move(file)) {
  descriptor_ = ::open(file_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | (append ? O_APPEND : O_TRUNC), 0666);
  if (descriptor_ < 0) throw io_error("create", file_);
  if (append) bytes_ = static_cast<std::int64_t>(::lseek(descriptor_, 0, SEEK_END));
}

ReceivingFile::~ReceivingFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

void ReceivingFile::write(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t put = ::write(descriptor_, bytes.data(), bytes.size());
    if (put < 0) {
      if (errno == EINTR) continue;
      throw io_error("write", file_);
    }
    bytes = bytes.subspan(static_cast<std::size_t>(put));
    bytes_ += put;
  }
}

void ReceivingFile::close() {
  const int result = ::close(std::exchange(descriptor_, -1));
  if (result != 0) throw io_error("write", file_);
}

}  // namespace nodulus::archive
