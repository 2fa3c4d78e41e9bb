#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "nodulus/core/npy.h"
#include "nodulus/core/reject.h"

namespace nodulus::data {

/// Pixels of a gray picture as they stand in the file.
struct GrayImage {
  int width = 0;
  int height = 0;
  /// The largest value that the file's format could hold, 255 or 65535; 0 where the values are Hounsfield units (int16
  /// and floating-point .npy).
  int max_value = 255;
  std::vector<std::int32_t> values;  ///< [height, width]
  bool synthetic = false;            ///< The file carries the mark of a generated image.
};

/// Width and height of 16384 at most: larger ones are rejected before memory is asked for.
inline constexpr int max_picture_side = 16384;

/// Decodes a PNG (gray, 1 to 16 bits; 8-bit colour and palettes where every pixel is gray) or a JPEG (gray, or colour
/// that is gray). Any fault of the bytes is a Reject: "damaged PNG", "damaged JPEG", "colour image", "16-bit colour",
/// "transparent pixels", "too large", "not a picture" (by content, not by name).
std::variant<GrayImage, Reject> decode_picture(std::span<const std::byte> bytes, const std::string& where);

/// Picture `index` of a .npy of shape [H,W] (index 0) or [N,H,W]; uint8, int16, or float32/64 (rounded, HU). Reject:
/// "not an image array", "not finite".
std::variant<GrayImage, Reject> npy_picture(const NpyMap& array, std::int64_t index);
/// How many pictures that is; 0 for another shape or type.
std::int64_t npy_pictures(const NpyMap& array);

/// True for names that end like a picture or array: .png, .jpg, .jpeg, .npy, whatever the case.
bool is_picture_name(std::string_view name);
bool is_npy_name(std::string_view name);

/// A JPEG of an 8-bit gray picture, quality 1 to 100.
std::vector<std::uint8_t> encode_jpeg(std::span<const std::uint8_t> gray, int width, int height, int quality,
                                      const std::string& comment);

}  // namespace nodulus::data
