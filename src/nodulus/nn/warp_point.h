#pragma once

#include <cmath>

#include "nodulus/nn/host_device.h"
#include "nodulus/nn/warp_kernel.h"

/// warp() a pixel at a time: what a thread of the CUDA kernels does, and what the tests run on the CPU.
///
/// Along each axis the bilinear mix of enlarged pixels n and n + 1 is a weighted sum of 7 padded pixels, as each of the
/// two is one of 6, u[n] = 2 sum_k f[n + 5 - 2 k] x[k]: so a sample is gathered from 7 x 7 pixels of the image, and
/// neither the padded nor the enlarged plane is made.
namespace nodulus::nn {

constexpr int warp_reach = 7;
constexpr int warp_taps = 12;

/// Of a sample along one axis: what pixels of the image it is made of, and how much of each. Pixels beyond what is
/// reflected, and enlarged pixels beyond the enlarged plane, count for nothing.
struct WarpReach {
  int pixel[warp_reach];
  float weight[warp_reach];
};

/// Tap i of the symlet, 0 outside.
NODULUS_HOST_DEVICE inline float warp_tap(int i) {
  constexpr float taps[warp_taps] = {symlet6[0], symlet6[1], symlet6[2], symlet6[3], symlet6[4],  symlet6[5],
                                     symlet6[6], symlet6[7], symlet6[8], symlet6[9], symlet6[10], symlet6[11]};
  return i >= 0 && i < warp_taps ? taps[i] : 0.0F;
}

/// The reach of position `at` of the enlarged axis of an image's `size` pixels, with `before` and `after` reflected.
/// -1 < at < 2 (size + before + after).
NODULUS_HOST_DEVICE inline WarpReach warp_reach_of(double at, int size, int before, int after) {
  const int padded = size + before + after;
  const double low = std::floor(at);
  const int n = static_cast<int>(low);
  const auto part = static_cast<float>(at - low);
  const float here = n >= 0 ? 2 * (1 - part) : 0.0F;        // of enlarged pixel n,
  const float next = n + 1 < 2 * padded ? 2 * part : 0.0F;  // and of n + 1
  const int odd = n & 1;
  const int first = (n - odd) / 2 - 3;
  WarpReach reach;
  for (int s = 0; s < warp_reach; ++s) {
    // f[n + 5 - 2 k] and f[n + 6 - 2 k] with k = first + s
    const float weight = here * (odd != 0 ? warp_tap(12 - 2 * s) : warp_tap(11 - 2 * s)) +
                         next * (odd != 0 ? warp_tap(13 - 2 * s) : warp_tap(12 - 2 * s));
    const int k = first + s;
    const bool inside = k >= 0 && k < padded;
    int pixel = k - before;
    if (pixel < 0) pixel = -pixel;
    if (pixel >= size) pixel = 2 * (size - 1) - pixel;
    reach.pixel[s] = inside ? pixel : 0;
    reach.weight[s] = inside ? weight : 0.0F;
  }
  return reach;
}

/// Both axes of what is sampled at [row, column].
struct WarpSample {
  bool inside = false;  ///< false: it lies beyond the enlarged plane and is 0.
  WarpReach rows;
  WarpReach columns;
};

NODULUS_HOST_DEVICE inline WarpSample warp_sample_of(const WarpPlan& plan, int row, int column) {
  const double x = plan.map[0] * column + (plan.map[1] * row + plan.map[2]);
  const double y = plan.map[3] * column + (plan.map[4] * row + plan.map[5]);
  const auto width = static_cast<double>(2 * (plan.columns + plan.left + plan.right));
  const auto height = static_cast<double>(2 * (plan.rows + plan.top + plan.bottom));
  WarpSample sample;
  sample.inside = x > -1 && y > -1 && x < width && y < height;
  if (!sample.inside) return sample;
  sample.rows =
      warp_reach_of(y, static_cast<int>(plan.rows), static_cast<int>(plan.top), static_cast<int>(plan.bottom));
  sample.columns =
      warp_reach_of(x, static_cast<int>(plan.columns), static_cast<int>(plan.left), static_cast<int>(plan.right));
  return sample;
}

/// What is sampled of the plane x [plan.rows, plan.columns] at [row, column], both below twice the image and its
/// border.
NODULUS_HOST_DEVICE inline float warp_gather(const WarpPlan& plan, const float* x, int row, int column) {
  const WarpSample sample = warp_sample_of(plan, row, column);
  if (!sample.inside) return 0;
  float sum = 0;
  for (int r = 0; r < warp_reach; ++r) {
    const float* const from = x + sample.rows.pixel[r] * plan.columns;
    float along = 0;
    for (int c = 0; c < warp_reach; ++c) along += sample.columns.weight[c] * from[sample.columns.pixel[c]];
    sum += sample.rows.weight[r] * along;
  }
  return sum;
}

/// The transpose of warp_gather(): `value`, dL/d(the sample), is added to dx [plan.rows, plan.columns].
NODULUS_HOST_DEVICE inline void warp_scatter(const WarpPlan& plan, float value, int row, int column, float* dx) {
  const WarpSample sample = warp_sample_of(plan, row, column);
  if (!sample.inside) return;
  for (int r = 0; r < warp_reach; ++r) {
    float* const to = dx + sample.rows.pixel[r] * plan.columns;
    const float part = sample.rows.weight[r] * value;
    for (int c = 0; c < warp_reach; ++c) add_to(to + sample.columns.pixel[c], sample.columns.weight[c] * part);
  }
}

/// Bringing down along one axis, y[k] = sum_n f[n - 1 - 2 k] t[n]: from t's pixel 2 k + 1 on, which lie `step` floats
/// apart. With their border the samples have 12 for each k of the image.
NODULUS_HOST_DEVICE inline float warp_reduce(const float* t, int step) {
  float sum = 0;
  for (int j = 0; j < warp_taps; ++j) sum += warp_tap(j) * t[j * step];
  return sum;
}

/// The transpose of bringing down, along both axes: dL/d(the sample at [row, column]) from dy [plan.rows,
/// plan.columns].
NODULUS_HOST_DEVICE inline float warp_reduce_transposed(const WarpPlan& plan, const float* dy, int row, int column) {
  // The last pixel that a sample n is brought down to is (n - 1) / 2, rounded down, by tap 0 or 1.
  const int odd_row = (row - 1) & 1;
  const int odd_column = (column - 1) & 1;
  const int last_row = (row - 1 - odd_row) / 2;
  const int last_column = (column - 1 - odd_column) / 2;
  float sum = 0;
  for (int s = 0; s < warp_taps / 2; ++s) {
    const int r = last_row - s;
    if (r < 0 || r >= plan.rows) continue;
    const float* const from = dy + r * plan.columns;
    float along = 0;
    for (int t = 0; t < warp_taps / 2; ++t) {
      const int c = last_column - t;
      if (c < 0 || c >= plan.columns) continue;
      along += (odd_column != 0 ? warp_tap(2 * t + 1) : warp_tap(2 * t)) * from[c];
    }
    sum += (odd_row != 0 ? warp_tap(2 * s + 1) : warp_tap(2 * s)) * along;
  }
  return sum;
}

}  // namespace nodulus::nn
