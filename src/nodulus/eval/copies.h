#pragma once

#include <torch/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "nodulus/eval/sample.h"

namespace nodulus::eval {

/// x [N, 1, H, W] in one of the 8 ways to lay a square on itself: quarter turns 0 to 3, from 4 on flipped left-right
/// before.
torch::Tensor turned(const torch::Tensor& x, int turn);
/// The turn that undoes it.
int undone(int turn);
/// "as it is", "turned by 90 degrees", "flipped, turned by 180 degrees".
std::string turn_text(int turn);

/// The nearest training image of each image.
struct Nearest {
  torch::Tensor distance;  ///< [N] float64.
  torch::Tensor which;     ///< [N] of the training images.
  torch::Tensor turn;      ///< [N]: how that has to be laid.
};

/// Nothing is near `count` images yet.
Nearest nothing_near(std::int64_t count);

/// Takes what is nearer: rows [N, D] against training images [M, D] laid by `turn`, Euclidean. The search is in
/// float32, the distance of what it finds in float64.
void take_nearer(Nearest& nearest, const torch::Tensor& rows, const torch::Tensor& training, int turn);

/// The verdict on one kind of distance.
struct Closeness {
  Nearest generated;
  Nearest held_out;
  double first_percentile = 0;  ///< Of the held-out distances.
  double share = 0;             ///< Generated images that are no further than that.
  Interval share_interval;      ///< Of the share, 95 %.
  double p = 1;                 ///< Of as many or more if generated images were as held-out real ones are.
  double threshold = 0;         ///< Half of the first percentile.

  /// [N] bool: what is not further than the threshold.
  [[nodiscard]] torch::Tensor copied() const { return generated.distance <= threshold; }
};

/// The share that is no further than 1 % of held-out real images are. p takes into account that the percentile itself
/// comes from few images: both counts are drawn from one pool under the null (Fisher's exact test of closer and not
/// closer).
Closeness closeness(Nearest generated, Nearest held_out);

}  // namespace nodulus::eval
