#include "nodulus/traits/first_order.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "nodulus/traits/statistics.h"

namespace nodulus::traits {
namespace {

constexpr double kNoStatistic = std::numeric_limits<double>::quiet_NaN();

FirstOrder without_values() {
  FirstOrder none;
  for (double* value : {&none.mean, &none.variance, &none.skewness, &none.excess_kurtosis, &none.median, &none.minimum,
                        &none.percentile_10, &none.percentile_90, &none.maximum, &none.interquartile_range, &none.range,
                        &none.mean_absolute_deviation, &none.robust_mean_absolute_deviation,
                        &none.median_absolute_deviation, &none.coefficient_of_variation,
                        &none.quartile_coefficient_of_dispersion, &none.energy, &none.root_mean_square}) {
    *value = kNoStatistic;
  }
  return none;
}

/// Mean of f(value) over the values.
template <typename Function>
double mean_of(const std::vector<double>& values, const Function& f) {
  double sum = 0;
  for (const double value : values) sum += f(value);
  return sum / static_cast<double>(values.size());
}

double absolute_deviation(const std::vector<double>& values, double from) {
  return mean_of(values, [from](double value) { return std::abs(value - from); });
}

void moments_into(FirstOrder& out, const std::vector<double>& values) {
  out.mean = mean_of(values, [](double value) { return value; });
  const auto central = [&](int power) {
    return mean_of(values, [&](double value) { return std::pow(value - out.mean, power); });
  };
  out.variance = central(2);
  const bool flat = values.front() == values.back();  // sorted
  out.skewness = flat ? kNoStatistic : central(3) / std::pow(out.variance, 1.5);
  out.excess_kurtosis = flat ? kNoStatistic : central(4) / (out.variance * out.variance) - 3;
  out.energy = mean_of(values, [](double value) { return value * value; }) * static_cast<double>(values.size());
  out.root_mean_square = std::sqrt(out.energy / static_cast<double>(values.size()));
  out.coefficient_of_variation = std::sqrt(out.variance) / out.mean;
}

}  // namespace

FirstOrder first_order(std::vector<double> values) {
  if (values.empty()) return without_values();
  std::sort(values.begin(), values.end());
  FirstOrder out;
  moments_into(out, values);
  out.minimum = values.front();
  out.maximum = values.back();
  out.range = out.maximum - out.minimum;
  out.median = quantile(values, 0.5);
  out.percentile_10 = quantile(values, 0.1);
  out.percentile_90 = quantile(values, 0.9);
  const double low = quantile(values, 0.25);
  const double high = quantile(values, 0.75);
  out.interquartile_range = high - low;
  out.quartile_coefficient_of_dispersion = (high - low) / (high + low);
  out.mean_absolute_deviation = absolute_deviation(values, out.mean);
  out.median_absolute_deviation = absolute_deviation(values, out.median);
  std::vector<double> middle;
  std::copy_if(values.begin(), values.end(), std::back_inserter(middle),
               [&out](double value) { return value >= out.percentile_10 && value <= out.percentile_90; });
  // Two values or fewer have none between the percentiles.
  out.robust_mean_absolute_deviation =
      middle.empty() ? kNoStatistic : absolute_deviation(middle, mean_of(middle, [](double value) { return value; }));
  return out;
}

double share_above(const std::vector<double>& values, double threshold) {
  if (values.empty()) return kNoStatistic;
  return mean_of(values, [threshold](double value) { return value > threshold ? 1.0 : 0.0; });
}

double level_entropy(std::span<const int> levels) {
  if (levels.empty()) return kNoStatistic;
  std::map<int, int> counts;
  for (const int level : levels) ++counts[level];
  double bits = 0;
  for (const auto& entry : counts) {
    const double share = static_cast<double>(entry.second) / static_cast<double>(levels.size());
    bits -= share * std::log2(share);
  }
  return bits;
}

}  // namespace nodulus::traits
