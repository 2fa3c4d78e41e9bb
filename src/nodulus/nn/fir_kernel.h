#pragma once

#include <cstdint>

namespace nodulus::nn {

/// The filter [1, 3, 3, 1] / 8 on one image plane, along both axes: the plane is spread out by `up` (zeros between its
/// pixels), moved by `before`, filtered, and every `down`-th pixel is kept. y[n] = gain sum_j k_j u[n down + j -
/// before], u the spread-out row, 0 outside. Known are (up, down) = (2, 1) with before 2 or 3, which gives 2 columns +
/// 2 (before - 2) pixels, and (1, 2) and (1, 1) with before 0 to 2.
struct FirPlan {
  std::int64_t rows = 0;
  std::int64_t columns = 0;
  std::int64_t out_rows = 0;
  std::int64_t out_columns = 0;
  int up = 1;
  int down = 1;
  int before = 0;
  float gain = 1;  ///< Along each axis.
};

/// Floats of scratch memory that fir_plane() needs.
std::int64_t fir_scratch_size(const FirPlan& plan);

/// x [rows, columns] -> y [out_rows, out_columns].
void fir_plane(const FirPlan& plan, const float* x, float* y, float* scratch);

}  // namespace nodulus::nn
