#include "nodulus/data/patch.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "nodulus/core/error.h"

namespace nodulus::data {
namespace {

bool lies_on_slice(const PixelPoint& at, int rows, int columns) {
  return at.column >= -0.5 && at.row >= -0.5 && at.column <= columns - 0.5 && at.row <= rows - 0.5;
}

std::int16_t bilinear(std::span<const std::int16_t> hu, int rows, int columns, const PixelPoint& at,
                      std::int16_t padding_hu) {
  const double column = std::clamp(at.column, 0.0, columns - 1.0);
  const double row = std::clamp(at.row, 0.0, rows - 1.0);
  const int x0 = static_cast<int>(column);
  const int y0 = static_cast<int>(row);
  const int x1 = std::min(x0 + 1, columns - 1);
  const int y1 = std::min(y0 + 1, rows - 1);
  const double fx = column - x0;
  const double fy = row - y0;
  struct Part {
    int x, y;
    double weight;
  };
  const std::array<Part, 4> parts{
      {{x0, y0, (1 - fx) * (1 - fy)}, {x1, y0, fx * (1 - fy)}, {x0, y1, (1 - fx) * fy}, {x1, y1, fx * fy}}};
  double sum = 0;
  double weight = 0;
  for (const Part& part : parts) {
    const std::int16_t value =
        hu[static_cast<std::size_t>(part.y) * static_cast<std::size_t>(columns) + static_cast<std::size_t>(part.x)];
    if (value == padding_hu) continue;  // nothing was measured there: no value to mix in
    sum += part.weight * value;
    weight += part.weight;
  }
  if (weight <= 0.5) return padding_hu;
  return static_cast<std::int16_t>(std::lround(sum / weight));
}

void check(const PatchFrame& frame) {
  if (frame.size < 1 || (frame.spacing_mm && !(*frame.spacing_mm > 0))) {
    throw Error(ErrorCode::usage, "expected a patch size of 1 or more and a spacing above 0 mm");
  }
}

}  // namespace

PixelPoint on_slice(const PatchFrame& frame, const PixelPoint& on_patch) {
  if (!frame.spacing_mm) {
    const int half = frame.size / 2;
    return {std::floor(frame.center_column + 0.5) - half + on_patch.column,
            std::floor(frame.center_row + 0.5) - half + on_patch.row};
  }
  const double middle = (frame.size - 1) / 2.0;
  return {frame.center_column + (on_patch.column - middle) * *frame.spacing_mm / frame.column_spacing_mm,
          frame.center_row + (on_patch.row - middle) * *frame.spacing_mm / frame.row_spacing_mm};
}

PixelPoint on_patch(const PatchFrame& frame, const PixelPoint& on_slice) {
  if (!frame.spacing_mm) {
    const int half = frame.size / 2;
    return {on_slice.column - std::floor(frame.center_column + 0.5) + half,
            on_slice.row - std::floor(frame.center_row + 0.5) + half};
  }
  const double middle = (frame.size - 1) / 2.0;
  return {(on_slice.column - frame.center_column) * frame.column_spacing_mm / *frame.spacing_mm + middle,
          (on_slice.row - frame.center_row) * frame.row_spacing_mm / *frame.spacing_mm + middle};
}

std::vector<std::int16_t> cut_patch(std::span<const std::int16_t> slice_hu, int rows, int columns,
                                    const PatchFrame& frame) {
  check(frame);
  std::vector<std::int16_t> patch;
  patch.reserve(static_cast<std::size_t>(frame.size) * static_cast<std::size_t>(frame.size));
  for (int y = 0; y < frame.size; ++y) {
    for (int x = 0; x < frame.size; ++x) {
      const PixelPoint at = on_slice(frame, {static_cast<double>(x), static_cast<double>(y)});
      patch.push_back(lies_on_slice(at, rows, columns) ? bilinear(slice_hu, rows, columns, at, frame.padding_hu)
                                                       : frame.padding_hu);
    }
  }
  return patch;
}

std::vector<std::uint8_t> cut_mask(const std::function<std::uint8_t(int column, int row)>& mask, int rows, int columns,
                                   const PatchFrame& frame) {
  check(frame);
  std::vector<std::uint8_t> patch;
  patch.reserve(static_cast<std::size_t>(frame.size) * static_cast<std::size_t>(frame.size));
  for (int y = 0; y < frame.size; ++y) {
    for (int x = 0; x < frame.size; ++x) {
      const PixelPoint at = on_slice(frame, {static_cast<double>(x), static_cast<double>(y)});
      const int column = std::clamp(static_cast<int>(std::lround(at.column)), 0, columns - 1);
      const int row = std::clamp(static_cast<int>(std::lround(at.row)), 0, rows - 1);
      patch.push_back(lies_on_slice(at, rows, columns) ? mask(column, row) : std::uint8_t{0});
    }
  }
  return patch;
}

}  // namespace nodulus::data
