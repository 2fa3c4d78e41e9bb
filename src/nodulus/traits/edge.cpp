#include "nodulus/traits/edge.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "nodulus/traits/distance.h"

namespace nodulus::traits {
namespace {

constexpr double kNoEdge = std::numeric_limits<double>::quiet_NaN();
constexpr std::size_t kLeastPlaces = 8;
constexpr int kStepsAPixel = 4;  // of a profile

/// The image between its pixels' centres; nothing where one of the four around was not measured.
std::optional<double> bilinear(const CtImage& image, const Point& at) {
  const int y = static_cast<int>(std::floor(at.y));
  const int x = static_cast<int>(std::floor(at.x));
  const double part_y = at.y - y;
  const double part_x = at.x - x;
  double value = 0;
  for (int dy = 0; dy < 2; ++dy) {
    for (int dx = 0; dx < 2; ++dx) {
      const double weight = (dy == 0 ? 1 - part_y : part_y) * (dx == 0 ? 1 - part_x : part_x);
      if (weight == 0) continue;
      if (!image.measured(y + dy, x + dx)) return std::nullopt;
      value += weight * image.hu[image.index(y + dy, x + dx)];
    }
  }
  return value;
}

/// The steepest fall along the normal within the profile's reach, in HU/mm; nothing where no part of it can be read.
std::optional<double> steepest_fall(const CtImage& image, const Point& middle, const Point& normal) {
  const int reach = static_cast<int>(std::lround(kProfileReach_mm / image.spacing_mm * kStepsAPixel));
  std::vector<std::optional<double>> profile;
  profile.reserve(2 * static_cast<std::size_t>(reach) + 1);
  for (int step = -reach; step <= reach; ++step) {
    const double away = static_cast<double>(step) / kStepsAPixel;
    profile.push_back(bilinear(image, {middle.y + away * normal.y, middle.x + away * normal.x}));
  }
  std::optional<double> steepest;
  for (std::size_t i = 0; i + kStepsAPixel < profile.size(); ++i) {
    if (!profile[i] || !profile[i + kStepsAPixel]) continue;
    const double fall = (*profile[i] - *profile[i + kStepsAPixel]) / image.spacing_mm;
    if (!steepest || fall > *steepest) steepest = fall;
  }
  return steepest;
}

double median_of(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t n = values.size();
  return n % 2 == 1 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

double margin_sharpness(const CtImage& image, const Region& outline) {
  const std::vector<BorderEdge> border = outer_border(outline);
  const std::vector<Point> normals = outward_normals(outline, border);
  std::vector<double> falls;
  for (std::size_t i = 0; i < border.size(); ++i) {
    const BorderEdge& edge = border[i];
    if (!image.measured(edge.y + edge.outward_y, edge.x + edge.outward_x)) continue;
    if (normals[i].y == 0 && normals[i].x == 0) continue;
    const std::optional<double> fall = steepest_fall(image, edge.middle(), normals[i]);
    if (fall) falls.push_back(*fall);
  }
  return falls.size() < kLeastPlaces ? kNoEdge : median_of(std::move(falls));
}

/// A mean that is built up value by value; NaN of none.
struct Mean {
  double sum = 0;
  int count = 0;
  void add(double value) {
    sum += value;
    ++count;
  }
  [[nodiscard]] double value() const { return count == 0 ? kNoEdge : sum / count; }
};

}  // namespace

std::vector<Point> outward_normals(const Region& region, const std::vector<BorderEdge>& border) {
  constexpr int kReach = 4;
  constexpr double kSigma = 1.5;
  std::vector<Point> normals;
  normals.reserve(border.size());
  for (const BorderEdge& edge : border) {
    const Point middle = edge.middle();
    Point towards{0, 0};
    for (int y = edge.y - kReach; y <= edge.y + kReach; ++y) {
      for (int x = edge.x - kReach; x <= edge.x + kReach; ++x) {
        if (!region.at(y, x)) continue;
        const double dy = y - middle.y;
        const double dx = x - middle.x;
        const double weight = std::exp(-(dy * dy + dx * dx) / (2 * kSigma * kSigma));
        towards.y += weight * dy;
        towards.x += weight * dx;
      }
    }
    const double length = std::hypot(towards.y, towards.x);
    normals.push_back(length < 1e-9 ? Point{0, 0} : Point{-towards.y / length, -towards.x / length});
  }
  return normals;
}

Edge measure_edge(const CtImage& image, const Region& outline) {
  if (outline.count() == 0) return {kNoEdge, kNoEdge, kNoEdge};
  const std::vector<double> distance = signed_distance(outline);
  const double core_mm =
      std::max(kShellDepth_mm, -*std::min_element(distance.begin(), distance.end()) * image.spacing_mm / 2);
  Mean core;
  Mean shell;
  Mean air;
  for (int y = 0; y < image.height; ++y) {
    for (int x = 0; x < image.width; ++x) {
      if (!image.measured(y, x)) continue;
      const double hu = image.hu[image.index(y, x)];
      const double outside_mm = distance[image.index(y, x)] * image.spacing_mm;
      if (outside_mm < -core_mm) core.add(hu);
      if (outside_mm < 0 && outside_mm >= -kShellDepth_mm) shell.add(hu);
      if (outside_mm >= kRingFrom_mm && outside_mm <= kRingTo_mm) air.add(hu < kAirBelow_hu ? 1 : 0);
    }
  }
  return {margin_sharpness(image, outline), core.value() - shell.value(), air.value()};
}

}  // namespace nodulus::traits
