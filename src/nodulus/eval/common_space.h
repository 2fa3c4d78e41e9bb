#pragma once

#include <torch/types.h>

#include <cstdint>
#include <vector>

namespace nodulus::eval {

/// One kind of numbers that images are described by.
struct Description {
  torch::Tensor values;  ///< [N, D] float64; NaN where a number is not known.
  /// Numbers of many units and spreads, such as traits: each is replaced by its normal score among the fitted rows.
  /// What is not known counts as the median.
  bool by_rank = false;
};

/// Points of one space for descriptions of several kinds: of each the principal components that hold nine tenths of its
/// variance, scaled so that each kind has a mean squared distance of 1 from its mean, side by side. None outweighs the
/// others then, however many numbers it has. What is learnt is learnt from the rows `fit`. [N, d] float64. Error{usage}
/// where there are fewer than two such rows, Error{internal} where the descriptions are of different images.
torch::Tensor common_space(const std::vector<Description>& descriptions, const std::vector<std::int64_t>& fit);

}  // namespace nodulus::eval
