#include "nodulus/data/window.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "nodulus/core/error.h"

namespace nodulus::data {

void to_hu(std::span<const float> values, WindowHu window, std::span<std::int16_t> hu) {
  if (values.size() != hu.size()) throw Error(ErrorCode::internal, "to_hu: sizes differ");
  constexpr double lowest = std::numeric_limits<std::int16_t>::min();
  constexpr double highest = std::numeric_limits<std::int16_t>::max();
  for (std::size_t i = 0; i < hu.size(); ++i) {
    const double value = window.lo + (static_cast<double>(values[i]) + 1) / 2 * (window.hi - window.lo);
    hu[i] = static_cast<std::int16_t>(std::lround(std::clamp(value, lowest, highest)));
  }
}

void to_mask(std::span<const float> values, std::span<std::uint8_t> mask) {
  if (values.size() != mask.size()) throw Error(ErrorCode::internal, "to_mask: sizes differ");
  for (std::size_t i = 0; i < mask.size(); ++i) mask[i] = values[i] > 0 ? 1 : 0;
}

Picture to_picture(std::span<const std::int16_t> hu, int width, int height, WindowHu window) {
  Picture picture(width, height, 1);
  if (picture.pixels.size() != hu.size()) throw Error(ErrorCode::internal, "to_picture: sizes differ");
  const double gain = (window.hi - window.lo) / 255;
  std::transform(hu.begin(), hu.end(), picture.pixels.begin(), [&](std::int16_t value) {
    return static_cast<std::uint8_t>(std::lround(std::clamp((value - window.lo) / gain, 0.0, 255.0)));
  });
  return picture;
}

Picture sheet_of(std::span<const float> values, ModelShape shape, WindowHu window, int scale) {
  const std::size_t plane = static_cast<std::size_t>(shape.height) * static_cast<std::size_t>(shape.width);
  const std::size_t one = plane * static_cast<std::size_t>(shape.channels);
  const std::size_t count = values.size() / one;
  std::vector<std::int16_t> hu(count * plane);
  std::vector<std::uint8_t> mask(shape.channels > 1 ? count * plane : 0);
  std::vector<SheetCell> cells(count);
  for (std::size_t i = 0; i < count; ++i) {
    const std::span<std::int16_t> image(hu.data() + i * plane, plane);
    to_hu(values.subspan(i * one, plane), window, image);
    cells[i].image_hu = image;
    if (mask.empty()) continue;
    const std::span<std::uint8_t> outline(mask.data() + i * plane, plane);
    to_mask(values.subspan(i * one + plane, plane), outline);
    cells[i].mask = outline;
  }
  SheetOptions options;
  options.window_hu = window;
  options.scale = scale;
  options.outlines = {{1, {204, 121, 167}}};  // none of the colours that count readers
  return contact_sheet(cells, shape.height, shape.width, options);
}

}  // namespace nodulus::data
