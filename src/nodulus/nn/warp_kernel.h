#pragma once

#include <cstdint>

namespace nodulus::nn {

/// The low-pass filter of the symlet with six vanishing moments (Daubechies 1992, table 6.3), its sum brought to 1.
constexpr float symlet6[12] = {0.010892350163F,  0.002468306186F, -0.083431607706F, -0.034161560793F,
                               0.347228986478F,  0.556946391964F, 0.238952185666F,  -0.051362484931F,
                               -0.014891875649F, 0.031625281330F, 0.001249961046F,  -0.005515933755F};

/// One plane's way through nn::warp(): `left` to `bottom` pixels are reflected around it, it is enlarged twice by the
/// filter, sampled, and brought down by the filter. Pixel (column, row) of what is sampled lies at
/// (m0 column + m1 row + m2, m3 column + m4 row + m5) of the enlarged plane.
struct WarpPlan {
  bool still = false;  ///< The map is the identity: the plane stays as it is, and the rest does not count.
  std::int64_t rows = 0;
  std::int64_t columns = 0;
  std::int64_t left = 0;
  std::int64_t right = 0;
  std::int64_t top = 0;
  std::int64_t bottom = 0;
  double map[6] = {};
};

/// Pixels that what is sampled has on each side beyond twice the image: as far as the filter reaches.
constexpr std::int64_t warp_border = 6;

/// The plan of images [rows, columns] for one map [2, 3] of warp()'s `inverse`: its margins from where the corners of
/// the result come from, at most what can be reflected.
WarpPlan plan_warp(std::int64_t rows, std::int64_t columns, const double* inverse);

/// Floats that the two below need. Of plans that are not still.
std::int64_t warp_scratch(const WarpPlan& plan);
/// x [rows, columns] -> y [rows, columns].
void warp_plane(const WarpPlan& plan, const float* x, float* y, float* scratch);
/// The transposed map: dy -> dx.
void warp_plane_transposed(const WarpPlan& plan, const float* dy, float* dx, float* scratch);

}  // namespace nodulus::nn
