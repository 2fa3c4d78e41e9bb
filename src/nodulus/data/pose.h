#pragma once

#include <span>

namespace nodulus::data {

/// One of the ways to lay an image on itself. Mirrored, then turned: what the turned image shows at a pixel comes from
/// the mirrored one.
struct Pose {
  bool left_right = false;
  bool up_down = false;
  int turns = 0;  ///< Quarter turns, 0 to 3; odd ones need a square image.
};

/// Moves `image`, [height, width], into `out` in that pose.
void place(std::span<const float> image, int height, int width, const Pose& pose, std::span<float> out);

}  // namespace nodulus::data
