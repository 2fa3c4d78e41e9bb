#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "nodulus/core/reject.h"

namespace nodulus::archive {

/// A manifest of the NBIA Data Retriever (".tcia"): lines of name=value, then ListOfSeriesToDownload= and a
/// SeriesInstanceUID a line.
struct ManifestFile {
  std::string download_server;     ///< downloadServerUrl; empty where it has none.
  bool include_annotation = true;  ///< includeAnnotation.
  std::string name;                ///< databasketId.
  std::vector<std::string> series;
  std::vector<Reject> rejects;  ///< Lines that are no UID ("not a UID") or stand there twice ("named twice").
};

/// Error{not_found, io}; Error{bad_input} naming file and line where there is no list, the list has no UID at all, the
/// file is larger than 64 MiB, or no text.
ManifestFile read_manifest_file(const std::filesystem::path& file);
ManifestFile parse_manifest_file(std::string_view text, const std::string& where);

/// True for a host of The Cancer Imaging Archive.
bool is_tcia(std::string_view host);

/// The REST API's address that belongs to a manifest's downloadServerUrl: the same host's /nbia-api/services/v1, but
/// TCIA's own where it names TCIA; `fallback` where it names nothing. Error{bad_input} for what is no address.
std::string nbia_server_of(const ManifestFile& manifest, const std::string& fallback);

}  // namespace nodulus::archive
