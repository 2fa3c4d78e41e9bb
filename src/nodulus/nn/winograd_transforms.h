#pragma once

#include <cstdint>

#include "nodulus/nn/conv_weight_gradient_kernel.h"

namespace nodulus::nn {

// Into the space where a 3x3 convolution is 36 products of matrices, and back: F(4x4, 3x3) of Lavin & Gray 2016,
// section 4.3. winograd_kernel.h has the layouts. For processors with AVX2 only.

constexpr std::int64_t most_run = 32;  ///< Tiles of one row that are transformed together.

/// Consecutive tiles of one row of tiles.
struct TileRun {
  std::int64_t row;     // of tiles
  std::int64_t column;  // of the first tile
  std::int64_t count;
  std::int64_t offset;  // of the first tile in its block
};

/// V = B^T d B for the tiles of a run in one channel, d the tile with a border of one pixel. `v` points at the run's
/// first tile in the channel at f = 0; points are `point_stride` apart.
void transform_image(const ConvShape& shape, const float* plane, const TileRun& run, float* v,
                     std::int64_t point_stride);

/// The tiles' outputs, A^T M A plus bias. `m` points at the run's first tile in the channel at f = 0.
void transform_output(const ConvShape& shape, const float* m, std::int64_t point_stride, float bias, const TileRun& run,
                      float* plane);

/// dM = A dy A^T, the transpose of transform_output(), for the tiles of a run in one channel.
void transform_gradient(const ConvShape& shape, const float* plane, const TileRun& run, float* m,
                        std::int64_t point_stride);

/// weight [out, in, 3, 3] -> U. `transposed`: for the gradient of x, a convolution of dy with the filters turned about
/// and `in` and `out` exchanged; `shape` is then that convolution's, so weight is [shape.in, shape.out, 3, 3].
/// Group `group` of row_groups(shape.out) (avx2_products.h) alone.
void winograd_filters(const ConvShape& shape, const float* weight, bool transposed, std::int64_t group, float* filters);

/// dL/dU -> dL/dweight [out, in, 3, 3], output channels [first, last) alone.
void winograd_weight_gradient(const ConvShape& shape, const float* dfilters, std::int64_t first, std::int64_t last,
                              float* dweight);

}  // namespace nodulus::nn
