#include "nodulus/data/zip_writer.h"

#include <archive.h>
#include <archive_entry.h>
#include <unistd.h>

#include <cstdio>
#include <system_error>

#include "nodulus/core/error.h"
#include "nodulus/core/files.h"

namespace nodulus::data {
namespace fs = std::filesystem;

struct ZipWriter::Impl {
  fs::path file;
  fs::path temporary;
  std::unique_ptr<archive, int (*)(archive*)> handle{archive_write_new(), &archive_write_free};

  void require(int status) const {
    if (status >= ARCHIVE_WARN) return;
    const char* const text = archive_error_string(handle.get());
    throw Error(ErrorCode::io,
                "cannot write '" + temporary.string() + "': " + (text != nullptr ? text : "unknown failure"));
  }
};

void ZipWriter::check_target(const fs::path& file, bool force) {
  std::error_code error;
  const fs::file_status status = fs::symlink_status(file, error);
  if (fs::exists(status) && !(force && fs::is_regular_file(status))) {
    throw Error(ErrorCode::exists, "'" + file.string() + "' is there already" +
                                       (fs::is_regular_file(status) ? "; --force replaces it" : " and is no file"));
  }
}

ZipWriter::ZipWriter(fs::path file, bool force) : impl_(std::make_unique<Impl>()) {
  check_target(file, force);
  impl_->file = std::move(file);
  impl_->temporary = temporary_sibling(impl_->file);
  archive* const handle = impl_->handle.get();
  impl_->require(archive_write_set_format_zip(handle));
  impl_->require(archive_write_set_options(handle, "zip:compression=store"));
  impl_->require(archive_write_open_filename(handle, impl_->temporary.c_str()));
}

ZipWriter::~ZipWriter() {
  if (!impl_->handle) return;
  impl_->handle.reset();
  ::unlink(impl_->temporary.c_str());
}

void ZipWriter::add(const std::string& name, std::span<const std::uint8_t> bytes) {
  const std::unique_ptr<archive_entry, void (*)(archive_entry*)> entry(archive_entry_new(), &archive_entry_free);
  archive_entry_set_pathname(entry.get(), name.c_str());
  archive_entry_set_filetype(entry.get(), AE_IFREG);
  archive_entry_set_perm(entry.get(), 0644);
  archive_entry_set_size(entry.get(), static_cast<la_int64_t>(bytes.size()));
  archive_entry_set_mtime(entry.get(), 315532800, 0);  // 1980-01-01, the first that a zip can say
  impl_->require(archive_write_header(impl_->handle.get(), entry.get()));
  const la_ssize_t put = archive_write_data(impl_->handle.get(), bytes.data(), bytes.size());
  if (put != static_cast<la_ssize_t>(bytes.size())) impl_->require(ARCHIVE_FATAL);
}

void ZipWriter::close() {
  impl_->require(archive_write_close(impl_->handle.get()));
  sync_path(impl_->temporary);
  if (std::rename(impl_->temporary.c_str(), impl_->file.c_str()) != 0) throw io_error("rename to", impl_->file);
  impl_->handle.reset();
}

}  // namespace nodulus::data
