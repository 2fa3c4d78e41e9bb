#pragma once

// Made by tests/eval/make_figure_goldens.py with NumPy and SciPy.
namespace golden {

inline constexpr double fd[] = {2.3598373570464366, 0.027942296429447226, 2.318276140719384};
inline constexpr double kid[] = {0.3443070229915386, -0.08838186583022756};
inline constexpr double prdc_3[] = {0.7222222222222222, 1.0, 0.5185185185185185, 0.65};
inline constexpr double prdc_5[] = {0.9222222222222223, 1.0, 0.48888888888888893, 0.9416666666666667};
inline constexpr double authenticity[] = {0.9444444444444444};
inline constexpr double ms_ssim[] = {0.7608272065935737, 0.7699102990159886, 0.757647574764076, 0.5264424082763058};

}  // namespace golden
