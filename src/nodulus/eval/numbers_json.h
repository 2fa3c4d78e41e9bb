#pragma once

#include <cmath>

#include "nodulus/core/manifest.h"
#include "nodulus/traits/statistics.h"

namespace nodulus::eval {

/// A number, or null for what is none: JSON has no NaN.
inline Json number_json(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

/// [low, high], or null.
inline Json interval_json(const traits::Interval& interval) {
  if (!std::isfinite(interval.low) || !std::isfinite(interval.high)) return nullptr;
  return {interval.low, interval.high};
}

}  // namespace nodulus::eval
