#include "nodulus/train/adam_kernel.h"

#include <algorithm>
#include <cmath>

#include "nodulus/nn/multiversion.h"

namespace nodulus::train {

NODULUS_MULTIVERSION
void adam_step(const AdamStep& step, std::int64_t n, const float* __restrict gradient, float* __restrict parameter,
               float* __restrict first_moment, float* __restrict second_moment, float* __restrict average) {
  const AdamStep s = step;
  for (std::int64_t i = 0; i < n; ++i) {
    const float g = gradient[i] * s.gradient_scale;
    const float m = s.beta1 * first_moment[i] + s.complement1 * g;
    const float v = s.beta2 * second_moment[i] + s.complement2 * g * g;
    first_moment[i] = m;
    second_moment[i] = v;
    parameter[i] -= s.step_size * m / (std::sqrt(v) * s.inverse_correction + s.eps);
    if (average != nullptr) average[i] = s.ema_decay * average[i] + (1.0F - s.ema_decay) * parameter[i];
  }
}

NODULUS_MULTIVERSION
double sum_of_squares(std::int64_t n, const float* values) {
  constexpr std::int64_t block = 4096;  // floats within a block, double between: exact enough and vectorised
  constexpr int lanes = 16;
  double total = 0;
  for (std::int64_t begin = 0; begin < n; begin += block) {
    const std::int64_t end = std::min(begin + block, n);
    float partial[lanes] = {};
    std::int64_t i = begin;
    for (; i + lanes <= end; i += lanes)
      for (int k = 0; k < lanes; ++k) partial[k] += values[i + k] * values[i + k];
    for (; i < end; ++i) partial[0] += values[i] * values[i];
    for (const float p : partial) total += static_cast<double>(p);
  }
  return total;
}

}  // namespace nodulus::train
