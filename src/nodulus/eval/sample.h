#pragma once

#include <torch/types.h>

#include <cstdint>
#include <span>
#include <vector>

#include "nodulus/traits/statistics.h"

/// How true generated images are to real ones: figures with what they are worth.
namespace nodulus::eval {

/// Images as the figures see them. Row i of each is image i.
struct Sample {
  torch::Tensor features;            ///< [N, D] float64.
  torch::Tensor pixels;              ///< [N, H, W] float32 in [0, 1], black to white.
  std::vector<std::int64_t> groups;  ///< Images of one patient have one number: they are resampled together.

  [[nodiscard]] std::int64_t count() const { return features.size(0); }
  /// Some of the images.
  [[nodiscard]] Sample at(std::span<const std::int64_t> rows) const;
};

/// `count` different rows of [0, n) that follow from the seed, ascending.
std::vector<std::int64_t> subset(std::int64_t n, std::int64_t count, std::uint64_t seed);

/// Numbers of groups for `count` images of which each is its own.
std::vector<std::int64_t> each_alone(std::int64_t count);

/// How often each image was drawn when whole groups are drawn with replacement, as many as there are: [N] float64. The
/// bootstrap of Efron & Tibshirani (1993), by clusters.
torch::Tensor resampled(const std::vector<std::int64_t>& groups, std::uint64_t seed);

using traits::Interval;

/// The 2.5 and 97.5 % quantiles of the replicates, moved so that their mean is the value: resampling repeats images,
/// which raises a distance, and that shift is no part of the uncertainty. NaN of fewer than two replicates.
Interval centred_interval(double value, std::vector<double> replicates);

/// The 95 % interval of a mean of one number an image, by resampling groups; percentiles as they are. Of a share that
/// is 0 or 1, Wilson's.
Interval interval_of_mean(const torch::Tensor& values, const std::vector<std::int64_t>& groups, int replicates,
                          std::uint64_t seed);

}  // namespace nodulus::eval
