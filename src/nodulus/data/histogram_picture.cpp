#include "nodulus/data/histogram_picture.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>

#include "nodulus/core/error.h"

namespace nodulus::data {
namespace {

constexpr int height = 360;
constexpr int margin = 24;
constexpr int axis_height = 36;
constexpr Rgb background{24, 24, 27};
constexpr Rgb lit{38, 40, 48};
constexpr Rgb bar{125, 196, 228};
constexpr Rgb ink{200, 200, 205};

/// Digits and the minus sign, 5 x 7: a row a string of bits, the top row first.
constexpr std::array<std::array<std::uint8_t, 7>, 11> glyphs{{{14, 17, 19, 21, 25, 17, 14},
                                                              {4, 12, 4, 4, 4, 4, 14},
                                                              {14, 17, 1, 6, 8, 16, 31},
                                                              {31, 2, 4, 2, 1, 17, 14},
                                                              {2, 6, 10, 18, 31, 2, 2},
                                                              {31, 16, 30, 1, 1, 17, 14},
                                                              {6, 8, 16, 30, 17, 17, 14},
                                                              {31, 1, 2, 4, 8, 8, 8},
                                                              {14, 17, 17, 14, 17, 17, 14},
                                                              {14, 17, 17, 15, 1, 2, 12},
                                                              {0, 0, 0, 31, 0, 0, 0}}};
constexpr int glyph_scale = 2;
constexpr int glyph_step = 6 * glyph_scale;

/// A whole number centred on x.
void draw_number(Picture& picture, int value, int x, int top) {
  const std::string text = std::to_string(value);
  int left = x - static_cast<int>(text.size()) * glyph_step / 2;
  for (const char c : text) {
    const auto& glyph = glyphs[c == '-' ? 10 : static_cast<std::size_t>(c - '0')];
    for (int row = 0; row < 7; ++row) {
      for (int column = 0; column < 5; ++column) {
        if ((glyph[static_cast<std::size_t>(row)] >> (4 - column) & 1) == 0) continue;
        fill_box(picture, left + column * glyph_scale, top + row * glyph_scale, left + (column + 1) * glyph_scale,
                 top + (row + 1) * glyph_scale, ink);
      }
    }
    left += glyph_step;
  }
}

}  // namespace

Picture histogram_picture(std::span<const std::int64_t> counts, double first_hu, double bin_hu,
                          const WindowHu& window) {
  if (counts.empty() || !(bin_hu > 0)) throw Error(ErrorCode::internal, "histogram: no bins");
  const int bins = static_cast<int>(counts.size());
  const int bar_width = std::max(1, 1000 / bins);
  const int left = margin + 2 * glyph_step;  // room for half a number
  Picture picture(2 * left + bins * bar_width, height, 3);
  fill_box(picture, 0, 0, picture.width, height, background);
  const auto x_of = [&](double hu) {
    return left + static_cast<int>(std::lround((hu - first_hu) / bin_hu * bar_width));
  };
  const int floor_y = height - axis_height;
  const double last_hu = first_hu + bins * bin_hu;
  fill_box(picture, x_of(std::max(window.lo, first_hu)), margin / 2, x_of(std::min(window.hi, last_hu)), floor_y, lit);
  const std::int64_t most = *std::max_element(counts.begin(), counts.end());
  for (int i = 0; i < bins; ++i) {
    const double part = std::log1p(static_cast<double>(counts[static_cast<std::size_t>(i)])) /
                        std::log1p(static_cast<double>(std::max<std::int64_t>(most, 1)));
    const int top = floor_y - static_cast<int>(std::lround(part * (floor_y - margin)));
    fill_box(picture, left + i * bar_width, top, left + (i + 1) * bar_width, floor_y, bar);
  }
  fill_box(picture, left, floor_y, left + bins * bar_width, floor_y + 1, ink);
  for (int hu = static_cast<int>(std::ceil(first_hu / 500)) * 500; hu <= last_hu; hu += 500) {
    fill_box(picture, x_of(hu), floor_y, x_of(hu) + 1, floor_y + 6, ink);
    draw_number(picture, hu, x_of(hu), floor_y + 12);
  }
  return picture;
}

}  // namespace nodulus::data
