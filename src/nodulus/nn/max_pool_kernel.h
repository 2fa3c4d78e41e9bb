#pragma once

#include <cstdint>

namespace nodulus::nn {

/// Largest values of 3x3 windows, every second one along both axes; windows that reach beyond the lower or right edge
/// count with what they have (ceil mode). Below 0 is 0: ReLU, which may come after as well as before.
struct MaxPoolPlan {
  std::int64_t rows = 0;  ///< >= 3, as are columns.
  std::int64_t columns = 0;
  [[nodiscard]] std::int64_t out_rows() const { return rows / 2; }
  [[nodiscard]] std::int64_t out_columns() const { return columns / 2; }
};

/// x [rows, columns] -> y [out_rows, out_columns]. `scratch` has room for columns + 1 floats.
void max_pool_relu_plane(const MaxPoolPlan& plan, const float* x, float* y, float* scratch);

}  // namespace nodulus::nn
