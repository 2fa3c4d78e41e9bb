#pragma once

#include <string>

#include "nodulus/core/manifest.h"

namespace nodulus::app {

/// A figure of metrics.json or sweep.json for a terminal: four digits, "-" for null.
std::string figure_text(const Json& number);
/// " (low to high)", nothing for null.
std::string interval_text(const Json& interval);

}  // namespace nodulus::app
