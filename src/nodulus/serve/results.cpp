#include "nodulus/serve/results.h"

#include <archive.h>
#include <archive_entry.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <memory>

#include "nodulus/core/error.h"
#include "nodulus/core/files.h"

namespace nodulus::serve {
namespace {

namespace fs = std::filesystem;

std::string type_of(const fs::path& file) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 9> types{{{".png", "image/png"},
                                                                                {".dcm", "application/dicom"},
                                                                                {".json", "application/json"},
                                                                                {".csv", "text/csv"},
                                                                                {".md", "text/markdown"},
                                                                                {".html", "text/html"},
                                                                                {".svg", "image/svg+xml"},
                                                                                {".txt", "text/plain"},
                                                                                {".zip", "application/zip"}}};
  for (const auto& [ending, type] : types) {
    if (file.extension() == ending) return std::string(type);
  }
  return "application/octet-stream";
}

/// What libarchive's callback hands on.
struct Target {
  const Send& send;
  bool gone = false;
};

la_ssize_t pass_on(::archive*, void* user, const void* bytes, std::size_t size) {
  auto& target = *static_cast<Target*>(user);
  if (!target.gone && target.send({static_cast<const char*>(bytes), size})) return static_cast<la_ssize_t>(size);
  target.gone = true;
  return -1;
}

}  // namespace

std::vector<ResultFile> result_files(const fs::path& folder) {
  std::vector<ResultFile> files;
  std::error_code error;
  for (fs::recursive_directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    if (!at->is_regular_file()) continue;
    files.push_back({fs::relative(at->path(), folder).generic_string(), file_bytes(at->path()), type_of(at->path())});
  }
  if (error) throw Error(ErrorCode::io, fmt::format("cannot list '{}': {}", folder.string(), error.message()));
  std::sort(files.begin(), files.end(), [](const ResultFile& a, const ResultFile& b) { return a.name < b.name; });
  return files;
}

void send_zip(const fs::path& folder, const std::string& name, const Send& send) {
  Target target{send};
  const std::unique_ptr<::archive, int (*)(::archive*)> zip(archive_write_new(), archive_write_free);
  const auto require = [&](bool good, const std::string& what) {
    if (!good) throw Error(ErrorCode::io, fmt::format("a zip of '{}' breaks off: {}", folder.string(), what));
  };
  archive_write_set_format_zip(zip.get());
  archive_write_zip_set_compression_store(zip.get());  // what is large in it is packed already
  archive_write_set_bytes_in_last_block(zip.get(), 1);
  require(archive_write_open(zip.get(), &target, nullptr, &pass_on, nullptr) == ARCHIVE_OK, "it cannot begin");
  std::vector<char> buffer(256 << 10);
  for (const ResultFile& file : result_files(folder)) {
    const std::unique_ptr<archive_entry, void (*)(archive_entry*)> entry(archive_entry_new(), archive_entry_free);
    archive_entry_set_pathname(entry.get(), (name + "/" + file.name).c_str());
    archive_entry_set_size(entry.get(), file.bytes);
    archive_entry_set_filetype(entry.get(), AE_IFREG);
    archive_entry_set_perm(entry.get(), 0644);
    archive_entry_set_mtime(entry.get(), 315532800, 0);  // 1980, where zip's time begins
    require(archive_write_header(zip.get(), entry.get()) == ARCHIVE_OK, "whoever asked has gone");
    std::ifstream stream(folder / file.name, std::ios::binary);
    for (std::int64_t left = file.bytes; left > 0;) {
      stream.read(buffer.data(), std::min<std::streamsize>(static_cast<std::streamsize>(buffer.size()), left));
      const std::streamsize got = stream.gcount();
      require(got > 0, "'" + file.name + "' is shorter than it was");
      require(archive_write_data(zip.get(), buffer.data(), static_cast<std::size_t>(got)) == got,
              "whoever asked has gone");
      left -= got;
    }
  }
  require(archive_write_close(zip.get()) == ARCHIVE_OK, "whoever asked has gone");
}

}  // namespace nodulus::serve
