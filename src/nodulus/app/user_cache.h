#pragma once

#include <cstdlib>
#include <filesystem>

namespace nodulus::app {

/// Where features are kept between commands: a folder of this user's for what can be made again; "" where the system
/// names none.
inline std::filesystem::path user_cache() {
  const char* const cache = std::getenv("XDG_CACHE_HOME");
  if (cache != nullptr && *cache != '\0') return std::filesystem::path(cache) / "nodulus" / "features";
  const char* const home = std::getenv("HOME");
  if (home == nullptr || *home == '\0') return {};
  return std::filesystem::path(home) / ".cache" / "nodulus" / "features";
}

}  // namespace nodulus::app
