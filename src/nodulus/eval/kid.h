#pragma once

#include <torch/types.h>

#include <cstdint>

namespace nodulus::eval {

/// Kernel distance: the unbiased squared maximum mean discrepancy with the kernel k(x, y) = (x.y / D + 1)^3 between the
/// rows of two matrices. Binkowski et al. 2018 (arXiv 1801.01401, section 4), who call it KID; it has no bias with the
/// number of images, and may come out below 0. Rows of the same number never meet themselves.
class KernelDistance {
 public:
  /// a [N, D], b [M, D].
  KernelDistance(const torch::Tensor& a, const torch::Tensor& b);

  /// NaN where a or b has fewer than two rows.
  [[nodiscard]] double value() const;
  /// Of rows that count `weights_a` [N] and `weights_b` [M] times. A row and its repetitions count as one image: they
  /// make no pair with one another.
  [[nodiscard]] double value(const torch::Tensor& weights_a, const torch::Tensor& weights_b) const;

  /// The literature's form: mean and standard deviation over blocks of `size` images of each, drawn without repetition
  /// within a block; of half of the images at most, or a block would be the whole. NaN where that is less than two.
  struct Blocks {
    std::int64_t size = 0;
    int count = 0;
    double mean = 0;
    double deviation = 0;
  };
  [[nodiscard]] Blocks blocks(std::int64_t size, int count, std::uint64_t seed) const;

 private:
  torch::Tensor aa_;  // kernels, 0 on the diagonal
  torch::Tensor bb_;
  torch::Tensor ab_;
};

}  // namespace nodulus::eval
