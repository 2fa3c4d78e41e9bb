#pragma once

#include <torch/types.h>

#include <cstdint>

namespace nodulus::eval {

/// Multi-scale structural similarity of pairs of images: Wang, Simoncelli & Bovik 2003, equations 2 to 7, window of
/// 11x11 pixels, Gaussian of deviation 1.5, K1 = .01, K2 = .03, weights .0448, .2856, .3001, .2363, .1333. Of images
/// below 176 pixels as many scales as have a window each, with the weights of those, brought to a sum of 1: three for
/// 64x64. x, y [N, H, W] float in [0, 1] -> [N] float64; 1 for equal images. Negative terms count as 0. H, W >= 11.
torch::Tensor ms_ssim(const torch::Tensor& x, const torch::Tensor& y);

/// MS-SSIM of `pairs` random pairs of different images of x [N, H, W]: the more alike, the less diverse. All pairs
/// where there are not more. [pairs]; empty for fewer than two images.
torch::Tensor ms_ssim_of_pairs(const torch::Tensor& x, std::int64_t pairs, std::uint64_t seed);

}  // namespace nodulus::eval
