#include "nodulus/traits/distance.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace nodulus::traits {
namespace {

constexpr double kFar = std::numeric_limits<double>::infinity();

/// One line of the transform: out[q] = min over p of (q - p)^2 + heights[p], by the lower envelope of one parabola for
/// each p whose height is finite.
struct Envelope {
  explicit Envelope(int length)
      : n(length),
        heights(static_cast<std::size_t>(length)),
        out(heights.size()),
        apex(heights.size()),
        starts_from(heights.size()) {}

  void compute() {
    std::size_t count = 0;  // parabolas of the envelope so far, from left to right
    for (int q = 0; q < n; ++q) {
      const double height = heights[static_cast<std::size_t>(q)];
      if (height == kFar) continue;
      double crossing = -kFar;
      for (; count > 0; --count) {
        const int p = apex[count - 1];
        crossing = ((height + 1.0 * q * q) - (heights[static_cast<std::size_t>(p)] + 1.0 * p * p)) / (2.0 * (q - p));
        if (crossing > starts_from[count - 1]) break;
      }
      apex[count] = q;
      starts_from[count] = count == 0 ? -kFar : crossing;
      ++count;
    }
    std::size_t k = 0;
    for (int q = 0; q < n; ++q) {
      double& value = out[static_cast<std::size_t>(q)];
      value = kFar;
      if (count == 0) continue;
      while (k + 1 < count && starts_from[k + 1] < q) ++k;
      const double away = q - apex[k];
      value = away * away + heights[static_cast<std::size_t>(apex[k])];
    }
  }

  int n;
  std::vector<double> heights;
  std::vector<double> out;
  std::vector<int> apex;            // of each parabola of the envelope
  std::vector<double> starts_from;  // where each begins to be the lowest
};

}  // namespace

std::vector<double> distance_to(const Region& region) {
  std::vector<double> squared(region.inside.size());
  std::transform(region.inside.begin(), region.inside.end(), squared.begin(),
                 [](std::uint8_t inside) { return inside != 0 ? 0 : kFar; });
  Envelope column(region.height);
  for (int x = 0; x < region.width; ++x) {
    for (int y = 0; y < region.height; ++y) column.heights[static_cast<std::size_t>(y)] = squared[region.index(y, x)];
    column.compute();
    for (int y = 0; y < region.height; ++y) squared[region.index(y, x)] = column.out[static_cast<std::size_t>(y)];
  }
  Envelope row(region.width);
  for (int y = 0; y < region.height; ++y) {
    for (int x = 0; x < region.width; ++x) row.heights[static_cast<std::size_t>(x)] = squared[region.index(y, x)];
    row.compute();
    for (int x = 0; x < region.width; ++x) {
      squared[region.index(y, x)] = std::sqrt(row.out[static_cast<std::size_t>(x)]);
    }
  }
  return squared;
}

std::vector<double> signed_distance(const Region& region) {
  Region rest = region;
  for (auto& value : rest.inside) value = value == 0;
  const std::vector<double> to_inside = distance_to(region);
  const std::vector<double> to_outside = distance_to(rest);
  std::vector<double> distance(to_inside.size());
  for (std::size_t i = 0; i < distance.size(); ++i) {
    distance[i] = region.inside[i] != 0 ? 0.5 - to_outside[i] : to_inside[i] - 0.5;
  }
  return distance;
}

}  // namespace nodulus::traits
