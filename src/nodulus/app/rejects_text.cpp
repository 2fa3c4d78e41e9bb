#include "nodulus/app/rejects_text.h"

#include <fmt/format.h>

#include <vector>

namespace nodulus::app {

std::string counts_text(const std::string& title, const std::map<std::string, int>& counts) {
  std::vector<std::string> parts;
  parts.reserve(counts.size());
  for (const auto& [reason, count] : counts) parts.push_back(fmt::format("{} {}", count, reason));
  return parts.empty() ? "" : fmt::format("\n{}: {}", title, fmt::join(parts, ", "));
}

}  // namespace nodulus::app
