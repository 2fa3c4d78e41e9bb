#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "nodulus/lidc/reading.h"

namespace nodulus::lidc {

/// A small rectangle of pixel values placed on a slice: at(x, y) is 0 outside it.
struct PixelMask {
  int x0 = 0;  ///< Column of the rectangle's first pixel on the slice.
  int y0 = 0;  ///< Row of the rectangle's first pixel on the slice.
  int width = 0;
  int height = 0;
  std::vector<std::uint8_t> values;  ///< Row by row, height * width; empty where no pixel is held.

  [[nodiscard]] bool empty() const { return values.empty(); }
  [[nodiscard]] std::uint8_t at(int x, int y) const {
    const int column = x - x0, row = y - y0;
    if (column < 0 || row < 0 || column >= width || row >= height) return 0;
    return values[static_cast<std::size_t>(row) * static_cast<std::size_t>(width) + static_cast<std::size_t>(column)];
  }
  /// Pixels with a value of at least `least`.
  [[nodiscard]] std::int64_t count(int least = 1) const;
};

/// The pixels that a closed outline encloses: winding number not 0, and no pixel whose centre lies on the outline,
/// since LIDC's edge maps run along the first pixels outside the nodule. Corners are pixel centres, edges are straight
/// lines between them, the last corner is joined to the first. Exact: integers only. The winding number, not even-odd:
/// readers' outlines cross or run twice over themselves at the seam, and a loop drawn twice is still the nodule; a hole
/// drawn through a narrow channel winds back to 0. Values 0 and 1, cut to the smallest rectangle; empty where nothing
/// is enclosed.
PixelMask enclosed_pixels(std::span<const Pixel> edge);

/// As enclosed_pixels; where the outline encloses nothing (a point, a line, two by two pixels), the pixels on the
/// outline stand for the region: the reader did mark something there.
PixelMask fill_outline(std::span<const Pixel> edge);

/// One reader's pixels on one slice: the union of the outlines with inclusion TRUE, less those with inclusion FALSE.
/// The edge map of a hole runs outside the hole, on nodule pixels (docs/lidc.md: why), so it stays in the nodule.
PixelMask reader_mask(std::span<const Outline* const> outlines);

/// How many of the masks (each 0 or 1) hold each pixel, on the smallest rectangle that holds them all.
PixelMask count_masks(std::span<const PixelMask> masks);

/// The pixels that at least half of the readers hold: 2 * count >= readers, count >= 1. Values 0 and 1.
PixelMask consensus(const PixelMask& counts, int readers);

}  // namespace nodulus::lidc
