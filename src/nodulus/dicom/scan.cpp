#include "nodulus/dicom/scan.h"

#include <algorithm>
#include <cctype>
#include <map>
#include <optional>
#include <set>
#include <string_view>
#include <system_error>
#include <tuple>
#include <variant>

#include "nodulus/core/error.h"
#include "nodulus/core/threads.h"
#include "nodulus/dicom/byte_source.h"

namespace nodulus::dicom {
namespace {

namespace fs = std::filesystem;

/// Files met, in the order of their paths; folders that could not be read.
struct Walk {
  std::vector<std::string> files;
  std::vector<Reject> unreadable;
};

/// Collects regular files below a folder. A folder is entered once, however many links lead to it; a file that
/// is linked from two places is read once, by the path that sorts first.
class FolderWalker {
 public:
  explicit FolderWalker(Monitor& monitor) : monitor_(monitor) {}

  void enter(const fs::path& path) {
    std::error_code error;
    const fs::file_status status = fs::status(path, error);
    if (error) {
      // A link that leads nowhere, or in a circle.
      walk_.unreadable.push_back({path.string(), "unreadable file", error.message()});
    } else if (fs::is_directory(status)) {
      enter_folder(path);
    } else if (fs::is_regular_file(status) && first_visit(path)) {
      walk_.files.push_back(path.string());
    }
  }

  Walk finish() {
    std::sort(walk_.files.begin(), walk_.files.end());
    return std::move(walk_);
  }

 private:
  void enter_folder(const fs::path& folder) {
    if (monitor_.stop_requested()) throw Error(ErrorCode::stopped, "stopped while looking for files");
    if (!first_visit(folder)) return;
    std::error_code error;
    std::vector<fs::path> children;
    fs::directory_iterator at(folder, error);
    for (; !error && at != fs::directory_iterator(); at.increment(error)) children.push_back(at->path());
    if (error) walk_.unreadable.push_back({folder.string(), "unreadable folder", error.message()});
    std::sort(children.begin(), children.end());
    for (const fs::path& child : children) enter(child);
  }

  bool first_visit(const fs::path& path) {
    std::error_code error;
    const fs::path real = fs::canonical(path, error);
    return error || visited_.insert(real.string()).second;
  }

  Monitor& monitor_;
  Walk walk_;
  std::set<std::string> visited_;
};

/// XML starts with '<', perhaps behind a byte order mark and white space; UTF-16 has its own marks.
bool looks_like_xml(const std::string& path) try {
  ByteSource source(path);
  const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(64, source.size()));
  const auto bytes = source.peek(0, count);
  std::size_t at = 0;
  const bool utf16 = count >= 2 && ((bytes[0] == 0xFF && bytes[1] == 0xFE) || (bytes[0] == 0xFE && bytes[1] == 0xFF));
  if (utf16) at = 2;
  if (count >= 3 && bytes[0] == 0xEF && bytes[1] == 0xBB && bytes[2] == 0xBF) at = 3;
  while (at < count && (std::isspace(bytes[at]) != 0 || (utf16 && bytes[at] == 0))) ++at;
  return at < count && bytes[at] == '<';
} catch (const Error&) {
  return false;  // It went away since its header was read.
}

/// What one file turned out to be.
struct Found {
  std::optional<SliceHeader> header;  ///< Of its first frame.
  std::optional<Reject> reject;
  bool xml = false;
};

Found examine(const std::string& path, const ScanOptions& options) {
  Found found;
  auto read = read_headers(path);
  if (auto* reject = std::get_if<Reject>(&read)) {
    found.xml = reject->reason == "not DICOM" && looks_like_xml(path);
    if (!found.xml) found.reject = std::move(*reject);
    return found;
  }
  auto& headers = std::get<std::vector<SliceHeader>>(read);
  for (const SliceHeader& header : headers) {
    Reject reject = left_out(header, options);
    if (reject.reason.empty()) continue;
    found.reject = std::move(reject);
    return found;
  }
  found.header = std::move(headers.front());
  return found;
}

bool has_word(const SliceHeader& header, std::initializer_list<std::string_view> words) {
  for (const std::string& value : header.image_type) {
    if (std::find(words.begin(), words.end(), value) != words.end()) return true;
  }
  return false;
}

bool is_secondary_capture(std::string_view sop_class) {
  constexpr std::string_view kSecondaryCapture = "1.2.840.10008.5.1.4.1.1.7";  // .1 to .4: its multi-frame kin
  return sop_class == kSecondaryCapture || sop_class.starts_with(std::string(kSecondaryCapture) + ".");
}

void add_to_series(std::map<std::string, Series>& all, const SliceHeader& header) {
  Series& series = all[header.series_uid];
  if (series.files.empty()) {
    series.uid = header.series_uid;
    series.study_uid = header.study_uid;
    series.patient_id = header.patient_id;
    series.modality = header.modality;
    series.manufacturer = header.manufacturer;
  }
  series.files.push_back(header.path);
  series.slices += header.frames;
}

Walk walk_roots(const std::vector<fs::path>& roots, Monitor& monitor) {
  FolderWalker walker(monitor);
  for (const fs::path& root : roots) {
    std::error_code error;
    if (!fs::exists(root, error)) throw Error(ErrorCode::not_found, root.string() + ": no such file or folder");
    walker.enter(root);
  }
  return walker.finish();
}

}  // namespace

Reject left_out(const SliceHeader& header, const ScanOptions& options) {
  const auto because = [&](std::string reason, std::string detail) {
    return Reject{header.path, std::move(reason), std::move(detail)};
  };
  std::string type;
  for (const std::string& value : header.image_type) type += (type.empty() ? "" : "\\") + value;
  if (!options.modality.empty() && header.modality != options.modality) {
    return because("other modality", "Modality \"" + header.modality + "\", expected " + options.modality);
  }
  if (header.series_uid.empty()) return because("no series UID", "no SeriesInstanceUID (0020,000e)");
  if (has_word(header, {"LOCALIZER", "SCOUT", "TOPOGRAM", "SURVEY"})) {
    return because("localizer", "ImageType " + type);
  }
  if (!options.accept_derived) {
    if (is_secondary_capture(header.sop_class_uid)) {
      return because("secondary capture", "SOP class " + header.sop_class_uid);
    }
    if (has_word(header, {"REFORMATTED", "MPR", "CURVED_MPR", "PROJECTION IMAGE", "MIP", "MINIP", "MAX_IP", "MIN_IP",
                          "VOLUME_RENDER", "SURFACE_RENDER", "AVERAGE"})) {
      return because("reformat", "ImageType " + type);
    }
    // ORIGINAL\SECONDARY stays: a later reconstruction of the same measurement.
    const bool derived = !header.image_type.empty() && header.image_type[0] == "DERIVED";
    if (derived) return because("derived image", "ImageType " + type);
  }
  if (!header.pixel_problem.empty()) return because("not an image in HU", header.pixel_problem);
  if (options.modality == "CT" && !header.has_rescale) {
    return because("not an image in HU", "no RescaleSlope (0028,1053) and RescaleIntercept (0028,1052)");
  }
  return {};
}

Scan scan(const std::vector<fs::path>& roots, const ScanOptions& options, Monitor& monitor) {
  Walk walk = walk_roots(roots, monitor);
  Scan result;
  result.files = static_cast<std::int64_t>(walk.files.size());
  result.rejects = std::move(walk.unreadable);

  std::map<std::string, Series> series;
  // In batches, so that what is held at a time does not grow with the collection.
  constexpr std::size_t kBatch = 1024;
  for (std::size_t start = 0; start < walk.files.size(); start += kBatch) {
    if (monitor.stop_requested()) throw Error(ErrorCode::stopped, "stopped while reading headers");
    std::vector<Found> batch(std::min(kBatch, walk.files.size() - start));
    parallel_for(static_cast<std::int64_t>(batch.size()), options.threads, [&](std::int64_t i) {
      const auto index = static_cast<std::size_t>(i);
      batch[index] = examine(walk.files[start + index], options);
    });
    for (std::size_t i = 0; i < batch.size(); ++i) {
      if (batch[i].xml) result.xml_files.push_back(walk.files[start + i]);
      if (batch[i].reject) result.rejects.push_back(std::move(*batch[i].reject));
      if (batch[i].header) add_to_series(series, *batch[i].header);
    }
    const auto done = static_cast<std::int64_t>(start + batch.size());
    monitor.progress({"looking for series", done, result.files, "files", ""});
  }

  for (auto& [uid, one] : series) {
    result.slices += one.slices;
    result.series.push_back(std::move(one));
  }
  const auto key = [](const Series& s) { return std::tie(s.patient_id, s.uid); };
  std::sort(result.series.begin(), result.series.end(),
            [&](const Series& a, const Series& b) { return key(a) < key(b); });
  std::sort(result.rejects.begin(), result.rejects.end(),
            [](const Reject& a, const Reject& b) { return a.where < b.where; });
  return result;
}

}  // namespace nodulus::dicom
