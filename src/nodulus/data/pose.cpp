#include "nodulus/data/pose.h"

#include <cstddef>
#include <utility>

namespace nodulus::data {

void place(std::span<const float> image, int height, int width, const Pose& pose, std::span<float> out) {
  const bool half = (pose.turns & 2) != 0;
  const bool quarter = (pose.turns & 1) != 0;
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      int row = half ? height - 1 - y : y;
      int column = half ? width - 1 - x : x;
      if (quarter) row = std::exchange(column, width - 1 - row);
      if (pose.left_right) column = width - 1 - column;
      if (pose.up_down) row = height - 1 - row;
      out[static_cast<std::size_t>(y) * width + x] = image[static_cast<std::size_t>(row) * width + column];
    }
  }
}

}  // namespace nodulus::data
