#include "nodulus/app/figure_text.h"

#include <fmt/format.h>

namespace nodulus::app {

std::string figure_text(const Json& number) {
  return number.is_null() ? "-" : fmt::format("{:.4g}", number.get<double>());
}

std::string interval_text(const Json& interval) {
  return interval.is_null() ? "" : fmt::format(" ({} to {})", figure_text(interval[0]), figure_text(interval[1]));
}

}  // namespace nodulus::app
