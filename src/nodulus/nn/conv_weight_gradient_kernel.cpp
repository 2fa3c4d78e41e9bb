#include "nodulus/nn/conv_weight_gradient_kernel.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "nodulus/nn/avx2.h"

namespace nodulus::nn {
namespace {

constexpr std::int64_t block = 4;         // output channels at a time: 4 x 3 sums fill the registers
constexpr std::int64_t group_size = 16;   // output channels of a task
constexpr std::int64_t tile_area = 1024;  // pixels between two looks at the sums in memory
constexpr std::int64_t sums_a_row = block * 3 * lanes;

/// Some rows of some images: x with its border, [images, in, rows + 2, row_stride], the first pixel at column 1.
struct Tile {
  std::int64_t images = 0;
  std::int64_t rows = 0;
  std::int64_t row_stride = 0;
  const float* x = nullptr;
};

/// Adds the tile to the sums of one block: sums [in, 3 rows of the filter, block, 3 columns of it, lanes], pixels
/// spread over the lanes. dy points at the tile's first pixel in the block's first channel.
NODULUS_AVX2 void add_tile(const ConvShape& shape, const Tile& tile, const float* dy, float* sums) {
  const std::int64_t plane = shape.height * shape.width;
  const std::int64_t x_plane = (tile.rows + 2) * tile.row_stride;
  for (std::int64_t in = 0; in < shape.in; ++in) {
    for (std::int64_t filter_row = 0; filter_row < 3; ++filter_row, sums += sums_a_row) {
      Lanes* const memory = reinterpret_cast<Lanes*>(sums);  // auto would lose the alignment
      Lanes sum[block][3];
      for (int o = 0; o < block; ++o)
        for (int k = 0; k < 3; ++k) sum[o][k] = memory[o * 3 + k];
      for (std::int64_t image = 0; image < tile.images; ++image) {
        for (std::int64_t row = 0; row < tile.rows; ++row) {
          const float* const x_row = tile.x + (image * shape.in + in) * x_plane + (row + filter_row) * tile.row_stride;
          const float* const dy_row = dy + image * shape.out * plane + row * shape.width;
          for (std::int64_t column = 0; column < shape.width; column += lanes) {
            const Lanes x0 = *reinterpret_cast<const Lanes*>(x_row + column);
            const Lanes x1 = *reinterpret_cast<const Lanes*>(x_row + column + 1);
            const Lanes x2 = *reinterpret_cast<const Lanes*>(x_row + column + 2);
#pragma GCC unroll 4
            for (int o = 0; o < block; ++o) {
              const Lanes d = *reinterpret_cast<const Lanes*>(dy_row + o * plane + column);
              sum[o][0] += d * x0;
              sum[o][1] += d * x1;
              sum[o][2] += d * x2;
            }
          }
        }
      }
      for (int o = 0; o < block; ++o)
        for (int k = 0; k < 3; ++k) memory[o * 3 + k] = sum[o][k];
    }
  }
}

/// Copies the tile's rows of x, with the rows above and below, into `bordered`; what lies outside the image is 0.
void copy_with_border(const ConvShape& shape, const Tile& tile, const float* x, std::int64_t first_row,
                      float* bordered) {
  const auto bytes = static_cast<std::size_t>(shape.width) * sizeof(float);
  for (std::int64_t plane = 0; plane < tile.images * shape.in; ++plane) {
    for (std::int64_t row = 0; row < tile.rows + 2; ++row, bordered += tile.row_stride) {
      const std::int64_t from = first_row + row - 1;
      if (from < 0 || from >= shape.height) {
        std::memset(bordered + 1, 0, bytes);
      } else {
        std::memcpy(bordered + 1, x + (plane * shape.height + from) * shape.width, bytes);
      }
    }
  }
}

/// sums [block, in, 3, block, 3, lanes] -> dweight [outs, in, 3, 3].
void add_lanes(const ConvShape& shape, std::int64_t outs, const float* sums, float* dweight) {
  for (std::int64_t out = 0; out < outs; ++out) {
    for (std::int64_t in = 0; in < shape.in; ++in) {
      for (std::int64_t row = 0; row < 3; ++row) {
        const float* const from =
            sums + ((out / block * shape.in + in) * 3 + row) * sums_a_row + out % block * 3 * lanes;
        for (std::int64_t column = 0; column < 3; ++column) {
          float sum = 0;
          for (std::int64_t lane = 0; lane < lanes; ++lane) sum += from[column * lanes + lane];
          *dweight++ = sum;
        }
      }
    }
  }
}

}  // namespace

bool has_conv_weight_gradient(const ConvShape& shape) {
  return has_avx2() && !has_avx512() && shape.images > 0 && shape.width > 0 && shape.width % lanes == 0 &&
         shape.out % block == 0;
}

ConvGradientPlan plan_conv_weight_gradient(const ConvShape& shape) {
  const std::int64_t groups = (shape.out + group_size - 1) / group_size;
  return {groups, std::clamp<std::int64_t>(64 / groups, 1, shape.images)};
}

void conv_weight_gradient(const ConvShape& shape, const ConvGradientPlan& plan, std::int64_t task, const float* x,
                          const float* dy, float* partial) {
  const std::int64_t chunk = task / plan.groups;
  const std::int64_t first_out = task % plan.groups * group_size;
  const std::int64_t outs = std::min(group_size, shape.out - first_out);
  const std::int64_t first_image = chunk * shape.images / plan.chunks;
  const std::int64_t last_image = (chunk + 1) * shape.images / plan.chunks;
  const std::int64_t plane = shape.height * shape.width;
  const std::int64_t most_rows = std::clamp<std::int64_t>(tile_area / shape.width, 1, shape.height);
  const std::int64_t most_images =
      std::clamp<std::int64_t>(tile_area / plane, 1, std::max<std::int64_t>(last_image - first_image, 1));
  Tile tile;
  tile.row_stride = shape.width + lanes;
  std::vector<float> bordered(static_cast<std::size_t>(most_images * shape.in * (most_rows + 2) * tile.row_stride));
  std::vector<float> sums(static_cast<std::size_t>(outs / block * shape.in * 3 * sums_a_row));
  tile.x = bordered.data();
  for (std::int64_t image = first_image; image < last_image; image += tile.images) {
    tile.images = std::min(most_images, last_image - image);
    for (std::int64_t row = 0; row < shape.height; row += tile.rows) {
      tile.rows = std::min(most_rows, shape.height - row);
      copy_with_border(shape, tile, x + image * shape.in * plane, row, bordered.data());
      for (std::int64_t out = 0; out < outs; out += block) {
        add_tile(shape, tile, dy + (image * shape.out + first_out + out) * plane + row * shape.width,
                 sums.data() + out / block * shape.in * 3 * sums_a_row);
      }
    }
  }
  add_lanes(shape, outs, sums.data(), partial + (chunk * shape.out + first_out) * shape.in * 9);
}

}  // namespace nodulus::nn
