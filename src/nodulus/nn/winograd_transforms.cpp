#include "nodulus/nn/winograd_transforms.h"

#include <algorithm>

#include "nodulus/nn/avx2_products.h"
#include "nodulus/nn/winograd_kernel.h"

namespace nodulus::nn {
namespace {

/// A row of pixels taken apart into its columns 0 to 3 of each tile, [4][most_run + 2]: tile t at t + 1, so that the
/// tiles to the left and right have a place.
constexpr std::int64_t phase_stride = most_run + 2;
constexpr std::int64_t row_floats = 4 * phase_stride;

NODULUS_AVX2 void take_apart(const float* row, std::int64_t width, const TileRun& run, float* __restrict phases) {
  const float* from = row + 4 * run.column;
  for (std::int64_t t = 0; t < run.count; ++t)
    for (std::int64_t p = 0; p < 4; ++p) phases[p * phase_stride + t + 1] = from[4 * t + p];
  const std::int64_t end = 4 * (run.column + run.count);
  for (std::int64_t p = 0; p < 4; ++p) phases[p * phase_stride] = phases[p * phase_stride + run.count + 1] = 0;
  if (run.column > 0) phases[3 * phase_stride] = from[-1];
  if (end < width) phases[run.count + 1] = row[end];
}

// G of F(4x4, 3x3): U = G g G^T.
constexpr float filter_transform[6][3] = {{1.0F / 4, 0, 0},
                                          {-1.0F / 6, -1.0F / 6, -1.0F / 6},
                                          {-1.0F / 6, 1.0F / 6, -1.0F / 6},
                                          {1.0F / 24, 1.0F / 12, 1.0F / 6},
                                          {1.0F / 24, -1.0F / 12, 1.0F / 6},
                                          {0, 0, 1}};

}  // namespace

NODULUS_AVX2 void transform_image(const ConvShape& shape, const float* plane, const TileRun& run, float* v,
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

NODULUS_AVX2 void transform_output(const ConvShape& shape, const float* m, std::int64_t point_stride, float bias,
                                   const TileRun& run, float* plane) {
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

NODULUS_AVX2 void transform_gradient(const ConvShape& shape, const float* plane, const TileRun& run, float* m,
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

NODULUS_AVX2 void winograd_filters(const ConvShape& shape, const float* weight, bool transposed, std::int64_t group,
                                   float* filters) {
  const RowGroup rows = row_group(shape.out, group);
  const std::int64_t pairs = shape.out * shape.in;
  // A vector holds eight of the filter's input channels; what belongs together in memory is put together here first.
  float together[winograd_points][lanes * 6];
  for (std::int64_t in = 0; in < shape.in; in += lanes) {
    for (std::int64_t r = 0; r < rows.size; ++r) {
      const std::int64_t out = rows.first + r;
      Vector w[3][3];
      for (int i = 0; i < 3; ++i)
        for (int j = 0; j < 3; ++j)
          for (std::int64_t lane = 0; lane < lanes; ++lane)
            w[i][j][lane] = transposed ? weight[((in + lane) * shape.out + out) * 9 + (2 - i) * 3 + 2 - j]
                                       : weight[(out * shape.in + in + lane) * 9 + i * 3 + j];
      Vector half[6][3];
      for (int i = 0; i < 6; ++i)
        for (int j = 0; j < 3; ++j)
          half[i][j] =
              filter_transform[i][0] * w[0][j] + filter_transform[i][1] * w[1][j] + filter_transform[i][2] * w[2][j];
      for (int i = 0; i < 6; ++i)
        for (int j = 0; j < 6; ++j) {
          const Vector u = half[i][0] * filter_transform[j][0] + half[i][1] * filter_transform[j][1] +
                           half[i][2] * filter_transform[j][2];
          for (std::int64_t lane = 0; lane < lanes; ++lane) together[i * 6 + j][lane * rows.size + r] = u[lane];
        }
    }
    for (std::int64_t f = 0; f < winograd_points; ++f)
      std::copy_n(together[f], lanes * rows.size, filters + f * pairs + rows.first * shape.in + in * rows.size);
  }
}

NODULUS_AVX2 void winograd_weight_gradient(const ConvShape& shape, const float* dfilters, std::int64_t first,
                                           std::int64_t last, float* dweight) {
  const std::int64_t pairs = shape.out * shape.in;
  for (std::int64_t pair = first * shape.in; pair < last * shape.in; pair += lanes) {
    Vector half[3][6] = {};
    for (int i = 0; i < 6; ++i)
      for (int j = 0; j < 6; ++j) {
        const Vector d = *reinterpret_cast<const Lanes*>(dfilters + (i * 6 + j) * pairs + pair);
        for (int k = 0; k < 3; ++k) half[k][j] += filter_transform[i][k] * d;
      }
    for (int k = 0; k < 3; ++k)
      for (int l = 0; l < 3; ++l) {
        Vector sum = {};
        for (int j = 0; j < 6; ++j) sum += half[k][j] * filter_transform[j][l];
        for (std::int64_t lane = 0; lane < lanes; ++lane) dweight[(pair + lane) * 9 + k * 3 + l] = sum[lane];
      }
  }
}

}  // namespace nodulus::nn
