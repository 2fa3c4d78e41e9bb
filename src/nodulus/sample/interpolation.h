#pragma once

#include <torch/types.h>

namespace nodulus::sample {

/// Spherical interpolation (Shoemake 1985, "Animating rotation with quaternion curves"; for the noise of two images as
/// Song et al. 2021, arXiv 2010.02502, appendix D.5): with theta the angle between the two,
///   sin((1 - weight) theta) / sin(theta) from + sin(weight theta) / sin(theta) to
/// for each image of from and to, [N, C, H, W] float64. weight 0 gives `from`, 1 gives `to`. Between two draws of noise
/// it stays as likely as they are, where a straight line would pass through vectors too short for noise. Put through a
/// deterministic sampler it gives images between those of the two seeds. Parallel vectors are joined by a straight
/// line. Throws Error{internal} for shapes that differ.
torch::Tensor slerp(const torch::Tensor& from, const torch::Tensor& to, double weight);

}  // namespace nodulus::sample
