#include "nodulus/nn/group_norm_silu_kernel.h"

#include <cmath>

#include "nodulus/nn/multiversion.h"

namespace nodulus::nn {

NODULUS_MULTIVERSION
void group_norm_silu_forward(GroupShape shape, const float* x, const float* weight, const float* bias, float eps,
                             float* y, float* mean, float* rstd) {
  const std::int64_t count = shape.channels * shape.area;
  // Two passes about the mean: E[x^2] - E[x]^2 would cancel for images that are far from zero.
  float sum = 0;
  for (std::int64_t i = 0; i < count; ++i) sum += x[i];
  const float mu = sum / static_cast<float>(count);
  float squares = 0;
  for (std::int64_t i = 0; i < count; ++i) squares += (x[i] - mu) * (x[i] - mu);
  const float inverse = 1.0F / std::sqrt(squares / static_cast<float>(count) + eps);
  for (std::int64_t c = 0; c < shape.channels; ++c) {
    const float scale = weight[c] * inverse;
    const float shift = bias[c] - mu * scale;
    const float* in = x + c * shape.area;
    float* out = y + c * shape.area;
    for (std::int64_t i = 0; i < shape.area; ++i) {
      const float z = in[i] * scale + shift;
      out[i] = z / (1.0F + std::exp(-z));
    }
  }
  *mean = mu;
  *rstd = inverse;
}

NODULUS_MULTIVERSION
void group_norm_silu_backward(GroupShape shape, const float* x, const float* weight, const float* bias, float mean,
                              float rstd, const float* dy, float* dx, float* dweight, float* dbias) {
  float sum = 0;         // sum of dz w over the group
  float projection = 0;  // sum of dz w xhat over the group
  for (std::int64_t c = 0; c < shape.channels; ++c) {
    const float w = weight[c];
    const float scale = w * rstd;
    const float shift = bias[c] - mean * scale;
    const std::int64_t begin = c * shape.area;
    float channel_sum = 0;
    float channel_projection = 0;
    for (std::int64_t i = begin; i < begin + shape.area; ++i) {
      const float z = x[i] * scale + shift;
      const float s = 1.0F / (1.0F + std::exp(-z));
      const float dz = dy[i] * s * (1.0F + z * (1.0F - s));
      channel_sum += dz;
      channel_projection += dz * ((x[i] - mean) * rstd);
      dx[i] = dz * w;
    }
    dbias[c] = channel_sum;
    dweight[c] = channel_projection;
    sum += w * channel_sum;
    projection += w * channel_projection;
  }
  const std::int64_t count = shape.channels * shape.area;
  const float mean_of_sum = sum / static_cast<float>(count);
  const float mean_of_projection = projection / static_cast<float>(count);
  for (std::int64_t i = 0; i < count; ++i) {
    const float xhat = (x[i] - mean) * rstd;
    dx[i] = rstd * (dx[i] - mean_of_sum - xhat * mean_of_projection);
  }
}

}  // namespace nodulus::nn
