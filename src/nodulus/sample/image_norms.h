#pragma once

#include <torch/types.h>

#include <vector>

namespace nodulus::sample {

/// Euclidean norm of each row of x [N, ...]. Each row is summed in a call of its own: how libtorch orders a sum depends
/// on the shape of the whole, and the norm of an image must not depend on the batch it is in.
std::vector<double> image_norms(const torch::Tensor& x);

/// One number an image, as a float64 tensor [N, 1, ...] that multiplies `like` [N, ...].
torch::Tensor by_image(const std::vector<double>& values, const torch::Tensor& like);

}  // namespace nodulus::sample
