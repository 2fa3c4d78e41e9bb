#pragma once

#include <torch/types.h>

namespace nodulus::nn {

/// Images moved, turned and scaled without aliasing (Karras et al. 2020b, arXiv 2006.06676, appendix B): reflected
/// about their edges as far as is needed, enlarged twice by the symlet of order 6, sampled bilinearly, and brought down
/// by the same filter. An image whose map is the identity stays as it is.
///
/// x [N, C, H, W]; inverse [N, 2, 3] float64 on the CPU: where the pixel (column, row, 1) of the result comes from,
/// both measured from the image's centre, in pixels. Linear in x and differentiable any number of times; `inverse` has
/// no gradient. float32 on the CPU goes through our kernel, an image of each batch by itself, and float32 on CUDA
/// through that of the device; all else through the reference.
torch::Tensor warp(const torch::Tensor& x, const torch::Tensor& inverse);

/// The same by libtorch's operations. libtorch 2's grid_sample has no second derivative: see sample_bilinear().
torch::Tensor warp_reference(const torch::Tensor& x, const torch::Tensor& inverse);

/// grid_sample, bilinear with zeros outside, corners not aligned, for a grid [N, H', W', 2] that has no gradient: then
/// it is linear in x [N, C, H, W], and differentiable any number of times by its transposed map.
torch::Tensor sample_bilinear(const torch::Tensor& x, const torch::Tensor& grid);

}  // namespace nodulus::nn
