#pragma once

#include <cstdint>
#include <filesystem>

#include "nodulus/serve/job_runner.h"

namespace nodulus::app {

struct GenerationLimits {
  std::int64_t images = 1000;  ///< Of one request.
  int at_once = 2;             ///< Requests.
  int threads = 1;
};

/// Generation as a service does it: `generate` with a published model of that folder, and what a request may say of it.
serve::JobKind generation_kind(const std::filesystem::path& models, const GenerationLimits& limits);

}  // namespace nodulus::app
