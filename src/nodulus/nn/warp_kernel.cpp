#include "nodulus/nn/warp_kernel.h"

#include <algorithm>
#include <cmath>
#include <iterator>

#include "nodulus/nn/multiversion.h"

namespace nodulus::nn {
namespace {

constexpr std::int64_t taps = std::size(symlet6);
constexpr std::int64_t margin = 8;  // zeros at either end of a row: more than the filter reaches
// What enlarging and what bringing down shift the filter by: u[n] = 2 sum_k f[n + 5 - 2 k] x[k] and
// y[k] = sum_n f[n - 1 - 2 k] t[n].
constexpr std::int64_t enlarging = 5;
constexpr std::int64_t reducing = -1;

struct Sizes {
  std::int64_t padded_rows, padded_columns;    // with what is reflected
  std::int64_t large_rows, large_columns;      // twice that
  std::int64_t sampled_rows, sampled_columns;  // twice the image and its border
};

Sizes sizes_of(const WarpPlan& plan) {
  const std::int64_t rows = plan.rows + plan.top + plan.bottom;
  const std::int64_t columns = plan.columns + plan.left + plan.right;
  return {rows, columns, 2 * rows, 2 * columns, 2 * (plan.rows + warp_border), 2 * (plan.columns + warp_border)};
}

/// Index of what is reflected about both ends of [0, size): at most size - 1 beyond.
std::int64_t reflected(std::int64_t i, std::int64_t size) {
  if (i < 0) i = -i;
  return i < size ? i : 2 * (size - 1) - i;
}

/// out[n] = gain sum_k f[n + shift - 2 k] in[k], count outputs; `in` has zeros around.
NODULUS_MULTIVERSION
void up_row(const float* in, std::int64_t shift, float gain, std::int64_t count, float* out) {
  for (std::int64_t first = 0; first < 2; ++first) {
    const std::int64_t odd = (first + shift) & 1;
    const float* from = in + (first + shift - odd) / 2;
    float f[taps / 2];
    for (std::int64_t t = 0; t < taps / 2; ++t) f[t] = gain * symlet6[odd + 2 * t];
    const std::int64_t outputs = (count - first + 1) / 2;
    for (std::int64_t m = 0; m < outputs; ++m)
      out[2 * m + first] = f[0] * from[m] + f[1] * from[m - 1] + f[2] * from[m - 2] + f[3] * from[m - 3] +
                           f[4] * from[m - 4] + f[5] * from[m - 5];
  }
}

/// out[k] = gain sum_n f[n + shift - 2 k] in[n], count outputs; `in` has zeros around.
NODULUS_MULTIVERSION
void down_row(const float* in, std::int64_t shift, float gain, std::int64_t count, float* out) {
  for (std::int64_t k = 0; k < count; ++k) {
    const float* from = in + 2 * k - shift;
    float sum = 0;
    for (std::int64_t j = 0; j < taps; ++j) sum += symlet6[j] * from[j];
    out[k] = gain * sum;
  }
}

/// Row n of the enlarged plane from rows of the smaller, [rows, columns]: up_row() along the columns.
NODULUS_MULTIVERSION
void up_column(const float* in, std::int64_t rows, std::int64_t columns, std::int64_t shift, float gain, std::int64_t n,
               float* out) {
  const std::int64_t odd = (n + shift) & 1;
  const std::int64_t last = (n + shift - odd) / 2;
  std::fill(out, out + columns, 0.0F);
  for (std::int64_t t = 0; t < taps / 2; ++t) {
    if (last - t < 0 || last - t >= rows) continue;
    const float f = gain * symlet6[odd + 2 * t];
    const float* row = in + (last - t) * columns;
    for (std::int64_t c = 0; c < columns; ++c) out[c] += f * row[c];
  }
}

/// Row k of the smaller plane from rows of the larger, [rows, columns].
NODULUS_MULTIVERSION
void down_column(const float* in, std::int64_t rows, std::int64_t columns, std::int64_t shift, float gain,
                 std::int64_t k, float* out) {
  std::fill(out, out + columns, 0.0F);
  for (std::int64_t j = 0; j < taps; ++j) {
    const std::int64_t n = 2 * k - shift + j;
    if (n < 0 || n >= rows) continue;
    const float f = gain * symlet6[j];
    const float* row = in + n * columns;
    for (std::int64_t c = 0; c < columns; ++c) out[c] += f * row[c];
  }
}

/// Calls use(offset of the upper left pixel, weights of the four) for each sampled pixel; pixels outside the enlarged
/// plane are 0 and are left out by `inside`.
template <class Use>
void each_sample(const WarpPlan& plan, const Sizes& s, Use use) {
  for (std::int64_t row = 0; row < s.sampled_rows; ++row) {
    const double x0 = plan.map[1] * static_cast<double>(row) + plan.map[2];
    const double y0 = plan.map[4] * static_cast<double>(row) + plan.map[5];
    for (std::int64_t column = 0; column < s.sampled_columns; ++column) {
      const double x = plan.map[0] * static_cast<double>(column) + x0;
      const double y = plan.map[3] * static_cast<double>(column) + y0;
      if (!(x > -1 && y > -1 && x < static_cast<double>(s.large_columns) && y < static_cast<double>(s.large_rows)))
        continue;
      const double left = std::floor(x);
      const double top = std::floor(y);
      const auto fx = static_cast<float>(x - left);
      const auto fy = static_cast<float>(y - top);
      // The enlarged plane has a border of one zero pixel.
      const std::int64_t at =
          (static_cast<std::int64_t>(top) + 1) * (s.large_columns + 2) + static_cast<std::int64_t>(left) + 1;
      use(row * s.sampled_columns + column, at, fx, fy);
    }
  }
}

/// Parts of the scratch memory.
struct Scratch {
  float* row;      // one row with margins
  float* narrow;   // [padded rows or sampled rows, large columns or columns]
  float* large;    // [large rows + 2, large columns + 2]
  float* sampled;  // [sampled rows, sampled columns]
};

std::int64_t warp_row_floats(const Sizes& s) { return std::max(s.large_columns, s.sampled_columns) + 2 * margin; }
std::int64_t narrow_floats(const WarpPlan& plan, const Sizes& s) {
  return std::max(s.padded_rows * s.large_columns, s.sampled_rows * plan.columns);
}
std::int64_t large_floats(const Sizes& s) { return (s.large_rows + 2) * (s.large_columns + 2); }

Scratch parts_of(const WarpPlan& plan, const Sizes& s, float* scratch) {
  float* const narrow = scratch + warp_row_floats(s);
  float* const large = narrow + narrow_floats(plan, s);
  return {scratch, narrow, large, large + large_floats(s)};
}

}  // namespace

std::int64_t warp_scratch(const WarpPlan& plan) {
  const Sizes s = sizes_of(plan);
  return warp_row_floats(s) + narrow_floats(plan, s) + large_floats(s) + s.sampled_rows * s.sampled_columns +
         std::max(s.large_columns, s.sampled_columns);
}

void warp_plane(const WarpPlan& plan, const float* x, float* y, float* scratch) {
  const Sizes s = sizes_of(plan);
  const Scratch part = parts_of(plan, s, scratch);
  std::fill(part.row, part.row + warp_row_floats(s), 0.0F);
  for (std::int64_t row = 0; row < s.padded_rows; ++row) {
    const float* from = x + reflected(row - plan.top, plan.rows) * plan.columns;
    for (std::int64_t column = 0; column < s.padded_columns; ++column)
      part.row[margin + column] = from[reflected(column - plan.left, plan.columns)];
    up_row(part.row + margin, enlarging, 2, s.large_columns, part.narrow + row * s.large_columns);
  }
  const std::int64_t stride = s.large_columns + 2;
  std::fill(part.large, part.large + large_floats(s), 0.0F);
  for (std::int64_t n = 0; n < s.large_rows; ++n)
    up_column(part.narrow, s.padded_rows, s.large_columns, enlarging, 2, n, part.large + (n + 1) * stride + 1);
  std::fill(part.sampled, part.sampled + s.sampled_rows * s.sampled_columns, 0.0F);
  each_sample(plan, s, [&](std::int64_t to, std::int64_t at, float fx, float fy) {
    const float* p = part.large + at;
    const float upper = p[0] + fx * (p[1] - p[0]);
    const float lower = p[stride] + fx * (p[stride + 1] - p[stride]);
    part.sampled[to] = upper + fy * (lower - upper);
  });
  std::fill(part.row, part.row + warp_row_floats(s), 0.0F);
  for (std::int64_t row = 0; row < s.sampled_rows; ++row) {
    std::copy_n(part.sampled + row * s.sampled_columns, s.sampled_columns, part.row + margin);
    down_row(part.row + margin, reducing, 1, plan.columns, part.narrow + row * plan.columns);
  }
  for (std::int64_t k = 0; k < plan.rows; ++k)
    down_column(part.narrow, s.sampled_rows, plan.columns, reducing, 1, k, y + k * plan.columns);
}

void warp_plane_transposed(const WarpPlan& plan, const float* dy, float* dx, float* scratch) {
  const Sizes s = sizes_of(plan);
  const Scratch part = parts_of(plan, s, scratch);
  for (std::int64_t n = 0; n < s.sampled_rows; ++n)
    up_column(dy, plan.rows, plan.columns, reducing, 1, n, part.narrow + n * plan.columns);
  std::fill(part.row, part.row + warp_row_floats(s), 0.0F);
  for (std::int64_t row = 0; row < s.sampled_rows; ++row) {
    std::copy_n(part.narrow + row * plan.columns, plan.columns, part.row + margin);
    up_row(part.row + margin, reducing, 1, s.sampled_columns, part.sampled + row * s.sampled_columns);
  }
  const std::int64_t stride = s.large_columns + 2;
  std::fill(part.large, part.large + large_floats(s), 0.0F);
  each_sample(plan, s, [&](std::int64_t to, std::int64_t at, float fx, float fy) {
    float* p = part.large + at;
    const float d = part.sampled[to];
    p[0] += (1 - fx) * (1 - fy) * d;
    p[1] += fx * (1 - fy) * d;
    p[stride] += (1 - fx) * fy * d;
    p[stride + 1] += fx * fy * d;
  });
  // Without the border, which is 0 in the other direction.
  for (std::int64_t row = 0; row < s.large_rows; ++row)
    std::copy_n(part.large + (row + 1) * stride + 1, s.large_columns, part.large + row * s.large_columns);
  for (std::int64_t k = 0; k < s.padded_rows; ++k)
    down_column(part.large, s.large_rows, s.large_columns, enlarging, 2, k, part.narrow + k * s.large_columns);
  std::fill(part.row, part.row + warp_row_floats(s), 0.0F);
  std::fill(dx, dx + plan.rows * plan.columns, 0.0F);
  float* const padded = part.sampled + s.sampled_rows * s.sampled_columns;
  for (std::int64_t row = 0; row < s.padded_rows; ++row) {
    std::copy_n(part.narrow + row * s.large_columns, s.large_columns, part.row + margin);
    down_row(part.row + margin, enlarging, 2, s.padded_columns, padded);
    float* to = dx + reflected(row - plan.top, plan.rows) * plan.columns;
    for (std::int64_t column = 0; column < s.padded_columns; ++column)
      to[reflected(column - plan.left, plan.columns)] += padded[column];
  }
}

}  // namespace nodulus::nn
