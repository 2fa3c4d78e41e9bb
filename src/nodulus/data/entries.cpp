#include "nodulus/data/entries.h"

#include <archive.h>
#include <archive_entry.h>

#include <algorithm>
#include <set>

#include "nodulus/core/atomic_file.h"
#include "nodulus/core/error.h"

namespace nodulus::data {
namespace fs = std::filesystem;
namespace {

class FolderSource final : public EntrySource {
 public:
  explicit FolderSource(fs::path folder) : folder_(std::move(folder)) {}

  void visit(const Wanted& wanted, const Visit& visit, std::vector<Reject>& rejects) override {
    std::vector<std::string> names;
    std::error_code error;
    fs::recursive_directory_iterator it(folder_, fs::directory_options::skip_permission_denied, error);
    for (const fs::recursive_directory_iterator end; !error && it != end; it.increment(error)) {
      if (it->is_regular_file(error)) names.push_back(it->path().lexically_relative(folder_).generic_string());
    }
    if (error) throw Error(ErrorCode::io, "cannot list '" + folder_.string() + "': " + error.message());
    std::sort(names.begin(), names.end());
    for (const std::string& name : names) {
      if (!wanted(name)) continue;
      const fs::path file = folder_ / name;
      if (fs::file_size(file, error) > max_entry_bytes && !error) {
        rejects.push_back({name, "too large", "expected 4 GiB at most"});
        continue;
      }
      std::string text;
      try {
        text = read_file(file);
      } catch (const Error& failure) {
        rejects.push_back({name, "unreadable", failure.what()});
        continue;
      }
      const auto bytes = std::as_bytes(std::span(text));
      visit(name, {bytes.begin(), bytes.end()});
    }
  }

  [[nodiscard]] fs::path file_of(const std::string& name) const override { return folder_ / name; }

 private:
  fs::path folder_;
};

class ArchiveSource final : public EntrySource {
 public:
  explicit ArchiveSource(fs::path file) : file_(std::move(file)) {
    Handle handle = start();
    archive_entry* entry = nullptr;
    const int status = archive_read_next_header(handle.get(), &entry);
    // "raw" is what libarchive calls bytes of no archive format, "empty" none at all
    const int format = archive_format(handle.get());
    if ((status != ARCHIVE_OK && status != ARCHIVE_WARN && status != ARCHIVE_EOF) || format == ARCHIVE_FORMAT_EMPTY) {
      throw Error(ErrorCode::bad_input, file_.string() + ": expected a folder, a zip or a tar, found other bytes");
    }
  }

  void visit(const Wanted& wanted, const Visit& visit, std::vector<Reject>& rejects) override {
    const Handle handle = start();
    archive_entry* entry = nullptr;
    std::set<std::string> seen;
    while (true) {
      const int status = archive_read_next_header(handle.get(), &entry);
      if (status == ARCHIVE_EOF) return;
      if (status != ARCHIVE_OK && status != ARCHIVE_WARN) broken(handle.get());
      if (archive_entry_filetype(entry) != AE_IFREG) continue;
      const char* const raw = archive_entry_pathname(entry);
      std::string name = raw != nullptr ? raw : "";
      while (name.starts_with("./")) name.erase(0, 2);
      if (escapes(name)) {
        rejects.push_back({name, "path escapes the archive", "expected a relative path without '..'"});
        continue;
      }
      if (!wanted(name)) continue;
      if (!seen.insert(name).second) {
        rejects.push_back({name, "duplicate name", "the archive has an entry of that name already; the first stands"});
        continue;
      }
      std::vector<std::byte> bytes;
      if (read(handle.get(), entry, name, bytes, rejects)) visit(name, std::move(bytes));
    }
  }

  [[nodiscard]] fs::path file_of(const std::string&) const override { return {}; }

 private:
  using Handle = std::unique_ptr<archive, int (*)(archive*)>;

  [[nodiscard]] Handle start() const {
    Handle handle(archive_read_new(), &archive_read_free);
    archive_read_support_filter_all(handle.get());
    archive_read_support_format_zip(handle.get());
    archive_read_support_format_tar(handle.get());
    if (archive_read_open_filename(handle.get(), file_.c_str(), 1 << 18) != ARCHIVE_OK) {
      throw Error(ErrorCode::bad_input, file_.string() + ": expected a folder, a zip or a tar: " + text(handle.get()));
    }
    return handle;
  }

  [[noreturn]] void broken(archive* handle) const {
    throw Error(ErrorCode::bad_input, file_.string() + ": the archive breaks off: " + text(handle));
  }

  static std::string text(archive* handle) {
    const char* const message = archive_error_string(handle);
    std::string line = message != nullptr ? message : "unknown fault";
    std::replace(line.begin(), line.end(), '\n', ' ');
    return line;
  }

  static bool read(archive* handle, archive_entry* entry, const std::string& name, std::vector<std::byte>& bytes,
                   std::vector<Reject>& rejects) {
    if (archive_entry_is_encrypted(entry) != 0) {
      rejects.push_back({name, "encrypted", "expected an entry without a password"});
      return false;
    }
    const void* block = nullptr;
    std::size_t size = 0;
    la_int64_t offset = 0;
    while (true) {
      const int status = archive_read_data_block(handle, &block, &size, &offset);
      if (status == ARCHIVE_EOF) return true;
      if (status != ARCHIVE_OK) {  // a warning too: that is how a zip's wrong check sum is told
        rejects.push_back({name, "damaged archive entry", text(handle)});
        return false;
      }
      if (static_cast<std::uint64_t>(offset) + size > max_entry_bytes) {  // what is there, not what a header claims
        rejects.push_back({name, "too large", "expected 4 GiB at most"});
        return false;
      }
      bytes.resize(static_cast<std::size_t>(offset));  // holes of sparse files are zeros
      const auto* const start = static_cast<const std::byte*>(block);
      bytes.insert(bytes.end(), start, start + size);
    }
  }

  fs::path file_;
};

}  // namespace

bool escapes(std::string_view name) {
  if (name.empty() || name[0] == '/' || name[0] == '\\' || (name.size() > 1 && name[1] == ':')) return true;
  for (std::size_t start = 0; start <= name.size();) {
    const std::size_t end = std::min(name.find_first_of("/\\", start), name.size());
    if (name.substr(start, end - start) == "..") return true;
    start = end + 1;
  }
  return false;
}

std::unique_ptr<EntrySource> EntrySource::open(const fs::path& source) {
  std::error_code error;
  const fs::file_status status = fs::status(source, error);
  if (!fs::exists(status)) throw Error(ErrorCode::not_found, "no folder or archive at '" + source.string() + "'");
  if (fs::is_directory(status)) return std::make_unique<FolderSource>(source);
  return std::make_unique<ArchiveSource>(source);
}

}  // namespace nodulus::data
