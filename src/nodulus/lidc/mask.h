#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "nodulus/lidc/reading.h"

namespace nodulus::lidc {

/// A small rectangle of pixel values placed on a slice: value(x, y) is 0 outside it.
struct PixelMask {
  int x0 = 0;  ///< Column of the rectangle's first pixel on the slice; may be negative only when empty.
  int y0 = 0;
  int width = 0;
  int height = 0;
  std::vector<std::uint8_t> values;  ///< Row by row, height * width.

  [[nodiscard]] bool empty() const { return values.empty(); }
  [[nodiscard]] std::uint8_t at(int x, int y) const {
    const int column = x - x0, row = y - y0;
    if (column < 0 || row < 0 || column >= width || row >= height) return 0;
    return values[static_cast<std::size_t>(row) * static_cast<std::size_t>(width) + static_cast<std::size_t>(column)];
  }
  /// Pixels with a value of at least `least`.
  [[nodiscard]] std::int64_t count(int least = 1) const;
};

/// The pixels strictly inside a closed polygon whose corners are pixel centres: even-odd rule, and no pixel whose
/// centre lies on an edge, since LIDC's edge maps run outside the nodule. Where the outline is so thin that it encloses
/// nothing (a single point, a line, two by two pixels), the outline's own pixels stand for the nodule: the reader did
/// mark it.
PixelMask fill_outline(std::span<const Pixel> edge);

/// As fill_outline, but empty where nothing is enclosed.
PixelMask enclosed_pixels(std::span<const Pixel> edge);

/// One reader's pixels on one slice: the union of the outlines with inclusion TRUE less those with inclusion FALSE.
/// A hole's own outline belongs to the nodule: it runs on the first pixels outside the hole.
PixelMask reader_mask(std::span<const Outline* const> outlines);

/// How many of the masks (each 0 or 1) hold each pixel, on the smallest rectangle that holds them all.
PixelMask count_masks(std::span<const PixelMask> masks);

/// The pixels that at least half of the readers hold: 2 * count >= readers, and count >= 1. Values 0 and 1.
PixelMask consensus(const PixelMask& counts, int readers);

}  // namespace nodulus::lidc
