#include "nodulus/nn/winograd_kernel.h"

#include <algorithm>

#include "nodulus/nn/avx2_products.h"
#include "nodulus/nn/winograd_transforms.h"

namespace nodulus::nn {
namespace {

constexpr std::int64_t wide_block = most_run;  // tiles of a block, where an image has a multiple of them
constexpr std::int64_t narrow = 16;            // tiles of a block elsewhere, and of a product: two vectors

/// Calls work(run) for the runs of the tiles [first, first + count) of an image.
template <class Work>
void each_run(const ConvShape& shape, std::int64_t first, std::int64_t count, Work work) {
  const std::int64_t a_row = shape.width / 4;
  for (std::int64_t done = 0; done < count;) {
    const std::int64_t tile = first + done;
    const std::int64_t column = tile % a_row;
    const std::int64_t n = std::min({a_row - column, count - done, most_run});
    work(TileRun{tile / a_row, column, n, done});
    done += n;
  }
}

/// M = U V at one point: v [in][tiles], m [out][tiles]; tiles a multiple of 16.
NODULUS_AVX2 void multiply(const ConvShape& shape, const float* u, const float* v, std::int64_t tiles, float* m) {
  for (std::int64_t t = 0; t < tiles; t += product_columns)
    multiply_columns(shape.out, shape.in, 0, shape.in, u, v + t, tiles, false, m + t, tiles);
}

/// 8x8 numbers turned about their diagonal: from [8][from_stride] to [8][to_stride].
NODULUS_AVX2 void transpose8(const float* from, std::int64_t from_stride, float* to, std::int64_t to_stride) {
  Vector pairs[8];  // rows 2i and 2i + 1 interleaved: the lower, then the upper numbers of each half
  for (int i = 0; i < 4; ++i) {
    const Vector a = *reinterpret_cast<const Lanes*>(from + 2 * i * from_stride);
    const Vector b = *reinterpret_cast<const Lanes*>(from + (2 * i + 1) * from_stride);
    pairs[2 * i] = __builtin_shufflevector(a, b, 0, 8, 1, 9, 4, 12, 5, 13);
    pairs[2 * i + 1] = __builtin_shufflevector(a, b, 2, 10, 3, 11, 6, 14, 7, 15);
  }
  Vector fours[8];  // rows 4h to 4h + 3 of column k, and of column k + 4 in the upper half
  for (int h = 0; h < 2; ++h) {
    for (int k = 0; k < 2; ++k) {
      const Vector a = pairs[4 * h + k];
      const Vector b = pairs[4 * h + 2 + k];
      fours[4 * h + 2 * k] = __builtin_shufflevector(a, b, 0, 1, 8, 9, 4, 5, 12, 13);
      fours[4 * h + 2 * k + 1] = __builtin_shufflevector(a, b, 2, 3, 10, 11, 6, 7, 14, 15);
    }
  }
  for (int k = 0; k < 4; ++k) {
    *reinterpret_cast<Lanes*>(to + k * to_stride) =
        __builtin_shufflevector(fours[k], fours[4 + k], 0, 1, 2, 3, 8, 9, 10, 11);
    *reinterpret_cast<Lanes*>(to + (k + 4) * to_stride) =
        __builtin_shufflevector(fours[k], fours[4 + k], 4, 5, 6, 7, 12, 13, 14, 15);
  }
}

/// dU += dM V^T at one point: dm [out][tiles], v [in][tiles], du [out][in]; turned [tiles][in] is overwritten.
NODULUS_AVX2 void multiply_transposed(const ConvShape& shape, const float* dm, const float* v, std::int64_t tiles,
                                      float* turned, float* du) {
  for (std::int64_t in = 0; in < shape.in; in += lanes)
    for (std::int64_t t = 0; t < tiles; t += lanes)
      transpose8(v + in * tiles + t, tiles, turned + t * shape.in + in, shape.in);
  PartedProduct product;
  product.left_stride = tiles;
  product.right_stride = product.to_stride = shape.in;
  std::int64_t in = 0;
  for (; in + product_columns <= shape.in; in += product_columns)
    add_product_rows<2>(product, shape.out, tiles, tiles, dm, turned + in, du + in);
  if (in < shape.in) add_product_rows<1>(product, shape.out, tiles, tiles, dm, turned + in, du + in);
}

std::int64_t tiles_of(const ConvShape& shape) { return shape.height * shape.width / 16; }
std::int64_t tiles_of_block(const ConvShape& shape) { return tiles_of(shape) % wide_block == 0 ? wide_block : narrow; }

/// Floats from one point to the next. The odd cache line at the end keeps the 36 points of a tile, which are written
/// one after the other, out of each other's way: with a power of two they would share a few places of the cache.
std::int64_t point_stride_of(std::int64_t channels, std::int64_t tiles) { return channels * tiles + 16; }

}  // namespace

bool has_winograd(const ConvShape& shape) {
  return has_avx2() && shape.images > 0 && shape.height % 4 == 0 && shape.width % 4 == 0 && tiles_of(shape) > 0 &&
         tiles_of(shape) % narrow == 0 && shape.in > 0 && shape.in % 8 == 0 && shape.out > 0 && shape.out % 8 == 0;
}

std::int64_t winograd_blocks(const ConvShape& shape) { return tiles_of(shape) / tiles_of_block(shape); }

std::int64_t winograd_scratch(const ConvShape& shape) {
  const std::int64_t tiles = tiles_of_block(shape);
  return winograd_points * (point_stride_of(shape.in, tiles) + point_stride_of(shape.out, tiles));
}

void winograd_block(const ConvShape& shape, const float* filters, const float* bias, std::int64_t block, const float* x,
                    float* y, float* scratch) {
  const std::int64_t tiles = tiles_of_block(shape);
  const std::int64_t image = block / winograd_blocks(shape);
  const std::int64_t first = block % winograd_blocks(shape) * tiles;
  const std::int64_t plane = shape.height * shape.width;
  const std::int64_t v_stride = point_stride_of(shape.in, tiles);
  const std::int64_t m_stride = point_stride_of(shape.out, tiles);
  float* const v = scratch;
  float* const m = scratch + winograd_points * v_stride;
  each_run(shape, first, tiles, [&](const TileRun& run) {
    for (std::int64_t in = 0; in < shape.in; ++in)
      transform_image(shape, x + (image * shape.in + in) * plane, run, v + in * tiles + run.offset, v_stride);
  });
  for (std::int64_t f = 0; f < winograd_points; ++f)
    multiply(shape, filters + f * shape.out * shape.in, v + f * v_stride, tiles, m + f * m_stride);
  each_run(shape, first, tiles, [&](const TileRun& run) {
    for (std::int64_t out = 0; out < shape.out; ++out)
      transform_output(shape, m + out * tiles + run.offset, m_stride, bias != nullptr ? bias[out] : 0, run,
                       y + (image * shape.out + out) * plane);
  });
}

std::int64_t winograd_gradient_scratch(const ConvShape& shape) {
  return winograd_scratch(shape) + shape.in * tiles_of_block(shape);
}

void winograd_gradient_block(const ConvShape& shape, std::int64_t block, const float* x, const float* dy,
                             float* dfilters, float* scratch) {
  const std::int64_t tiles = tiles_of_block(shape);
  const std::int64_t image = block / winograd_blocks(shape);
  const std::int64_t first = block % winograd_blocks(shape) * tiles;
  const std::int64_t plane = shape.height * shape.width;
  const std::int64_t v_stride = point_stride_of(shape.in, tiles);
  const std::int64_t dm_stride = point_stride_of(shape.out, tiles);
  float* const v = scratch;
  float* const dm = scratch + winograd_points * v_stride;
  float* const turned = dm + winograd_points * dm_stride;
  each_run(shape, first, tiles, [&](const TileRun& run) {
    for (std::int64_t in = 0; in < shape.in; ++in)
      transform_image(shape, x + (image * shape.in + in) * plane, run, v + in * tiles + run.offset, v_stride);
    for (std::int64_t out = 0; out < shape.out; ++out)
      transform_gradient(shape, dy + (image * shape.out + out) * plane, run, dm + out * tiles + run.offset, dm_stride);
  });
  for (std::int64_t f = 0; f < winograd_points; ++f)
    multiply_transposed(shape, dm + f * dm_stride, v + f * v_stride, tiles, turned,
                        dfilters + f * shape.out * shape.in);
}

}  // namespace nodulus::nn
