#pragma once

#include <cstdint>

namespace nodulus::nn {

/// One group of group normalisation followed by SiLU: `channels` planes of `area` floats, one after the other.
struct GroupShape {
  std::int64_t channels = 0;
  std::int64_t area = 0;
};

/// y = silu(weight_c (x - mean) rstd + bias_c); writes the group's mean and 1 / sqrt(variance + eps).
void group_norm_silu_forward(GroupShape shape, const float* x, const float* weight, const float* bias, float eps,
                             float* y, float* mean, float* rstd);

/// From dL/dy: dx (whole), and this group's share of dL/dweight and dL/dbias (written, one value a channel).
void group_norm_silu_backward(GroupShape shape, const float* x, const float* weight, const float* bias, float mean,
                              float rstd, const float* dy, float* dx, float* dweight, float* dbias);

}  // namespace nodulus::nn
