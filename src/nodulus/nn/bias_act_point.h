#pragma once

#include "nodulus/nn/bias_act_kernel.h"
#include "nodulus/nn/host_device.h"

/// bias_act() a pixel at a time: what a thread of the CUDA kernels does, and what the tests run on the CPU. T is float
/// or a type of bfloat16; all sums are of floats.
namespace nodulus::nn {

/// [images, channels] planes with their terms; a term that is null is absent.
struct BiasActBatch {
  std::int64_t images = 0;
  std::int64_t channels = 0;
  std::int64_t pixels = 0;          ///< Of one plane.
  const float* scale = nullptr;     ///< [images, channels]
  const float* noise = nullptr;     ///< [images, pixels], or [pixels] for all images.
  const float* strength = nullptr;  ///< One number; absent: 1.
  const float* bias = nullptr;      ///< [channels]
  bool has_noise_per_image = false;
  float slope = 1;
  float gain = 1;
  float clamp = 0;
};

/// The terms of plane i of [images, channels].
NODULUS_HOST_DEVICE inline BiasActPlane bias_act_plane(const BiasActBatch& batch, std::int64_t i) {
  BiasActPlane plane;
  plane.pixels = batch.pixels;
  plane.slope = batch.slope;
  plane.gain = batch.gain;
  plane.clamp = batch.clamp;
  if (batch.scale != nullptr) plane.scale = batch.scale[i];
  if (batch.bias != nullptr) plane.bias = batch.bias[i % batch.channels];
  if (batch.noise != nullptr) {
    plane.noise = batch.noise + (batch.has_noise_per_image ? i / batch.channels * batch.pixels : 0);
    plane.strength = batch.strength != nullptr ? *batch.strength : 1;
  }
  return plane;
}

/// y[i] from x[i]. What is not a number stays that.
template <class T>
NODULUS_HOST_DEVICE inline void bias_act_point(const BiasActPlane& plane, const T* x, T* y, std::int64_t i) {
  float t = plane.scale * static_cast<float>(x[i]) + plane.bias;
  if (plane.noise != nullptr) t += plane.strength * plane.noise[i];
  t *= t > 0 ? plane.gain : plane.gain * plane.slope;
  if (plane.clamp > 0 && t > plane.clamp) t = plane.clamp;
  if (plane.clamp > 0 && t < -plane.clamp) t = -plane.clamp;
  y[i] = static_cast<T>(t);
}

/// dx[i] from y[i] and dy[i], and the pixel's share of the plane's sums. x is null where the scale is absent.
template <class T>
NODULUS_HOST_DEVICE inline void bias_act_point_backward(const BiasActPlane& plane, const T* x, const T* y, const T* dy,
                                                        T* dx, std::int64_t i, BiasActSums& sums) {
  const auto value = static_cast<float>(y[i]);
  const float slope = value > 0 ? plane.gain : plane.gain * plane.slope;
  const bool passes = plane.clamp <= 0 || (value > -plane.clamp && value < plane.clamp);
  const float passed = passes ? static_cast<float>(dy[i]) * slope : 0.0F;
  sums.bias += passed;
  if (x != nullptr) sums.scale += passed * static_cast<float>(x[i]);
  if (plane.noise != nullptr) sums.strength += passed * plane.noise[i];
  dx[i] = static_cast<T>(passed * plane.scale);
}

}  // namespace nodulus::nn
