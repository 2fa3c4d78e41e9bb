#include "nodulus/lidc/mask.h"

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <numeric>

namespace nodulus::lidc {
namespace {

/// Rounds towards minus infinity; divisor > 0.
std::int64_t floor_div(std::int64_t value, std::int64_t divisor) {
  const std::int64_t quotient = value / divisor;
  return value % divisor < 0 ? quotient - 1 : quotient;
}

PixelMask blank(std::span<const Pixel> pixels) {
  int x_min = pixels[0].x, x_max = x_min, y_min = pixels[0].y, y_max = y_min;
  for (const Pixel& pixel : pixels) {
    x_min = std::min(x_min, pixel.x), x_max = std::max(x_max, pixel.x);
    y_min = std::min(y_min, pixel.y), y_max = std::max(y_max, pixel.y);
  }
  PixelMask mask{x_min, y_min, x_max - x_min + 1, y_max - y_min + 1, {}};
  mask.values.resize(static_cast<std::size_t>(mask.width) * static_cast<std::size_t>(mask.height));
  return mask;
}

std::uint8_t* row_of(PixelMask& mask, int y) {
  return mask.values.data() + static_cast<std::ptrdiff_t>(y - mask.y0) * mask.width;
}

const std::uint8_t* row_of(const PixelMask& mask, int y) {
  return mask.values.data() + static_cast<std::ptrdiff_t>(y - mask.y0) * mask.width;
}

/// Calls visit(x, y) for each pixel whose centre lies on the closed outline.
template <typename Visit>
void for_outline_pixels(std::span<const Pixel> edge, Visit visit) {
  for (std::size_t i = 0; i < edge.size(); ++i) {
    const Pixel from = edge[i], to = edge[(i + 1) % edge.size()];
    const int dx = to.x - from.x, dy = to.y - from.y;
    const int steps = std::max(1, std::gcd(std::abs(dx), std::abs(dy)));
    for (int step = 0; step < steps; ++step) visit(from.x + dx / steps * step, from.y + dy / steps * step);
  }
}

/// One crossing of the outline with the line through the centres of a row of pixels.
struct Crossing {
  int y;
  int x;        ///< The first column whose centre lies right of the crossing (or on it).
  int winding;  ///< +1 downwards, -1 upwards.
};

std::vector<Crossing> crossings_of(std::span<const Pixel> edge) {
  std::vector<Crossing> crossings;
  for (std::size_t i = 0; i < edge.size(); ++i) {
    Pixel upper = edge[i], lower = edge[(i + 1) % edge.size()];
    if (upper.y == lower.y) continue;
    const int winding = upper.y < lower.y ? 1 : -1;
    if (winding < 0) std::swap(upper, lower);
    const std::int64_t dx = lower.x - upper.x, dy = lower.y - upper.y;
    // Half-open in y: a corner between two edges counts once.
    for (int y = upper.y; y < lower.y; ++y) {
      const auto x = static_cast<int>(upper.x + floor_div(dx * (y - upper.y), dy) + 1);
      crossings.push_back({y, x, winding});
    }
  }
  return crossings;
}

/// Cut to the smallest rectangle that holds all values above 0.
PixelMask trimmed(const PixelMask& mask) {
  int x_min = mask.width, x_max = -1, y_min = mask.height, y_max = -1;
  for (int row = 0; row < mask.height; ++row) {
    const std::uint8_t* values = row_of(mask, mask.y0 + row);
    for (int column = 0; column < mask.width; ++column) {
      if (values[column] == 0) continue;
      x_min = std::min(x_min, column), x_max = std::max(x_max, column);
      y_min = std::min(y_min, row), y_max = row;
    }
  }
  if (x_max < 0) return {};
  PixelMask result{mask.x0 + x_min, mask.y0 + y_min, x_max - x_min + 1, y_max - y_min + 1, {}};
  result.values.reserve(static_cast<std::size_t>(result.width) * static_cast<std::size_t>(result.height));
  for (int y = result.y0; y < result.y0 + result.height; ++y) {
    const std::uint8_t* first = row_of(mask, y) + x_min;
    result.values.insert(result.values.end(), first, first + result.width);
  }
  return result;
}

PixelMask covering(std::span<const PixelMask> masks) {
  std::vector<Pixel> corners;
  for (const PixelMask& mask : masks) {
    if (mask.empty()) continue;
    corners.push_back({mask.x0, mask.y0});
    corners.push_back({mask.x0 + mask.width - 1, mask.y0 + mask.height - 1});
  }
  return corners.empty() ? PixelMask{} : blank(corners);
}

template <typename Combine>
void combine(PixelMask& target, const PixelMask& source, Combine apply) {
  const int y_end = std::min(target.y0 + target.height, source.y0 + source.height);
  const int x_first = std::max(target.x0, source.x0);
  const int x_end = std::min(target.x0 + target.width, source.x0 + source.width);
  for (int y = std::max(target.y0, source.y0); y < y_end; ++y) {
    std::uint8_t* to = row_of(target, y);
    const std::uint8_t* from = row_of(source, y);
    for (int x = x_first; x < x_end; ++x) apply(to[x - target.x0], from[x - source.x0]);
  }
}

}  // namespace

std::int64_t PixelMask::count(int least) const {
  return std::count_if(values.begin(), values.end(), [least](std::uint8_t value) { return value >= least; });
}

PixelMask enclosed_pixels(std::span<const Pixel> edge) {
  if (edge.size() < 3) return {};
  PixelMask mask = blank(edge);
  std::vector<Crossing> crossings = crossings_of(edge);
  std::sort(crossings.begin(), crossings.end(),
            [](const Crossing& a, const Crossing& b) { return a.y != b.y ? a.y < b.y : a.x < b.x; });
  int winding = 0;
  for (std::size_t i = 0; i < crossings.size(); ++i) {
    winding += crossings[i].winding;
    if (winding == 0) continue;  // The outline is closed, so this is so at the end of each row.
    std::uint8_t* row = row_of(mask, crossings[i].y);
    std::fill(row + (crossings[i].x - mask.x0), row + (crossings[i + 1].x - mask.x0), std::uint8_t{1});
  }
  for_outline_pixels(edge, [&mask](int x, int y) { row_of(mask, y)[x - mask.x0] = 0; });
  return trimmed(mask);
}

PixelMask fill_outline(std::span<const Pixel> edge) {
  if (edge.empty()) return {};
  PixelMask mask = enclosed_pixels(edge);
  if (!mask.empty()) return mask;
  mask = blank(edge);
  for_outline_pixels(edge, [&mask](int x, int y) { row_of(mask, y)[x - mask.x0] = 1; });
  return mask;
}

PixelMask reader_mask(std::span<const Outline* const> outlines) {
  std::vector<PixelMask> included;
  for (const Outline* outline : outlines) {
    if (outline->inclusion) included.push_back(fill_outline(outline->edge));
  }
  if (included.size() == 1 && outlines.size() == 1) return std::move(included.front());
  PixelMask mask = covering(included);
  for (const PixelMask& part : included) combine(mask, part, [](std::uint8_t& to, std::uint8_t from) { to |= from; });
  for (const Outline* outline : outlines) {
    if (outline->inclusion) continue;
    combine(mask, fill_outline(outline->edge),
            [](std::uint8_t& to, std::uint8_t from) { to = from != 0 ? std::uint8_t{0} : to; });
  }
  return trimmed(mask);
}

PixelMask count_masks(std::span<const PixelMask> masks) {
  PixelMask counts = covering(masks);
  for (const PixelMask& mask : masks) {
    combine(counts, mask, [](std::uint8_t& to, std::uint8_t from) { to = static_cast<std::uint8_t>(to + from); });
  }
  return counts;
}

PixelMask consensus(const PixelMask& counts, int readers) {
  PixelMask mask = counts;
  for (std::uint8_t& value : mask.values) value = value > 0 && 2 * value >= readers ? 1 : 0;
  return trimmed(mask);
}

}  // namespace nodulus::lidc
