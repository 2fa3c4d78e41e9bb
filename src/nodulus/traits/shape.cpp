#include "nodulus/traits/shape.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

namespace nodulus::traits {
namespace {

using std::numbers::pi;
constexpr double kNoShape = std::numeric_limits<double>::quiet_NaN();

double cross_product(const Point& origin, const Point& a, const Point& b) {
  return (a.x - origin.x) * (b.y - origin.y) - (a.y - origin.y) * (b.x - origin.x);
}

/// The largest distance between two of the points.
double largest_extent(const std::vector<Point>& points) {
  double squared = 0;
  for (std::size_t i = 0; i < points.size(); ++i) {
    for (std::size_t k = 0; k < i; ++k) {
      const double dy = points[i].y - points[k].y;
      const double dx = points[i].x - points[k].x;
      squared = std::max(squared, dy * dy + dx * dx);
    }
  }
  return std::sqrt(squared);
}

/// Corner count of Vossepoel and Smeulders, and pi for the half pixel around; in pixels.
double perimeter_px(const std::vector<BorderEdge>& border) {
  std::vector<int> chain;  // steps from border pixel to border pixel, as 3 * dy + dx
  for (std::size_t i = 0; i < border.size(); ++i) {
    const BorderEdge& from = border[i];
    const BorderEdge& to = border[(i + 1) % border.size()];
    const int step = 3 * (to.y - from.y) + (to.x - from.x);
    if (step != 0) chain.push_back(step);
  }
  double length = pi;
  for (std::size_t i = 0; i < chain.size(); ++i) {
    const bool even = std::abs(chain[i]) == 1 || std::abs(chain[i]) == 3;
    length += even ? 0.980 : 1.406;
    if (chain[i] != chain[(i + 1) % chain.size()]) length -= 0.091;
  }
  return length;
}

/// Centroid and central second moments, in pixels²; each pixel is a square, which adds 1/12.
struct Moments {
  Point centre;
  double yy = 1.0 / 12;
  double xx = 1.0 / 12;
  double xy = 0;
};

Moments moments_of(const Region& region) {
  Moments moments;
  const double count = region.count();
  const auto each = [&region](const auto& visit) {
    for (int y = 0; y < region.height; ++y) {
      for (int x = 0; x < region.width; ++x) {
        if (region.at(y, x)) visit(y, x);
      }
    }
  };
  each([&](int y, int x) {
    moments.centre.y += y / count;
    moments.centre.x += x / count;
  });
  each([&](int y, int x) {
    const double dy = y - moments.centre.y;
    const double dx = x - moments.centre.x;
    moments.yy += dy * dy / count;
    moments.xx += dx * dx / count;
    moments.xy += dy * dx / count;
  });
  return moments;
}

double elongation_of(const Moments& m) {
  const double half_sum = (m.yy + m.xx) / 2;
  const double half_difference = std::hypot((m.yy - m.xx) / 2, m.xy);
  return std::sqrt(std::max(0.0, half_sum - half_difference) / (half_sum + half_difference));
}

double spiculation_of(const std::vector<BorderEdge>& border, const Moments& m, double area_px) {
  // The ellipse is all p with (p - centre)^T M^-1 (p - centre) = 4, so r^2 is a quarter of the left side.
  const double determinant = m.yy * m.xx - m.xy * m.xy;
  double sum = 0;
  double sum_of_squares = 0;
  for (const BorderEdge& edge : border) {
    const double dy = edge.middle().y - m.centre.y;
    const double dx = edge.middle().x - m.centre.x;
    const double squared = (m.xx * dy * dy - 2 * m.xy * dy * dx + m.yy * dx * dx) / (4 * determinant);
    sum += std::sqrt(squared);
    sum_of_squares += squared;
  }
  const double mean = sum / static_cast<double>(border.size());
  const double variance = sum_of_squares / static_cast<double>(border.size()) - mean * mean;
  const double from_grid = pi / (18 * area_px);  // 1/18 pixel², over the squared radius of the disc of that area
  return std::sqrt(std::max(0.0, variance / (mean * mean) - from_grid));
}

}  // namespace

std::vector<Point> smoothed_border(const std::vector<BorderEdge>& border, int passes) {
  std::vector<Point> points;
  points.reserve(border.size());
  for (const BorderEdge& edge : border) points.push_back(edge.middle());
  std::vector<Point> before;
  for (int pass = 0; pass < passes; ++pass) {
    before = points;
    const std::size_t n = points.size();
    for (std::size_t i = 0; i < n; ++i) {
      const Point& last = before[(i + n - 1) % n];
      const Point& next = before[(i + 1) % n];
      points[i] = {(last.y + 2 * before[i].y + next.y) / 4, (last.x + 2 * before[i].x + next.x) / 4};
    }
  }
  return points;
}

std::vector<Point> convex_hull(std::vector<Point> points) {
  std::sort(points.begin(), points.end(),
            [](const Point& a, const Point& b) { return a.x < b.x || (a.x == b.x && a.y < b.y); });
  std::vector<Point> hull;
  // The lower half from left to right, then the upper one back (Andrew 1979).
  for (int half = 0; half < 2; ++half) {
    const std::size_t start = hull.size();
    for (const Point& point : points) {
      while (hull.size() >= start + 2 && cross_product(hull[hull.size() - 2], hull.back(), point) <= 0) hull.pop_back();
      hull.push_back(point);
    }
    if (!hull.empty()) hull.pop_back();  // it begins the other half
    std::reverse(points.begin(), points.end());
  }
  return hull;
}

double polygon_area(const std::vector<Point>& corners) {
  double twice = 0;
  for (std::size_t i = 0; i < corners.size(); ++i) {
    const Point& next = corners[(i + 1) % corners.size()];
    twice += corners[i].x * next.y - next.x * corners[i].y;
  }
  return std::abs(twice) / 2;
}

Shape measure_shape(const Region& outline, double spacing_mm) {
  const int count = outline.count();
  if (count == 0) return {kNoShape, kNoShape, kNoShape, kNoShape, kNoShape, kNoShape, kNoShape, kNoShape};
  const std::vector<BorderEdge> border = outer_border(outline);
  const Moments moments = moments_of(outline);
  const double length_px = perimeter_px(border);
  Shape shape;
  shape.area = count * spacing_mm * spacing_mm;
  shape.equivalent_diameter = 2 * std::sqrt(shape.area / pi);
  shape.longest_diameter = largest_extent(convex_hull(smoothed_border(border, 1))) * spacing_mm;
  shape.perimeter = length_px * spacing_mm;
  shape.elongation = elongation_of(moments);
  shape.circularity = shape.spiculation = shape.lobulation = kNoShape;
  if (count >= kLeastPixels) {
    const std::vector<Point> course = smoothed_border(border, 2);
    shape.circularity = std::min(1.0, 4 * pi * count / (length_px * length_px));
    shape.spiculation = spiculation_of(border, moments, count);
    shape.lobulation = std::max(0.0, 1 - polygon_area(course) / polygon_area(convex_hull(course)));
  }
  return shape;
}

}  // namespace nodulus::traits
