#include "nodulus/core/contact_sheet.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <string>

#include "nodulus/core/error.h"

namespace nodulus {
namespace {

std::uint8_t gray_of(double hu, const WindowHu& window) {
  const double t = (hu - window.lo) / (window.hi - window.lo);
  return static_cast<std::uint8_t>(std::lround(255 * std::clamp(t, 0.0, 1.0)));
}

/// One cell's image, drawn scale times as large at (left, top).
void draw_image(Picture& sheet, const SheetCell& cell, int height, int width, int left, int top,
                const SheetOptions& options) {
  const auto value = [&](int x, int y) {
    const int column = std::clamp(x, 0, width - 1);
    const int row = std::clamp(y, 0, height - 1);
    return static_cast<double>(cell.image_hu[static_cast<std::size_t>(row) * width + column]);
  };
  for (int y = 0; y < height * options.scale; ++y) {
    const double source_y = (y + 0.5) / options.scale - 0.5;
    const int y0 = static_cast<int>(std::floor(source_y));
    const double fy = source_y - y0;
    for (int x = 0; x < width * options.scale; ++x) {
      const double source_x = (x + 0.5) / options.scale - 0.5;
      const int x0 = static_cast<int>(std::floor(source_x));
      const double fx = source_x - x0;
      const double hu = (1 - fy) * ((1 - fx) * value(x0, y0) + fx * value(x0 + 1, y0)) +
                        fy * ((1 - fx) * value(x0, y0 + 1) + fx * value(x0 + 1, y0 + 1));
      std::fill_n(sheet.at(left + x, top + y), 3, gray_of(hu, options.window_hu));
    }
  }
}

/// The inner border, one screen pixel wide, of the region where the mask is at least `level`.
void draw_outline(Picture& sheet, const SheetCell& cell, int height, int width, int left, int top, int scale,
                  const OutlineLevel& outline) {
  const auto inside = [&](int x, int y) {  // in screen pixels of the cell
    if (x < 0 || y < 0 || x >= width * scale || y >= height * scale) return false;
    return cell.mask[static_cast<std::size_t>(y / scale) * width + x / scale] >= outline.level;
  };
  for (int y = 0; y < height * scale; ++y) {
    for (int x = 0; x < width * scale; ++x) {
      if (!inside(x, y)) continue;
      if (inside(x - 1, y) && inside(x + 1, y) && inside(x, y - 1) && inside(x, y + 1)) continue;
      std::copy(outline.color.begin(), outline.color.end(), sheet.at(left + x, top + y));
    }
  }
}

int columns_for(std::size_t cells, int height, int width) {
  const auto count = static_cast<int>(cells);
  // rows * height : columns * width as 2 : 3, a third more or less where that leaves fewer cells empty
  const double wanted = std::sqrt(1.5 * count * height / width);
  int best = std::clamp(static_cast<int>(std::lround(wanted)), 1, count);
  const auto empty = [&](int columns) { return (columns - count % columns) % columns; };
  for (int columns = 1; columns <= count; ++columns) {
    if (columns < wanted / 1.34 || columns > wanted * 1.34) continue;
    const bool nearer = std::abs(columns - wanted) < std::abs(best - wanted);
    if (empty(columns) < empty(best) || (empty(columns) == empty(best) && nearer)) best = columns;
  }
  return best;
}

}  // namespace

std::vector<OutlineLevel> reader_outlines() {
  // Single-hue steps from pale to saturated would drown in gray tissue; these four differ in hue and in lightness and
  // stay apart for red-green blindness (after Okabe and Ito, "Color universal design", 2008).
  return {{1, {86, 180, 233}}, {2, {0, 158, 115}}, {3, {240, 228, 66}}, {4, {230, 97, 0}}};
}

Picture contact_sheet(std::span<const SheetCell> cells, int height, int width, const SheetOptions& options) {
  if (cells.empty() || height <= 0 || width <= 0 || options.scale < 1 || options.gap < 0 ||
      !(options.window_hu.lo < options.window_hu.hi)) {
    throw Error(ErrorCode::internal, "contact sheet: expected images, a scale of 1 or more and a window lo < hi");
  }
  const std::size_t size = static_cast<std::size_t>(height) * static_cast<std::size_t>(width);
  const int columns = options.columns > 0 ? options.columns : columns_for(cells.size(), height, width);
  const int rows = static_cast<int>((cells.size() + columns - 1) / columns);
  const int step_x = width * options.scale + options.gap;
  const int step_y = height * options.scale + options.gap;
  Picture sheet(columns * step_x + options.gap, rows * step_y + options.gap, 3);
  for (std::size_t i = 0; i < sheet.pixels.size(); ++i) sheet.pixels[i] = options.background[i % 3];
  for (std::size_t i = 0; i < cells.size(); ++i) {
    if (cells[i].image_hu.size() != size || (!cells[i].mask.empty() && cells[i].mask.size() != size)) {
      throw Error(ErrorCode::internal, "contact sheet: cell " + std::to_string(i) + " is not " +
                                           std::to_string(height) + "x" + std::to_string(width));
    }
    const int left = options.gap + static_cast<int>(i) % columns * step_x;
    const int top = options.gap + static_cast<int>(i) / columns * step_y;
    draw_image(sheet, cells[i], height, width, left, top, options);
    if (cells[i].mask.empty()) continue;
    for (const OutlineLevel& outline : options.outlines) {
      draw_outline(sheet, cells[i], height, width, left, top, options.scale, outline);
    }
  }
  return sheet;
}

}  // namespace nodulus
