#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "nodulus/core/png.h"

namespace nodulus {

/// Hounsfield units shown from black (lo) to white (hi).
struct WindowHu {
  double lo = -1000;
  double hi = 400;
  bool operator==(const WindowHu&) const = default;
};

/// One contour to draw: the border of the region where the mask is at least `level`.
struct OutlineLevel {
  int level = 1;
  Rgb color{255, 255, 255};
};

/// One outline a count of readers, palest for one reader, the strongest for all four; safe for red-green blindness.
std::vector<OutlineLevel> reader_outlines();

/// One cell of a sheet: HU and, where it is not empty, a mask of the same size.
struct SheetCell {
  std::span<const std::int16_t> image_hu;  ///< [height, width]
  std::span<const std::uint8_t> mask;      ///< [height, width] or empty
};

struct SheetOptions {
  int columns = 0;  ///< 0: about a 3:2 landscape, with few cells empty.
  int scale = 2;    ///< Each pixel is drawn scale x scale; the image smoothly (bilinear), outlines at full resolution.
  int gap = 4;      ///< Pixels between cells and around the sheet.
  WindowHu window_hu;
  Rgb background{24, 24, 27};
  std::vector<OutlineLevel> outlines = reader_outlines();
};

/// A grid of CT images, RGB. Every cell is [height, width]; Error{internal} where one is not, or there is none.
Picture contact_sheet(std::span<const SheetCell> cells, int height, int width, const SheetOptions& options = {});

}  // namespace nodulus
