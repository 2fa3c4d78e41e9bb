#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace nodulus::traits {

/// Some of an image's pixels. What lies beyond the image does not belong.
struct Region {
  std::vector<std::uint8_t> inside;  ///< [height, width], 0 or 1.
  int height = 0;
  int width = 0;

  [[nodiscard]] std::size_t index(int y, int x) const {
    return static_cast<std::size_t>(y) * static_cast<std::size_t>(width) + static_cast<std::size_t>(x);
  }
  [[nodiscard]] bool in_image(int y, int x) const { return y >= 0 && x >= 0 && y < height && x < width; }
  [[nodiscard]] bool at(int y, int x) const { return in_image(y, x) && inside[index(y, x)] != 0; }
  [[nodiscard]] int count() const;  ///< Pixels that belong.
};

/// The pixels whose mask is not 0. Error{internal} where the size is not height * width.
Region region_of(std::span<const std::uint8_t> mask, int height, int width);

/// The largest part of the region that hangs together by edges or corners; of equals the first in reading order.
Region largest_part(const Region& region);

/// The region and what it encloses: pixels from which no path along edges leads out of the image without crossing it.
Region without_holes(const Region& region);

/// A place in the image, in pixels; pixel (y, x) has its centre there.
struct Point {
  double y = 0;
  double x = 0;
};

/// A step of the outline: an edge between a pixel within and its neighbour without.
struct BorderEdge {
  int y = 0;  ///< The pixel within.
  int x = 0;
  int outward_y = 0;  ///< Where its neighbour without lies: one of them is 0, the other -1 or 1.
  int outward_x = 0;

  /// The middle of the edge. It lies anywhere within half a pixel of the true border, and on it on average.
  [[nodiscard]] Point middle() const { return {y + 0.5 * outward_y, x + 0.5 * outward_x}; }
};

/// The outer border of a region in one part, in order, the region on the right hand; empty for an empty region. Pixels
/// that touch by a corner alone are walked as one.
std::vector<BorderEdge> outer_border(const Region& region);

}  // namespace nodulus::traits
