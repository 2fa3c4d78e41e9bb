#include "nodulus/nn/winograd_kernel.h"

#include <algorithm>

namespace nodulus::nn {
namespace {

#if defined(__x86_64__) && defined(__GNUC__)
#define NODULUS_AVX2 __attribute__((target("avx2,fma")))
#else
#define NODULUS_AVX2
#endif

constexpr std::int64_t lanes = 8;
constexpr std::int64_t wide_block = 32;        // tiles of a block, where an image has a multiple of them
constexpr std::int64_t narrow = 16;            // tiles of a block elsewhere, and of a product: two vectors
constexpr std::int64_t out_block = 4;          // output channels of a product
constexpr std::int64_t most_run = wide_block;  // tiles of one row that are transformed together

using Vector [[gnu::vector_size(lanes * sizeof(float))]] = float;
using Lanes [[gnu::aligned(sizeof(float)), gnu::may_alias]] = Vector;  // loads from any float's address

/// Consecutive tiles of one row of tiles.
struct Run {
  std::int64_t row;     // of tiles
  std::int64_t column;  // of the first tile
  std::int64_t count;
  std::int64_t offset;  // of the first tile in its block
};

/// Calls work(run) for the runs of the tiles [first, first + count) of an image.
template <class Work>
void each_run(const ConvShape& shape, std::int64_t first, std::int64_t count, Work work) {
  const std::int64_t a_row = shape.width / 4;
  for (std::int64_t done = 0; done < count;) {
    const std::int64_t tile = first + done;
    const std::int64_t column = tile % a_row;
    const std::int64_t n = std::min({a_row - column, count - done, most_run});
    work(Run{tile / a_row, column, n, done});
    done += n;
  }
}

/// A row of pixels taken apart into its columns 0 to 3 of each tile, [4][most_run + 2]: tile t at t + 1, so that the
/// tiles to the left and right have a place.
constexpr std::int64_t phase_stride = most_run + 2;
constexpr std::int64_t row_floats = 4 * phase_stride;

NODULUS_AVX2 void take_apart(const float* row, std::int64_t width, const Run& run, float* __restrict phases) {
  const float* from = row + 4 * run.column;
  for (std::int64_t t = 0; t < run.count; ++t)
    for (std::int64_t p = 0; p < 4; ++p) phases[p * phase_stride + t + 1] = from[4 * t + p];
  const std::int64_t end = 4 * (run.column + run.count);
  for (std::int64_t p = 0; p < 4; ++p) phases[p * phase_stride] = phases[p * phase_stride + run.count + 1] = 0;
  if (run.column > 0) phases[3 * phase_stride] = from[-1];
  if (end < width) phases[run.count + 1] = row[end];
}

/// V = B^T d B for the tiles of a run in one channel, d the tile with a border of one pixel. `v` points at the run's
/// first tile in the channel at f = 0; points are `point_stride` apart.
NODULUS_AVX2 void transform_image(const ConvShape& shape, const float* plane, const Run& run, float* v,
                                  std::int64_t point_stride) {
  float d[6][row_floats];
  for (std::int64_t i = 0; i < 6; ++i) {
    const std::int64_t y = 4 * run.row - 1 + i;
    if (y < 0 || y >= shape.height) {
      std::fill(d[i], d[i] + row_floats, 0.0F);
    } else {
      take_apart(plane + y * shape.width, shape.width, run, d[i]);
    }
  }
  float e[6][row_floats];
  for (std::int64_t p = 0; p < 4; ++p) {
    const std::int64_t at = p * phase_stride;
    for (std::int64_t t = at; t < at + run.count + 2; ++t) {
      const float even = d[4][t] - 4 * d[2][t];
      const float odd = d[3][t] - 4 * d[1][t];
      const float near = d[4][t] - d[2][t];
      const float far = 2 * (d[3][t] - d[1][t]);
      e[0][t] = 4 * d[0][t] - 5 * d[2][t] + d[4][t];
      e[1][t] = even + odd;
      e[2][t] = even - odd;
      e[3][t] = near + far;
      e[4][t] = near - far;
      e[5][t] = 4 * d[1][t] - 5 * d[3][t] + d[5][t];
    }
  }
  for (std::int64_t i = 0; i < 6; ++i) {
    const float* c0 = e[i] + 3 * phase_stride;  // the pixel to the left of the tile
    const float* c1 = e[i] + 1;
    const float* c2 = e[i] + phase_stride + 1;
    const float* c3 = e[i] + 2 * phase_stride + 1;
    const float* c4 = e[i] + 3 * phase_stride + 1;
    const float* c5 = e[i] + 2;  // the pixel to the right
    float* __restrict out = v + 6 * i * point_stride;
    for (std::int64_t t = 0; t < run.count; ++t) {
      const float even = c4[t] - 4 * c2[t];
      const float odd = c3[t] - 4 * c1[t];
      const float near = c4[t] - c2[t];
      const float far = 2 * (c3[t] - c1[t]);
      out[t] = 4 * c0[t] - 5 * c2[t] + c4[t];
      out[point_stride + t] = even + odd;
      out[2 * point_stride + t] = even - odd;
      out[3 * point_stride + t] = near + far;
      out[4 * point_stride + t] = near - far;
      out[5 * point_stride + t] = 4 * c1[t] - 5 * c3[t] + c5[t];
    }
  }
}

/// The tiles' outputs, A^T M A plus bias. `m` points at the run's first tile in the channel at f = 0.
NODULUS_AVX2 void transform_output(const ConvShape& shape, const float* m, std::int64_t point_stride, float bias,
                                   const Run& run, float* plane) {
  float s[4][6][most_run];
  for (std::int64_t j = 0; j < 6; ++j) {
    const float* at = m + j * point_stride;
    const std::int64_t down = 6 * point_stride;
    for (std::int64_t t = 0; t < run.count; ++t) {
      const float sum1 = at[down + t] + at[2 * down + t];
      const float difference1 = at[down + t] - at[2 * down + t];
      const float sum2 = at[3 * down + t] + at[4 * down + t];
      const float difference2 = at[3 * down + t] - at[4 * down + t];
      s[0][j][t] = at[t] + sum1 + sum2;
      s[1][j][t] = difference1 + 2 * difference2;
      s[2][j][t] = sum1 + 4 * sum2;
      s[3][j][t] = difference1 + 8 * difference2 + at[5 * down + t];
    }
  }
  for (std::int64_t r = 0; r < 4; ++r) {
    float* __restrict out = plane + (4 * run.row + r) * shape.width + 4 * run.column;
    for (std::int64_t t = 0; t < run.count; ++t) {
      const float sum1 = s[r][1][t] + s[r][2][t];
      const float difference1 = s[r][1][t] - s[r][2][t];
      const float sum2 = s[r][3][t] + s[r][4][t];
      const float difference2 = s[r][3][t] - s[r][4][t];
      out[4 * t] = s[r][0][t] + sum1 + sum2 + bias;
      out[4 * t + 1] = difference1 + 2 * difference2 + bias;
      out[4 * t + 2] = sum1 + 4 * sum2 + bias;
      out[4 * t + 3] = difference1 + 8 * difference2 + s[r][5][t] + bias;
    }
  }
}

/// dM = A dy A^T, the transpose of the above, for the tiles of a run in one channel.
NODULUS_AVX2 void transform_gradient(const ConvShape& shape, const float* plane, const Run& run, float* m,
                                     std::int64_t point_stride) {
  float d[4][row_floats];
  for (std::int64_t r = 0; r < 4; ++r) take_apart(plane + (4 * run.row + r) * shape.width, shape.width, run, d[r]);
  float e[6][row_floats];
  for (std::int64_t p = 0; p < 4; ++p) {
    const std::int64_t at = p * phase_stride + 1;
    for (std::int64_t t = at; t < at + run.count; ++t) {
      const float even1 = d[0][t] + d[2][t];
      const float odd1 = d[1][t] + d[3][t];
      const float even2 = d[0][t] + 4 * d[2][t];
      const float odd2 = 2 * d[1][t] + 8 * d[3][t];
      e[0][t] = d[0][t];
      e[1][t] = even1 + odd1;
      e[2][t] = even1 - odd1;
      e[3][t] = even2 + odd2;
      e[4][t] = even2 - odd2;
      e[5][t] = d[3][t];
    }
  }
  for (std::int64_t i = 0; i < 6; ++i) {
    const float* c0 = e[i] + 1;
    const float* c1 = c0 + phase_stride;
    const float* c2 = c1 + phase_stride;
    const float* c3 = c2 + phase_stride;
    float* __restrict out = m + 6 * i * point_stride;
    for (std::int64_t t = 0; t < run.count; ++t) {
      const float even1 = c0[t] + c2[t];
      const float odd1 = c1[t] + c3[t];
      const float even2 = c0[t] + 4 * c2[t];
      const float odd2 = 2 * c1[t] + 8 * c3[t];
      out[t] = c0[t];
      out[point_stride + t] = even1 + odd1;
      out[2 * point_stride + t] = even1 - odd1;
      out[3 * point_stride + t] = even2 + odd2;
      out[4 * point_stride + t] = even2 - odd2;
      out[5 * point_stride + t] = c3[t];
    }
  }
}

/// M = U V at one point: u [out / 4][in][4], v [in][tiles], m [out][tiles]; tiles a multiple of 16.
NODULUS_AVX2 void multiply(const ConvShape& shape, const float* u, const float* v, std::int64_t tiles, float* m) {
  for (std::int64_t out = 0; out < shape.out; out += out_block, u += shape.in * out_block) {
    for (std::int64_t t = 0; t < tiles; t += narrow) {
      Lanes sum[out_block][2] = {};
      const float* image = v + t;
      for (std::int64_t in = 0; in < shape.in; ++in, image += tiles) {
        const Lanes v0 = *reinterpret_cast<const Lanes*>(image);
        const Lanes v1 = *reinterpret_cast<const Lanes*>(image + lanes);
#pragma GCC unroll 4
        for (int o = 0; o < out_block; ++o) {
          const float filter = u[in * out_block + o];
          sum[o][0] += filter * v0;
          sum[o][1] += filter * v1;
        }
      }
      for (int o = 0; o < out_block; ++o) {
        *reinterpret_cast<Lanes*>(m + (out + o) * tiles + t) = sum[o][0];
        *reinterpret_cast<Lanes*>(m + (out + o) * tiles + t + lanes) = sum[o][1];
      }
    }
  }
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

/// Adds to du [out_block][vectors * lanes], rows shape.in apart: dm [out_block][tiles] times turned [tiles][shape.in].
template <int vectors>
NODULUS_AVX2 void add_products(const ConvShape& shape, const float* dm, const float* turned, std::int64_t tiles,
                               float* du) {
  Lanes sum[out_block][vectors];
  for (std::int64_t o = 0; o < out_block; ++o)
    for (int v = 0; v < vectors; ++v) sum[o][v] = *reinterpret_cast<const Lanes*>(du + o * shape.in + v * lanes);
  for (std::int64_t t = 0; t < tiles; ++t) {
    Lanes row[vectors];
    for (int v = 0; v < vectors; ++v) row[v] = *reinterpret_cast<const Lanes*>(turned + t * shape.in + v * lanes);
#pragma GCC unroll 4
    for (int o = 0; o < out_block; ++o)
      for (int v = 0; v < vectors; ++v) sum[o][v] += dm[o * tiles + t] * row[v];
  }
  for (std::int64_t o = 0; o < out_block; ++o)
    for (int v = 0; v < vectors; ++v) *reinterpret_cast<Lanes*>(du + o * shape.in + v * lanes) = sum[o][v];
}

/// dU += dM V^T at one point: dm [out][tiles], v [in][tiles], du [out][in]; turned [tiles][in] is overwritten.
NODULUS_AVX2 void multiply_transposed(const ConvShape& shape, const float* dm, const float* v, std::int64_t tiles,
                                      float* turned, float* du) {
  for (std::int64_t in = 0; in < shape.in; in += lanes)
    for (std::int64_t t = 0; t < tiles; t += lanes)
      transpose8(v + in * tiles + t, tiles, turned + t * shape.in + in, shape.in);
  for (std::int64_t out = 0; out < shape.out; out += out_block) {
    std::int64_t in = 0;
    for (; in + 2 * lanes <= shape.in; in += 2 * lanes)
      add_products<2>(shape, dm + out * tiles, turned + in, tiles, du + out * shape.in + in);
    if (in < shape.in) add_products<1>(shape, dm + out * tiles, turned + in, tiles, du + out * shape.in + in);
  }
}

// G of F(4x4, 3x3): U = G g G^T.
constexpr float g[6][3] = {{1.0F / 4, 0, 0},
                           {-1.0F / 6, -1.0F / 6, -1.0F / 6},
                           {-1.0F / 6, 1.0F / 6, -1.0F / 6},
                           {1.0F / 24, 1.0F / 12, 1.0F / 6},
                           {1.0F / 24, -1.0F / 12, 1.0F / 6},
                           {0, 0, 1}};

std::int64_t tiles_of(const ConvShape& shape) { return shape.height * shape.width / 16; }
std::int64_t tiles_of_block(const ConvShape& shape) { return tiles_of(shape) % wide_block == 0 ? wide_block : narrow; }

/// Floats from one point to the next. The odd cache line at the end keeps the 36 points of a tile, which are written
/// one after the other, out of each other's way: with a power of two they would share a few places of the cache.
std::int64_t point_stride_of(std::int64_t channels, std::int64_t tiles) { return channels * tiles + 16; }

}  // namespace

bool has_winograd(const ConvShape& shape) {
#if defined(__x86_64__) && defined(__GNUC__)
  static const bool here = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  return here && shape.images > 0 && shape.height % 4 == 0 && shape.width % 4 == 0 && tiles_of(shape) > 0 &&
         tiles_of(shape) % narrow == 0 && shape.in > 0 && shape.in % 8 == 0 && shape.out > 0 && shape.out % 8 == 0;
#else
  (void)shape;
  return false;
#endif
}

NODULUS_AVX2 void winograd_filters(const ConvShape& shape, const float* weight, bool transposed, std::int64_t first,
                                   std::int64_t last, float* filters) {
  for (std::int64_t out = first; out < last; ++out) {
    for (std::int64_t in = 0; in < shape.in; ++in) {
      float w[3][3];
      for (int i = 0; i < 3; ++i)
        for (int j = 0; j < 3; ++j)
          w[i][j] = transposed ? weight[(in * shape.out + out) * 9 + (2 - i) * 3 + 2 - j]
                               : weight[(out * shape.in + in) * 9 + i * 3 + j];
      float half[6][3];
      for (int i = 0; i < 6; ++i)
        for (int j = 0; j < 3; ++j) half[i][j] = g[i][0] * w[0][j] + g[i][1] * w[1][j] + g[i][2] * w[2][j];
      float* to = filters + (out / out_block * shape.in + in) * out_block + out % out_block;
      for (int i = 0; i < 6; ++i)
        for (int j = 0; j < 6; ++j)
          to[(i * 6 + j) * shape.out * shape.in] = half[i][0] * g[j][0] + half[i][1] * g[j][1] + half[i][2] * g[j][2];
    }
  }
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
  each_run(shape, first, tiles, [&](const Run& run) {
    for (std::int64_t in = 0; in < shape.in; ++in)
      transform_image(shape, x + (image * shape.in + in) * plane, run, v + in * tiles + run.offset, v_stride);
  });
  for (std::int64_t f = 0; f < winograd_points; ++f)
    multiply(shape, filters + f * shape.out * shape.in, v + f * v_stride, tiles, m + f * m_stride);
  each_run(shape, first, tiles, [&](const Run& run) {
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
  each_run(shape, first, tiles, [&](const Run& run) {
    for (std::int64_t in = 0; in < shape.in; ++in)
      transform_image(shape, x + (image * shape.in + in) * plane, run, v + in * tiles + run.offset, v_stride);
    for (std::int64_t out = 0; out < shape.out; ++out)
      transform_gradient(shape, dy + (image * shape.out + out) * plane, run, dm + out * tiles + run.offset, dm_stride);
  });
  for (std::int64_t f = 0; f < winograd_points; ++f)
    multiply_transposed(shape, dm + f * dm_stride, v + f * v_stride, tiles, turned,
                        dfilters + f * shape.out * shape.in);
}

NODULUS_AVX2 void winograd_weight_gradient(const ConvShape& shape, const float* dfilters, std::int64_t first,
                                           std::int64_t last, float* dweight) {
  const std::int64_t pairs = shape.out * shape.in;
  for (std::int64_t pair = first * shape.in; pair < last * shape.in; ++pair) {
    float half[3][6] = {};
    for (int i = 0; i < 6; ++i)
      for (int j = 0; j < 6; ++j) {
        const float d = dfilters[(i * 6 + j) * pairs + pair];
        for (int k = 0; k < 3; ++k) half[k][j] += g[i][k] * d;
      }
    for (int k = 0; k < 3; ++k)
      for (int l = 0; l < 3; ++l) {
        float sum = 0;
        for (int j = 0; j < 6; ++j) sum += half[k][j] * g[j][l];
        dweight[pair * 9 + k * 3 + l] = sum;
      }
  }
}

}  // namespace nodulus::nn
