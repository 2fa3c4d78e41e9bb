#pragma once

#include <array>

namespace nodulus::nn {

/// A map of the plane, [[a, b, c], [d, e, f]]: (x, y) -> (a x + b y + c, d x + e y + f).
using Affine = std::array<double, 6>;

/// first, then second: the product of their matrices, second on the left.
constexpr Affine after(const Affine& second, const Affine& first) {
  return {second[0] * first[0] + second[1] * first[3],
          second[0] * first[1] + second[1] * first[4],
          second[0] * first[2] + second[1] * first[5] + second[2],
          second[3] * first[0] + second[4] * first[3],
          second[3] * first[1] + second[4] * first[4],
          second[3] * first[2] + second[4] * first[5] + second[5]};
}
constexpr Affine moved(double x, double y) { return {1, 0, x, 0, 1, y}; }
constexpr Affine scaled(double x, double y) { return {x, 0, 0, 0, y, 0}; }

}  // namespace nodulus::nn
