#include "nodulus/traits/region.h"

#include <algorithm>
#include <array>
#include <numeric>

#include "nodulus/core/error.h"

namespace nodulus::traits {
namespace {

struct PixelStep {
  int y;
  int x;
};
constexpr std::array<PixelStep, 8> kNeighbours{{{0, 1}, {1, 0}, {0, -1}, {-1, 0}, {1, 1}, {1, -1}, {-1, 1}, {-1, -1}}};

/// Gives `label` to all pixels that hang together with (y, x): by edges (4 directions) or by corners as well (8).
/// Returns how many.
int flood(const Region& region, std::vector<int>& labels, int y, int x, int label, std::size_t directions) {
  std::vector<PixelStep> waiting{{y, x}};
  labels[region.index(y, x)] = label;
  int count = 0;
  while (!waiting.empty()) {
    const PixelStep pixel = waiting.back();
    waiting.pop_back();
    ++count;
    for (std::size_t d = 0; d < directions; ++d) {
      const PixelStep next{pixel.y + kNeighbours[d].y, pixel.x + kNeighbours[d].x};
      if (!region.at(next.y, next.x) || labels[region.index(next.y, next.x)] != 0) continue;
      labels[region.index(next.y, next.x)] = label;
      waiting.push_back(next);
    }
  }
  return count;
}

}  // namespace

int Region::count() const { return std::accumulate(inside.begin(), inside.end(), 0); }

Region region_of(std::span<const std::uint8_t> mask, int height, int width) {
  if (height < 0 || width < 0 || mask.size() != static_cast<std::size_t>(height) * static_cast<std::size_t>(width)) {
    throw Error(ErrorCode::internal, "expected a mask of height * width pixels, found " + std::to_string(mask.size()) +
                                         " for " + std::to_string(height) + " x " + std::to_string(width));
  }
  Region region{std::vector<std::uint8_t>(mask.size()), height, width};
  std::transform(mask.begin(), mask.end(), region.inside.begin(),
                 [](std::uint8_t value) { return static_cast<std::uint8_t>(value != 0); });
  return region;
}

Region largest_part(const Region& region) {
  std::vector<int> labels(region.inside.size(), 0);
  int parts = 0;
  int best = 0;
  int most = 0;
  for (int y = 0; y < region.height; ++y) {
    for (int x = 0; x < region.width; ++x) {
      if (!region.at(y, x) || labels[region.index(y, x)] != 0) continue;
      const int count = flood(region, labels, y, x, ++parts, 8);
      if (count > most) {
        most = count;
        best = parts;
      }
    }
  }
  Region part = region;
  if (parts > 1) {
    std::transform(labels.begin(), labels.end(), part.inside.begin(),
                   [best](int label) { return static_cast<std::uint8_t>(label == best); });
  }
  return part;
}

Region without_holes(const Region& region) {
  Region rest = region;
  for (auto& value : rest.inside) value = value == 0;
  std::vector<int> labels(region.inside.size(), 0);
  const auto leave = [&](int y, int x) {
    if (rest.at(y, x) && labels[rest.index(y, x)] == 0) flood(rest, labels, y, x, 1, 4);
  };
  for (int y = 0; y < region.height; ++y) {
    leave(y, 0);
    leave(y, region.width - 1);
  }
  for (int x = 0; x < region.width; ++x) {
    leave(0, x);
    leave(region.height - 1, x);
  }
  Region filled = region;
  std::transform(labels.begin(), labels.end(), filled.inside.begin(),
                 [](int label) { return static_cast<std::uint8_t>(label == 0); });
  return filled;
}

std::vector<BorderEdge> outer_border(const Region& region) {
  std::vector<BorderEdge> border;
  const auto first = std::find(region.inside.begin(), region.inside.end(), std::uint8_t{1});
  if (first == region.inside.end()) return border;
  const int start = static_cast<int>(first - region.inside.begin());
  // A walker on the corners of pixels: corner (y, x) is the upper left one of pixel (y, x). It starts along the upper
  // edge of the first pixel in reading order, which nothing lies above of.
  constexpr std::array<PixelStep, 4> kAhead{{{0, 1}, {1, 0}, {0, -1}, {-1, 0}}};
  constexpr std::array<PixelStep, 4> kLeft{{{-1, 0}, {0, 0}, {0, -1}, {-1, -1}}};   // pixel ahead on the left hand
  constexpr std::array<PixelStep, 4> kRight{{{0, 0}, {0, -1}, {-1, -1}, {-1, 0}}};  // and on the right hand
  const PixelStep home{start / region.width, start % region.width};
  PixelStep corner = home;
  std::size_t d = 0;
  do {
    const PixelStep& right = kRight[d];
    border.push_back({corner.y + right.y, corner.x + right.x, kLeft[d].y - right.y, kLeft[d].x - right.x});
    corner = {corner.y + kAhead[d].y, corner.x + kAhead[d].x};
    if (region.at(corner.y + kLeft[d].y, corner.x + kLeft[d].x)) {
      d = (d + 3) % 4;
    } else if (!region.at(corner.y + kRight[d].y, corner.x + kRight[d].x)) {
      d = (d + 1) % 4;
    }
  } while (corner.y != home.y || corner.x != home.x || d != 0);
  return border;
}

}  // namespace nodulus::traits
