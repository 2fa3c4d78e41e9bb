#pragma once

#include <map>
#include <string>

namespace nodulus::app {

/// "\nleft out: 3 not DICOM, 1 truncated"; "" where there is nothing to list.
std::string counts_text(const std::string& title, const std::map<std::string, int>& counts);

}  // namespace nodulus::app
