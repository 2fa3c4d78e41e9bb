#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "nodulus/traits/region.h"

namespace nodulus::traits {

/// A CT image: Hounsfield units, which pixels were measured, and how large they are.
struct CtImage {
  std::span<const std::int16_t> hu;  ///< [height, width].
  int height = 0;
  int width = 0;
  double spacing_mm = 1;
  int padding_hu = -32768;  ///< Not measured.

  [[nodiscard]] std::size_t index(int y, int x) const {
    return static_cast<std::size_t>(y) * static_cast<std::size_t>(width) + static_cast<std::size_t>(x);
  }
  [[nodiscard]] bool measured(int y, int x) const {
    return y >= 0 && x >= 0 && y < height && x < width && hu[index(y, x)] != padding_hu;
  }
};

/// How the nodule meets what is around it. NaN where the image does not show it.
struct Edge {
  double margin_sharpness = 0;    ///< HU/mm.
  double edge_core_contrast = 0;  ///< HU.
  double air_around = 0;          ///< Share, 0 to 1.
};

inline constexpr double kProfileReach_mm = 2;  ///< How far a profile goes to either side of the border.
inline constexpr double kShellDepth_mm = 1;    ///< How deep the shell within the border is.
inline constexpr double kRingFrom_mm = 2;      ///< The ring around the nodule.
inline constexpr double kRingTo_mm = 5;
inline constexpr double kAirBelow_hu = -700;  ///< Aerated lung without vessels; our own choice.

/// Measures the surroundings of an outline, a region in one part and without holes, of the size of the image.
///
/// margin_sharpness: at each edge of the border the image is read bilinearly along the outward normal, from 2 mm within
/// to 2 mm without; the steepest fall over one pixel is that place's, and the median over the border the nodule's. A
/// straight ramp gives its own slope. Places where the image ends or has padding right outside do not count; at least
/// 8 places must.
///
/// edge_core_contrast: mean of the core minus mean of the shell. The shell reaches 1 mm deep; the core is what lies
/// deeper than that and deeper than half of the greatest depth.
///
/// air_around: share of the measured pixels 2 to 5 mm outside the outline that are below -700 HU.
Edge measure_edge(const CtImage& image, const Region& outline);

/// Unit vectors that point out of the region, one for each edge of its border: away from the centroid of the region's
/// pixels nearby, weighted by a Gaussian of 1.5 pixels. {0, 0} where that has no direction.
std::vector<Point> outward_normals(const Region& region, const std::vector<BorderEdge>& border);

}  // namespace nodulus::traits
