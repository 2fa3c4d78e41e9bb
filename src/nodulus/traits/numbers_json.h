#pragma once

#include "nodulus/core/manifest.h"
#include "nodulus/traits/statistics.h"

/// Numbers as metrics.json and study.json have them: what is not known is null, as JSON has no NaN.
namespace nodulus::traits {

Json number_json(double value);
/// [low, high], or null.
Json interval_json(const Interval& interval);
/// {"count", "missing", "mean", "deviation", "quantiles": {"0.5": ..., ...}}.
Json distribution_json(const Distribution& distribution);

}  // namespace nodulus::traits
