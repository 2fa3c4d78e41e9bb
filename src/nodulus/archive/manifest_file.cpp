#include "nodulus/archive/manifest_file.h"

#include <algorithm>
#include <cctype>
#include <set>

#include "nodulus/archive/remote_series.h"
#include "nodulus/core/atomic_file.h"
#include "nodulus/core/error.h"
#include "nodulus/net/url.h"

namespace nodulus::archive {
namespace {

std::string_view without_space(std::string_view text) {
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.front())) != 0) text.remove_prefix(1);
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back())) != 0) text.remove_suffix(1);
  return text;
}

/// A line as a message shows it.
std::string excerpt(std::string_view line) {
  std::string text(line.substr(0, 60));
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < ' ' || static_cast<unsigned char>(c) > 126) c = '?';
  }
  return "'" + text + (line.size() > 60 ? "...'" : "'");
}

}  // namespace

bool is_tcia(std::string_view host) {
  constexpr std::string_view name = "cancerimagingarchive.net";
  return host == name || host.ends_with("." + std::string(name));
}

ManifestFile parse_manifest_file(std::string_view text, const std::string& where) {
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  if (text.find('\0') != std::string_view::npos)
    throw Error(ErrorCode::bad_input, where + ": expected a text file of the NBIA Data Retriever, found zero bytes");
  ManifestFile manifest;
  std::set<std::string> seen;
  bool in_list = false;
  int number = 0;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = without_space(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    ++number;
    if (line.empty()) continue;
    const std::string place = where + ", line " + std::to_string(number);
    const std::size_t equals = line.find('=');
    const std::string_view name = line.substr(0, equals);
    const std::string value(equals == std::string_view::npos ? "" : without_space(line.substr(equals + 1)));
    if (in_list) {
      if (!is_uid(line)) {
        manifest.rejects.push_back({place, "not a UID", "expected a SeriesInstanceUID, found " + excerpt(line)});
      } else if (!seen.insert(std::string(line)).second) {
        manifest.rejects.push_back({place, "named twice", std::string(line)});
      } else {
        manifest.series.emplace_back(line);
      }
    } else if (equals == std::string_view::npos) {
      throw Error(
          ErrorCode::bad_input,
          place + ": expected name=value, as a manifest of the NBIA Data Retriever has it, found " + excerpt(line));
    } else if (name == "ListOfSeriesToDownload") {
      in_list = true;
      if (is_uid(value) && seen.insert(value).second) manifest.series.push_back(value);
    } else if (name == "downloadServerUrl") {
      manifest.download_server = value;
    } else if (name == "includeAnnotation") {
      manifest.include_annotation = value != "false";
    } else if (name == "databasketId") {
      manifest.name = value;
    }
  }
  if (!in_list)
    throw Error(ErrorCode::bad_input, where + ": expected a line ListOfSeriesToDownload=, found none in " +
                                          std::to_string(number) + " lines");
  if (manifest.series.empty())
    throw Error(ErrorCode::bad_input,
                where + ": expected series below ListOfSeriesToDownload=, found none" +
                    (manifest.rejects.empty() ? "" : " (" + reasons_text(count_by_reason(manifest.rejects)) + ")"));
  return manifest;
}

ManifestFile read_manifest_file(const std::filesystem::path& file) {
  constexpr std::uintmax_t most = 64 << 20;
  std::error_code error;
  const auto size = std::filesystem::file_size(file, error);
  if (!error && size > most)
    throw Error(ErrorCode::bad_input,
                file.string() + ": expected a manifest of at most 64 MiB, found " + std::to_string(size) + " bytes");
  return parse_manifest_file(read_file(file), file.string());
}

std::string nbia_server_of(const ManifestFile& manifest, const std::string& fallback) {
  if (manifest.download_server.empty()) return fallback;
  try {
    const net::Url url = net::Url::parse(manifest.download_server, "downloadServerUrl");
    if (is_tcia(url.host))
      return url.host.starts_with("nlst.") ? "https://nlst.cancerimagingarchive.net/nbia-api/services/v1" : fallback;
    return url.origin() + "/nbia-api/services/v1";
  } catch (const Error& refused) {
    throw Error(ErrorCode::bad_input, refused.what());
  }
}

}  // namespace nodulus::archive
