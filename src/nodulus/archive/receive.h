#pragma once

#include <filesystem>
#include <string>
#include <variant>

#include "nodulus/archive/source.h"

namespace nodulus::archive {

/// A file of the folder that is to be an object of the series: read, summed and told. Rejects: "not DICOM",
/// "truncated", "damaged header", "no UID", and "wrong series". `md5` where the file was summed as it came.
std::variant<ReceivedFile, Reject> check_object(const std::filesystem::path& file, const std::string& series_uid,
                                                const std::string& md5 = "");

}  // namespace nodulus::archive
