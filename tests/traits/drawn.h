#pragma once

#include <cmath>
#include <cstdint>
#include <numbers>
#include <random>
#include <string>
#include <vector>

#include "nodulus/traits/region.h"
#include "nodulus/traits/shape.h"

namespace nodulus::traits::test {

using std::numbers::pi;

/// The pixels whose centre `inside(y, x)` holds for.
template <typename Inside>
Region drawn(int height, int width, const Inside& inside) {
  Region region{std::vector<std::uint8_t>(static_cast<std::size_t>(height * width)), height, width};
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) region.inside[region.index(y, x)] = inside(y, x) ? 1 : 0;
  }
  return region;
}

/// The pixels that are '#', a row a string.
inline Region written(const std::vector<std::string>& rows) {
  return drawn(static_cast<int>(rows.size()), static_cast<int>(rows.front().size()),
               [&rows](int y, int x) { return rows[static_cast<std::size_t>(y)][static_cast<std::size_t>(x)] == '#'; });
}

/// A disc about (y, x), of radius r pixels.
inline Region disc(double y, double x, double r, int size = 64) {
  return drawn(size, size, [=](int py, int px) { return std::hypot(py - y, px - x) <= r; });
}

/// r(angle) = r (1 + depth cos(arms angle)) about (y, x).
inline Region star(double y, double x, double r, double depth, int arms, int size = 96) {
  return drawn(size, size, [=](int py, int px) {
    const double angle = std::atan2(py - y, px - x);
    return std::hypot(py - y, px - x) <= r * (1 + depth * std::cos(arms * angle));
  });
}

/// An ellipse of half axes a and b, a turned by `angle` from the x axis.
inline Region ellipse(double y, double x, double a, double b, double angle, int size = 96) {
  return drawn(size, size, [=](int py, int px) {
    const double along = (px - x) * std::cos(angle) + (py - y) * std::sin(angle);
    const double across = -(px - x) * std::sin(angle) + (py - y) * std::cos(angle);
    return along * along / (a * a) + across * across / (b * b) <= 1;
  });
}

/// Mean of each number of the forms `draw(y, x, angle)` placed at random: a centre within a pixel, an angle within a
/// half turn; pixels of 1 mm.
template <typename Draw>
Shape mean_shape(const Draw& draw, int places = 100) {
  std::mt19937 random(7);
  const auto uniform = [&random] { return static_cast<double>(random()) / 4294967296.0; };
  Shape mean{};
  for (int i = 0; i < places; ++i) {
    const double y = uniform();
    const double x = uniform();
    const Shape one = measure_shape(draw(y, x, pi * uniform()), 1);
    for (double Shape::*member :
         {&Shape::area, &Shape::equivalent_diameter, &Shape::longest_diameter, &Shape::perimeter, &Shape::circularity,
          &Shape::elongation, &Shape::spiculation, &Shape::lobulation}) {
      mean.*member += one.*member / places;
    }
  }
  return mean;
}

}  // namespace nodulus::traits::test
