#pragma once

#include <cstdint>

namespace nodulus::train {

/// The numbers of one Adam step that all elements share.
struct AdamStep {
  float gradient_scale = 1;  ///< What the gradient is multiplied by first: clipping.
  float beta1 = 0.9F;
  float beta2 = 0.999F;
  float complement1 = 0.1F;      ///< 1 - beta1, rounded once: 1 - float(0.999) is off by 1e-5 of itself.
  float complement2 = 0.001F;    ///< 1 - beta2
  float step_size = 0;           ///< learning rate / (1 - beta1^t)
  float inverse_correction = 1;  ///< 1 / sqrt(1 - beta2^t)
  float eps = 1e-8F;
  float ema_decay = 0;
};

/// Adam and the moving average of the weights, one pass over memory for n elements. `average` may be null: none.
void adam_step(const AdamStep& step, std::int64_t n, const float* gradient, float* parameter, float* first_moment,
               float* second_moment, float* average);

/// Sum of squares of n elements.
double sum_of_squares(std::int64_t n, const float* values);

}  // namespace nodulus::train
