#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "nodulus/data/dataset_info.h"

namespace nodulus::data {

/// The part height x width of an image of a data set about its centre; of an empty mask nothing.
template <typename T>
std::vector<T> centre_cut(std::span<const T> image, const DatasetInfo& info, int height, int width) {
  std::vector<T> part;
  if (image.empty()) return part;
  const auto top = static_cast<std::size_t>((info.height - height) / 2);
  const auto left = static_cast<std::size_t>((info.width - width) / 2);
  const auto across = static_cast<std::size_t>(info.width);
  for (std::size_t y = top; y < top + static_cast<std::size_t>(height); ++y) {
    const auto row = image.subspan(y * across + left, static_cast<std::size_t>(width));
    part.insert(part.end(), row.begin(), row.end());
  }
  return part;
}

}  // namespace nodulus::data
