#pragma once

#include <cstdlib>
#include <filesystem>

#include "nodulus/core/options.h"

namespace nodulus::app {

/// Where features are kept between commands: --cache and --no-keep-features.
class FeatureCacheOption {
 public:
  void describe(Options& options) {
    options.add("cache", cache_, "folder that keeps features between commands; default: the user's")
        .command_line_only();
    options.add("keep_features", keep_, "keep features in that folder").command_line_only();
  }
  /// "" where none are kept.
  [[nodiscard]] std::filesystem::path folder() const {
    if (!keep_) return {};
    return cache_.empty() ? of_the_user() : cache_;
  }

 private:
  /// A folder of this user's for what can be made again; "" where the system names none.
  static std::filesystem::path of_the_user() {
    const char* const cache = std::getenv("XDG_CACHE_HOME");
    if (cache != nullptr && *cache != '\0') return std::filesystem::path(cache) / "nodulus" / "features";
    const char* const home = std::getenv("HOME");
    if (home == nullptr || *home == '\0') return {};
    return std::filesystem::path(home) / ".cache" / "nodulus" / "features";
  }

  std::filesystem::path cache_;
  bool keep_ = true;
};

}  // namespace nodulus::app
