#pragma once

#include "nodulus/nn/fir_kernel.h"
#include "nodulus/nn/host_device.h"

/// fir() a pixel at a time: what a thread of the CUDA kernel does, and what the tests run on the CPU.
namespace nodulus::nn {

/// The taps that meet no zero between the pixels, along one axis: tap skip + up t meets pixel first + t, t < 4 / up.
struct FirReach {
  int first = 0;
  int skip = 0;
};

template <int up>
NODULUS_HOST_DEVICE inline FirReach fir_reach(int start) {
  const int skip = up == 2 ? start & 1 : 0;
  return {(start + skip) / up, skip};
}

/// Tap j of [1, 3, 3, 1].
NODULUS_HOST_DEVICE inline float fir_tap(int j) { return j == 0 || j == 3 ? 1.0F : 3.0F; }

/// y[row, column] from the plane x [plan.rows, plan.columns]; plan.up is `up`. Any plan.before.
template <int up, class T>
NODULUS_HOST_DEVICE inline float fir_point(const FirPlan& plan, const T* x, int row, int column) {
  const FirReach down = fir_reach<up>(row * plan.down - plan.before);
  const FirReach across = fir_reach<up>(column * plan.down - plan.before);
  const int rows = static_cast<int>(plan.rows);
  const int columns = static_cast<int>(plan.columns);
  float sum = 0;
  for (int s = 0; s < 4 / up; ++s) {
    const int r = down.first + s;
    if (r < 0 || r >= rows) continue;
    const T* const from = x + static_cast<std::int64_t>(r) * columns;
    float along = 0;
    for (int t = 0; t < 4 / up; ++t) {
      const int c = across.first + t;
      if (c >= 0 && c < columns) along += fir_tap(across.skip + up * t) * static_cast<float>(from[c]);
    }
    sum += fir_tap(down.skip + up * s) * along;
  }
  return sum * (plan.gain / 8) * (plan.gain / 8);
}

}  // namespace nodulus::nn
