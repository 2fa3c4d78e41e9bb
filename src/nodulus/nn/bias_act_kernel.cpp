#include "nodulus/nn/bias_act_kernel.h"

#include <algorithm>

#include "nodulus/nn/multiversion.h"

namespace nodulus::nn {

NODULUS_MULTIVERSION
void bias_act_forward(const BiasActPlane& plane, const float* x, float* y) {
  const float up = plane.gain;
  const float down = plane.gain * plane.slope;
  if (plane.noise != nullptr) {
    for (std::int64_t i = 0; i < plane.pixels; ++i) {
      const float t = plane.scale * x[i] + plane.strength * plane.noise[i] + plane.bias;
      y[i] = t * (t > 0 ? up : down);
    }
  } else {
    for (std::int64_t i = 0; i < plane.pixels; ++i) {
      const float t = plane.scale * x[i] + plane.bias;
      y[i] = t * (t > 0 ? up : down);
    }
  }
  if (plane.clamp > 0)
    for (std::int64_t i = 0; i < plane.pixels; ++i) y[i] = std::clamp(y[i], -plane.clamp, plane.clamp);
}

NODULUS_MULTIVERSION
BiasActSums bias_act_backward(const BiasActPlane& plane, const float* x, const float* y, const float* dy, float* dx) {
  const float up = plane.gain;
  const float down = plane.gain * plane.slope;
  BiasActSums sums;
  for (std::int64_t i = 0; i < plane.pixels; ++i) dx[i] = dy[i] * (y[i] > 0 ? up : down);
  if (plane.clamp > 0)
    for (std::int64_t i = 0; i < plane.pixels; ++i) dx[i] = y[i] > -plane.clamp && y[i] < plane.clamp ? dx[i] : 0;
  for (std::int64_t i = 0; i < plane.pixels; ++i) sums.bias += dx[i];
  if (x != nullptr)
    for (std::int64_t i = 0; i < plane.pixels; ++i) sums.scale += dx[i] * x[i];
  if (plane.noise != nullptr)
    for (std::int64_t i = 0; i < plane.pixels; ++i) sums.strength += dx[i] * plane.noise[i];
  if (plane.scale != 1)
    for (std::int64_t i = 0; i < plane.pixels; ++i) dx[i] *= plane.scale;
  return sums;
}

}  // namespace nodulus::nn
