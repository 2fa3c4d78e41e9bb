#include "nodulus/nn/bias_act_kernel.h"

#include <algorithm>

#include "nodulus/nn/multiversion.h"

namespace nodulus::nn {

NODULUS_MULTIVERSION
void bias_act_forward(const BiasActPlane& plane, const float* x, float* y) {
  const float up = plane.gain;
  const float down = plane.gain * plane.slope;
  const float limit = plane.clamp > 0 ? plane.clamp : 3e38F;
  if (plane.noise != nullptr) {
    for (std::int64_t i = 0; i < plane.pixels; ++i) {
      const float t = plane.scale * x[i] + plane.strength * plane.noise[i] + plane.bias;
      y[i] = std::clamp(t * (t > 0 ? up : down), -limit, limit);
    }
    return;
  }
  for (std::int64_t i = 0; i < plane.pixels; ++i) {
    const float t = plane.scale * x[i] + plane.bias;
    y[i] = std::clamp(t * (t > 0 ? up : down), -limit, limit);
  }
}

NODULUS_MULTIVERSION
BiasActSums bias_act_backward(const BiasActPlane& plane, const float* x, const float* y, const float* dy, float* dx) {
  const float up = plane.gain;
  const float down = plane.gain * plane.slope;
  const float limit = plane.clamp > 0 ? plane.clamp : 3e38F;
  BiasActSums sums;
  for (std::int64_t i = 0; i < plane.pixels; ++i) {
    const float inside = y[i] > -limit && y[i] < limit ? 1.0F : 0.0F;
    const float g = dy[i] * inside * (y[i] > 0 ? up : down);
    sums.bias += g;
    dx[i] = g;
  }
  if (x != nullptr)
    for (std::int64_t i = 0; i < plane.pixels; ++i) sums.scale += dx[i] * x[i];
  if (plane.noise != nullptr)
    for (std::int64_t i = 0; i < plane.pixels; ++i) sums.strength += dx[i] * plane.noise[i];
  if (plane.scale != 1)
    for (std::int64_t i = 0; i < plane.pixels; ++i) dx[i] *= plane.scale;
  return sums;
}

}  // namespace nodulus::nn
