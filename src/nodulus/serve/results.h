#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "nodulus/serve/http.h"

namespace nodulus::serve {

/// A file of a result.
struct ResultFile {
  std::string name;  ///< "images.npy", "png/000000.png".
  std::int64_t bytes = 0;
  std::string type;  ///< Of its content.
};

/// All files under a result's folder, sorted by name. Error{io}.
std::vector<ResultFile> result_files(const std::filesystem::path& folder);

/// A zip of them, stored as they are, the same bytes each time; handed on piece by piece. Error{io} where a file is not
/// as it was listed, or whoever asked has gone: then what was sent is no whole zip.
void send_zip(const std::filesystem::path& folder, const std::string& name, const Send& send);

}  // namespace nodulus::serve
