#include "nodulus/archive/readings.h"

#include <algorithm>
#include <fstream>

#include "nodulus/archive/md5.h"
#include "nodulus/archive/unpack.h"
#include "nodulus/core/error.h"
#include "nodulus/core/files.h"

namespace nodulus::archive {
namespace {

namespace fs = std::filesystem;

}  // namespace

std::string series_of_reading(const fs::path& xml) {
  // It stands in the header of the file's message, before the readers' marks.
  std::ifstream stream(xml, std::ios::binary);
  std::string text(16 << 10, '\0');
  stream.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(std::max<std::streamsize>(0, stream.gcount())));
  constexpr std::string_view element = "<SeriesInstanceUid>";
  const std::size_t at = text.find(element);
  if (at == std::string::npos) return "";
  const std::size_t start = at + element.size();
  const std::string uid = text.substr(start, text.find('<', start) - start);
  return is_uid(uid) ? uid : "";
}

void Readings::unpack(const fs::path& zip, const fs::path& folder, Monitor& monitor) {
  const fs::path work = temporary_sibling(folder);
  remove_stale_siblings(folder);
  make_folder(work);
  const auto is_xml = [](const std::string& name) { return name.ends_with(".xml") || name.ends_with(".XML"); };
  const auto unpacked = unpack_zip(zip, work, {std::int64_t{4} << 30, 100'000}, is_xml, monitor);
  const auto* const reject = std::get_if<Reject>(&unpacked);
  if (reject != nullptr || std::get<0>(unpacked).empty()) {
    fs::remove_all(work);
    throw Error(ErrorCode::bad_input, zip.string() + ": expected a zip of the readers' XML: " +
                                          (reject != nullptr ? reject->reason + ": " + reject->detail : "it has none"));
  }
  sync_tree(work);
  fs::remove_all(folder);
  fs::rename(work, folder);
}

Readings::Readings(const fs::path& folder) {
  std::vector<fs::path> files;
  std::error_code error;
  for (fs::directory_iterator at(folder, error); !error && at != fs::directory_iterator(); at.increment(error))
    files.push_back(at->path());
  std::sort(files.begin(), files.end());
  for (const fs::path& file : files) {
    const std::string uid = series_of_reading(file);
    if (!uid.empty()) files_[uid].push_back(file);
  }
}

std::vector<ReceivedFile> Readings::copy(const std::string& series_uid, const fs::path& folder) const {
  std::vector<ReceivedFile> copied;
  const auto found = files_.find(series_uid);
  if (found == files_.end()) return copied;
  for (const fs::path& file : found->second) {
    const fs::path target = folder / file.filename();
    std::error_code error;
    fs::copy_file(file, target, fs::copy_options::overwrite_existing, error);
    if (error) throw Error(ErrorCode::io, "cannot write '" + target.string() + "': " + error.message());
    copied.push_back(
        {file.filename().string(), static_cast<std::int64_t>(fs::file_size(target)), md5_file(target), ""});
  }
  return copied;
}

}  // namespace nodulus::archive
