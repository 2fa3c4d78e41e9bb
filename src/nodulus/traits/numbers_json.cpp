#include "nodulus/traits/numbers_json.h"

#include <cmath>

#include "nodulus/core/csv.h"

namespace nodulus::traits {

Json number_json(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

Json interval_json(const Interval& interval) {
  if (!std::isfinite(interval.low) || !std::isfinite(interval.high)) return nullptr;
  return {interval.low, interval.high};
}

Json distribution_json(const Distribution& distribution) {
  Json quantiles = Json::object();
  for (std::size_t i = 0; i < distribution.quantiles.size(); ++i)
    quantiles[csv_number(distribution_percents.at(i))] = number_json(distribution.quantiles.at(i));
  return {{"count", distribution.count},
          {"missing", distribution.missing},
          {"mean", number_json(distribution.mean)},
          {"deviation", number_json(distribution.deviation)},
          {"quantiles", quantiles}};
}

}  // namespace nodulus::traits
