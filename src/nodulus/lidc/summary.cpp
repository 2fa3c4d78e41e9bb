#include <algorithm>
#include <cmath>
#include <map>

#include "nodulus/lidc/nodule.h"

namespace nodulus::lidc {
namespace {

double median_of(std::vector<int> given) {
  std::sort(given.begin(), given.end());
  const std::size_t half = given.size() / 2;
  return given.size() % 2 == 1 ? given[half] : (given[half - 1] + given[half]) / 2.0;
}

int most_frequent_of(const std::vector<int>& given) {
  std::map<int, int> counts;
  int sum = 0;
  for (const int value : given) {
    ++counts[value];
    sum += value;
  }
  // |value - mean| * n in integers, so that equal distances compare equal.
  const auto n = static_cast<int>(given.size());
  const auto from_mean = [sum, n](int value) { return std::abs(value * n - sum); };
  const auto better = [&from_mean](const auto& a, const auto& b) {
    if (a.second != b.second) return a.second < b.second;
    if (from_mean(a.first) != from_mean(b.first)) return from_mean(a.first) > from_mean(b.first);
    return a.first < b.first;
  };
  return std::max_element(counts.begin(), counts.end(), better)->first;
}

double spread_of(const std::vector<int>& given) {
  const auto n = static_cast<double>(given.size());
  double sum = 0, squares = 0;
  for (const int value : given) {
    sum += value;
    squares += value * value;
  }
  return std::sqrt(std::max(0.0, n * squares - sum * sum)) / n;
}

}  // namespace

CharacteristicSummary summarize(std::vector<int> values) {
  CharacteristicSummary summary;
  std::vector<int> given;
  std::copy_if(values.begin(), values.end(), std::back_inserter(given), [](int value) { return value > 0; });
  summary.values = std::move(values);
  if (given.empty()) return summary;
  summary.median = median_of(given);
  summary.most_frequent = most_frequent_of(given);
  summary.spread = spread_of(given);
  return summary;
}

}  // namespace nodulus::lidc
