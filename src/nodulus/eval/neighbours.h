#pragma once

#include <torch/types.h>

#include <cstdint>
#include <vector>

namespace nodulus::eval {

/// Euclidean distances between the rows of a [N, D] and b [M, D]: [N, M] float64, exact to rounding.
torch::Tensor distances(const torch::Tensor& a, const torch::Tensor& b);

/// Distance of each row to its k-th nearest other row: [N]; infinity where there are fewer others.
torch::Tensor kth_neighbour(const torch::Tensor& rows, int k);

/// What the neighbourhoods of real and generated images say of each other, one number an image, whose means are the
/// figures. A neighbourhood is the ball about an image that reaches to its k-th nearest neighbour of its own kind.
struct Neighbourhoods {
  torch::Tensor precision;  ///< [generated]: 1 within the neighbourhood of a real image, else 0.
  torch::Tensor recall;     ///< [real]: 1 within the neighbourhood of a generated image, else 0.
  torch::Tensor density;    ///< [generated]: real neighbourhoods that hold it, over k.
  torch::Tensor coverage;   ///< [real]: 1 where its neighbourhood holds a generated image, else 0.
};

/// Precision and recall: Kynkäänniemi et al. 2019 (arXiv 1904.06991, equations 1 and 2). Density and coverage: Naeem et
/// al. 2020 (arXiv 2002.09797, equations 3 and 4). NaN where k images or fewer are to have a k-th neighbour. For
/// several k at once: the distances are computed once.
std::vector<Neighbourhoods> neighbourhoods(const torch::Tensor& real, const torch::Tensor& generated,
                                           const std::vector<int>& ks);

}  // namespace nodulus::eval
