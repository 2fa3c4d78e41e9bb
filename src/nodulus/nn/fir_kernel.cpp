#include "nodulus/nn/fir_kernel.h"

#include <algorithm>

#include "nodulus/nn/multiversion.h"

namespace nodulus::nn {
namespace {

constexpr std::int64_t border = 4;  // zeros at either end of a row: as far as the filter reaches

}  // namespace

std::int64_t fir_scratch_size(const FirPlan& plan) { return 2 * plan.columns + 2 * border; }

NODULUS_MULTIVERSION
void fir_plane(const FirPlan& plan, const float* x, float* y, float* scratch) {
  const float outer = plan.gain / 8;
  const float inner = 3 * outer;
  const std::int64_t columns = plan.columns;
  std::fill_n(scratch, fir_scratch_size(plan), 0.0F);
  const float* const outside = scratch;           // a row of zeros
  float* const row = scratch + columns + border;  // what the filter along the columns gives
  const std::int64_t beyond = plan.before - 2;    // pixels that an enlarged plane has on each side
  const std::int64_t count = plan.out_columns;
  auto row_at = [&](std::int64_t i) { return i >= 0 && i < plan.rows ? x + i * columns : outside; };
  for (std::int64_t n = 0; n < plan.out_rows; ++n, y += count) {
    const std::int64_t first = n * plan.down - plan.before;
    if (plan.up == 2) {
      // Every other pixel of the spread-out plane is 0: two of the four taps remain.
      const std::int64_t odd = first & 1;
      const float* const a = row_at((first + odd) / 2);
      const float* const b = row_at((first + odd) / 2 + 1);
      const float weight_a = odd != 0 ? inner : outer;
      const float weight_b = odd != 0 ? outer : inner;
      for (std::int64_t c = 0; c < columns; ++c) row[c] = weight_a * a[c] + weight_b * b[c];
      if (beyond > 0) {
        y[0] = outer * row[0];
        y[count - 1] = outer * row[columns - 1];
      }
      float* const out = y + beyond;
      for (std::int64_t c = 0; c < columns; ++c) {
        out[2 * c] = outer * row[c - 1] + inner * row[c];
        out[2 * c + 1] = inner * row[c] + outer * row[c + 1];
      }
      continue;
    }
    const float* const a = row_at(first);
    const float* const b = row_at(first + 1);
    const float* const c = row_at(first + 2);
    const float* const d = row_at(first + 3);
    for (std::int64_t i = 0; i < columns; ++i) row[i] = outer * (a[i] + d[i]) + inner * (b[i] + c[i]);
    const float* const in = row - plan.before;
    if (plan.down == 2) {
      for (std::int64_t i = 0; i < count; ++i)
        y[i] = outer * (in[2 * i] + in[2 * i + 3]) + inner * (in[2 * i + 1] + in[2 * i + 2]);
    } else {
      for (std::int64_t i = 0; i < count; ++i) y[i] = outer * (in[i] + in[i + 3]) + inner * (in[i + 1] + in[i + 2]);
    }
  }
}

}  // namespace nodulus::nn
