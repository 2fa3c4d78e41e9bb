#include "nodulus/nn/max_pool_kernel.h"

#include <algorithm>

#include "nodulus/nn/multiversion.h"

namespace nodulus::nn {

NODULUS_MULTIVERSION
void max_pool_relu_plane(const MaxPoolPlan& plan, const float* x, float* y, float* scratch) {
  const std::int64_t columns = plan.columns;
  const std::int64_t count = plan.out_columns();
  scratch[columns] = 0;  // what lies right of the edge, as far as ReLU can tell
  for (std::int64_t i = 0; i < plan.out_rows(); ++i, y += count) {
    const float* const a = x + 2 * i * columns;
    const float* const b = a + columns;
    const float* const c = 2 * i + 2 < plan.rows ? b + columns : b;
    for (std::int64_t k = 0; k < columns; ++k) scratch[k] = std::max(0.0F, std::max(a[k], std::max(b[k], c[k])));
    for (std::int64_t k = 0; k < count; ++k)
      y[k] = std::max(scratch[2 * k], std::max(scratch[2 * k + 1], scratch[2 * k + 2]));
  }
}

}  // namespace nodulus::nn
