#pragma once

#include <cstdint>
#include <span>

#include "nodulus/core/contact_sheet.h"

namespace nodulus::data {

/// Shape of a model's images: CT, then the mask where there is one.
struct ModelShape {
  int channels = 1;
  int height = 0;
  int width = 0;
};

/// The way back from a model's scale: -1 is window.lo, 1 is window.hi; rounded, nothing clamped but to int16.
/// Error{internal} where the sizes differ.
void to_hu(std::span<const float> values, WindowHu window, std::span<std::int16_t> hu);

/// A generated mask: 1 where the value is above 0.
void to_mask(std::span<const float> values, std::span<std::uint8_t> mask);

/// 8-bit gray: the window from 0 to 255, rounded and clamped. hu [height, width].
Picture to_picture(std::span<const std::int16_t> hu, int width, int height, WindowHu window);

/// A sheet of model images, [n, channels, height, width] in one span, with the outline of the mask channel.
Picture sheet_of(std::span<const float> values, ModelShape shape, WindowHu window, int scale = 2);

}  // namespace nodulus::data
