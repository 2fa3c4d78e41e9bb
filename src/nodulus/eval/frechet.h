#pragma once

#include <torch/types.h>

#include <cstdint>
#include <utility>
#include <vector>

#include "nodulus/eval/sample.h"

namespace nodulus::eval {

/// The Frechet distance (squared) of two normal distributions with the means and covariances of the rows of a [N, D]
/// and b [M, D]: |m_a - m_b|^2 + tr(C_a + C_b - 2 (C_a C_b)^(1/2)). Dowson & Landau 1982; Heusel et al. 2017 (arXiv
/// 1706.08500), where it is of Inception features and called FID. Covariances are divided by N - 1, as theirs.
///
/// The trace of the root is the sum of the singular values of A B^T, C_a = A^T A, C_b = B^T B: those are the roots of
/// the eigenvalues of the symmetric A C_b A^T, so nothing can come out complex or NaN, whatever N and D are. Never
/// below 0. NaN where a or b has fewer than two rows or holds what is no number.
double frechet_distance(const torch::Tensor& a, const torch::Tensor& b);

/// The same of rows that count `weights_a` [N] and `weights_b` [M] times: a bootstrap's.
double frechet_distance(const torch::Tensor& a, const torch::Tensor& weights_a, const torch::Tensor& b,
                        const torch::Tensor& weights_b);

/// The same, of the moments: means [D], covariances [D, D].
double frechet_distance_of_moments(const torch::Tensor& mean_a, const torch::Tensor& covariance_a,
                                   const torch::Tensor& mean_b, const torch::Tensor& covariance_b);

/// FD at several sizes and what it tends to.
struct FrechetLimit {
  std::vector<std::pair<double, double>> points;  ///< (1/N, mean FD of subsets of N of a and as large a share of b).
  double slope = 0;
  double limit = 0;           ///< At 1/N = 0: samples without end.
  double standard_error = 0;  ///< Of the limit, from how the points lie about the line.
};

/// FD is biased upward by about a constant over N (Chong & Forsyth 2020, arXiv 1911.07023): a line through FD against
/// 1/N at eight sizes from half of a to all of it, b in proportion, so that both biases go with 1/N.
FrechetLimit frechet_limit(const torch::Tensor& a, const torch::Tensor& b, std::uint64_t seed);

}  // namespace nodulus::eval
