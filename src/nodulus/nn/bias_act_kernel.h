#pragma once

#include <cstdint>

namespace nodulus::nn {

/// One plane of a bias and activation: y = clamp(gain lrelu(scale x + strength noise + bias)).
struct BiasActPlane {
  std::int64_t pixels = 0;
  float scale = 1;
  float bias = 0;
  float strength = 0;
  const float* noise = nullptr;  ///< [pixels], or null for none.
  float slope = 1;               ///< For negative numbers; 1 for no activation.
  float gain = 1;                ///< > 0
  float clamp = 0;               ///< Largest magnitude of y; 0: no limit.
};

void bias_act_forward(const BiasActPlane& plane, const float* x, float* y);

/// dL/dbias, dL/dscale and dL/dstrength of one plane.
struct BiasActSums {
  float bias = 0;
  float scale = 0;
  float strength = 0;
};

/// dx from dy, both [pixels], and the plane's sums. x may be null where scale's gradient is not wanted.
BiasActSums bias_act_backward(const BiasActPlane& plane, const float* x, const float* y, const float* dy, float* dx);

}  // namespace nodulus::nn
