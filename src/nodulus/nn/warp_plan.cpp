#include <algorithm>
#include <array>
#include <cmath>

#include "nodulus/nn/affine.h"
#include "nodulus/nn/warp_kernel.h"

namespace nodulus::nn {
namespace {

/// An image that does not move is left as it is, without the filter's way there and back.
bool is_identity(const double* inverse) {
  constexpr Affine identity{1, 0, 0, 0, 1, 0};
  return std::equal(identity.begin(), identity.end(), inverse);
}

/// Pixels to reflect, where the image is asked for as far as `reach` from its centre.
std::int64_t warp_margin(double reach, double half, std::int64_t size) {
  const double wanted = reach + static_cast<double>(warp_border) - half;
  return static_cast<std::int64_t>(std::ceil(std::clamp(wanted, 0.0, static_cast<double>(size - 1))));
}

}  // namespace

WarpPlan plan_warp(std::int64_t rows, std::int64_t columns, const double* inverse) {
  WarpPlan plan;
  plan.rows = rows;
  plan.columns = columns;
  plan.still = is_identity(inverse);
  Affine a{};
  std::copy_n(inverse, a.size(), a.begin());
  const double cx = static_cast<double>(columns - 1) / 2;
  const double cy = static_cast<double>(rows - 1) / 2;
  std::array<double, 4> most{-1e9, -1e9, -1e9, -1e9};  // left, top, right, bottom
  for (const double x : {-cx, cx}) {
    for (const double y : {-cy, cy}) {
      const double to_x = a[0] * x + a[1] * y + a[2];
      const double to_y = a[3] * x + a[4] * y + a[5];
      most = {std::max(most[0], -to_x), std::max(most[1], -to_y), std::max(most[2], to_x), std::max(most[3], to_y)};
    }
  }
  plan.left = warp_margin(most[0], cx, columns);
  plan.top = warp_margin(most[1], cy, rows);
  plan.right = warp_margin(most[2], cx, columns);
  plan.bottom = warp_margin(most[3], cy, rows);
  const Affine to_padded =
      after(moved(static_cast<double>(plan.left - plan.right) / 2, static_cast<double>(plan.top - plan.bottom) / 2), a);
  // Twice as large; the filter moves everything by half a pixel there and back.
  const Affine large =
      after(moved(-0.5, -0.5), after(scaled(2, 2), after(to_padded, after(scaled(0.5, 0.5), moved(0.5, 0.5)))));
  // From the centres to the first pixels.
  const double half_columns = static_cast<double>(columns + warp_border) - 0.5;
  const double half_rows = static_cast<double>(rows + warp_border) - 0.5;
  const Affine map = after(moved(static_cast<double>(columns + plan.left + plan.right) - 0.5,
                                 static_cast<double>(rows + plan.top + plan.bottom) - 0.5),
                           after(large, moved(-half_columns, -half_rows)));
  std::copy(map.begin(), map.end(), plan.map);
  return plan;
}

}  // namespace nodulus::nn
