#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

namespace nodulus::data {

/// Where a patch lies on a slice.
struct PatchFrame {
  int size = 64;             ///< Pixels on a side.
  double center_column = 0;  ///< In pixels of the slice; pixel centres at whole numbers.
  double center_row = 0;
  double column_spacing_mm = 1;  ///< Of the slice.
  double row_spacing_mm = 1;
  std::optional<double> spacing_mm;  ///< Of the patch; nothing: the slice's own pixels, moved by whole ones.
  std::int16_t padding_hu = -2048;   ///< Beyond the slice's edge.
};

/// A place in pixels; pixel centres at whole numbers.
struct PixelPoint {
  double column = 0;
  double row = 0;
};

/// Where the patch's pixel lies on the slice, and where a pixel of the slice lies on the patch: the way there and back.
PixelPoint on_slice(const PatchFrame& frame, const PixelPoint& on_patch);
PixelPoint on_patch(const PatchFrame& frame, const PixelPoint& on_slice);

/// HU of the patch, [size, size]. At the slice's own spacing pixels are copied, pixel (size/2, size/2) being the one
/// that holds the centre. With spacing_mm the patch's middle is the centre and HU are bilinear between pixel centres; a
/// sample more than half a pixel beyond the outermost centres is padding. A neighbour that is itself padding makes the
/// sample padding where it weighs half or more, and is left out of the mean elsewhere.
/// `slice_hu` is [rows, columns].
std::vector<std::int16_t> cut_patch(std::span<const std::int16_t> slice_hu, int rows, int columns,
                                    const PatchFrame& frame);

/// The same frame of a mask given by a function of (column, row); nearest pixel, 0 beyond the slice's edge.
std::vector<std::uint8_t> cut_mask(const std::function<std::uint8_t(int column, int row)>& mask, int rows, int columns,
                                   const PatchFrame& frame);

}  // namespace nodulus::data
