#include "nodulus/app/rejects_text.h"

#include <fmt/format.h>

#include "nodulus/core/reject.h"

namespace nodulus::app {

std::string counts_text(const std::string& title, const std::map<std::string, int>& counts) {
  return counts.empty() ? "" : fmt::format("\n{}: {}", title, reasons_text(counts));
}

}  // namespace nodulus::app
