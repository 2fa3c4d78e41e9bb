#include "nodulus/nn/strided_conv_kernel.h"

#include <algorithm>
#include <array>

#include "nodulus/nn/avx2_products.h"

namespace nodulus::nn {
namespace {

constexpr std::int64_t strip = product_columns;
constexpr std::int64_t depth_block = 256;  // of a strip, so that it stays in the first cache

std::int64_t out_rows(const ConvShape& shape) { return (shape.height - 1) / 2; }
std::int64_t out_columns(const ConvShape& shape) { return (shape.width - 1) / 2; }

/// Columns [done, done + count) of a block, a part of one row of one image: pixel (row, column) and the following.
struct Run {
  std::int64_t image, row, column, done, count;
};

/// Calls work(run) for the pixels of a block, counted through images of rows x columns; no run crosses a strip.
template <class Work>
NODULUS_AVX2 void each_gather_run(std::int64_t images, std::int64_t rows, std::int64_t columns, std::int64_t block,
                                  Work work) {
  const std::int64_t first = block * strided_block;
  const std::int64_t count = std::min(strided_block, images * rows * columns - first);
  for (std::int64_t done = 0; done < count;) {
    const std::int64_t at = first + done;
    const std::int64_t column = at % columns;
    const std::int64_t n = std::min({columns - column, count - done, strip - done % strip});
    work(Run{at / (rows * columns), at / columns % rows, column, done, n});
    done += n;
  }
}

/// m [rows][strided_block] = u v, u packed, v [strips][v_depth][strip] of which `depth` are taken.
NODULUS_AVX2 void multiply_block(std::int64_t rows, std::int64_t depth, const float* u, const float* v,
                                 std::int64_t v_depth, std::int64_t used_strips, float* m) {
  for (std::int64_t k = 0; k < depth; k += depth_block)
    for (std::int64_t s = 0; s < used_strips; ++s)
      multiply_columns(rows, depth, k, std::min(depth_block, depth - k), u, v + (s * v_depth + k) * strip, strip, k > 0,
                       m + s * strip, strided_block);
}

/// A function of its own, for the instructions of a vector.
NODULUS_AVX2 void take_every_second(const float* from, std::int64_t count, float* to) {
  if (count == strip) {
    for (std::int64_t i = 0; i < strip; ++i) to[i] = from[2 * i];
  } else {
    for (std::int64_t i = 0; i < count; ++i) to[i] = from[2 * i];
  }
}

/// to[i] = row[start + i] where start + i is in [0, width), else 0.
NODULUS_AVX2 void take_within(const float* row, std::int64_t start, std::int64_t width, std::int64_t count, float* to) {
  if (start >= 0 && start + count <= width) {
    for (std::int64_t i = 0; i < count; ++i) to[i] = row[start + i];
  } else {
    for (std::int64_t i = 0; i < count; ++i) to[i] = start + i >= 0 && start + i < width ? row[start + i] : 0;
  }
}

/// v [strips][9 in][strip]: what the block's outputs see of x.
NODULUS_AVX2 void gather(const ConvShape& shape, std::int64_t block, const float* x, float* v) {
  const std::int64_t plane = shape.height * shape.width;
  const std::int64_t taps = 9 * shape.in;
  each_gather_run(shape.images, out_rows(shape), out_columns(shape), block, [&](const Run& run) {
    float* to = v + run.done / strip * taps * strip + run.done % strip;
    const float* from = x + run.image * shape.in * plane + 2 * run.row * shape.width + 2 * run.column;
    for (std::int64_t in = 0; in < shape.in; ++in, from += plane)
      for (std::int64_t a = 0; a < 3; ++a)
        for (std::int64_t b = 0; b < 3; ++b, to += strip) take_every_second(from + a * shape.width + b, run.count, to);
  });
}

std::int64_t columns_of_block(std::int64_t all, std::int64_t block) {
  return std::min(strided_block, all - block * strided_block);
}
std::int64_t strips_of(std::int64_t columns) { return (columns + strip - 1) / strip; }
std::int64_t blocks_of(std::int64_t columns) { return (columns + strided_block - 1) / strided_block; }
std::int64_t outputs(const ConvShape& s) { return s.images * out_rows(s) * out_columns(s); }
/// The grid that every other pixel of dx lies on.
std::int64_t grid_points(const ConvShape& s) { return s.images * (out_rows(s) + 1) * (out_columns(s) + 1); }

// ---- The transposed map: dx[2 i + a][2 j + b] takes dy at (i, j) and, where a or b is 0, at i - 1 or j - 1.

struct Shift {
  std::int64_t rows, columns;
};
// In an order in which each kind of pixel takes neighbours.
constexpr std::array<Shift, 4> shifts = {{{0, -1}, {0, 0}, {-1, 0}, {-1, -1}}};

/// A kind of pixel of dx, and the shifts that it takes.
struct Parity {
  std::int64_t row, column, first, count;
};
constexpr std::array<Parity, 4> parities = {{{0, 0, 0, 4}, {0, 1, 1, 2}, {1, 0, 0, 2}, {1, 1, 1, 1}}};

/// The tap along one axis that takes dy, shifted by 0 or -1, to a pixel of that parity.
constexpr std::int64_t tap_of(std::int64_t parity, std::int64_t shift) {
  return parity == 1 ? 1 : (shift == 0 ? 0 : 2);
}

/// v [strips][shift][out][strip]
NODULUS_AVX2 void gather_shifted(const ConvShape& shape, std::int64_t block, const float* dy, float* v) {
  const std::int64_t rows = out_rows(shape);
  const std::int64_t columns = out_columns(shape);
  each_gather_run(shape.images, rows + 1, columns + 1, block, [&](const Run& run) {
    float* to = v + run.done / strip * 4 * shape.out * strip + run.done % strip;
    for (const Shift& shift : shifts) {
      const std::int64_t row = run.row + shift.rows;
      const float* from = dy + (run.image * shape.out * rows + row) * columns;
      for (std::int64_t out = 0; out < shape.out; ++out, to += strip, from += rows * columns) {
        if (row < 0 || row >= rows) {
          std::fill(to, to + run.count, 0.0F);
        } else {
          take_within(from, run.column + shift.columns, columns, run.count, to);
        }
      }
    }
  });
}

/// Writes m [parity][in][strided_block] to its places in dx.
NODULUS_AVX2 void write_spread(const ConvShape& shape, std::int64_t block, const float* m, float* dx) {
  const std::int64_t rows = out_rows(shape);
  const std::int64_t columns = out_columns(shape);
  const std::int64_t parity_stride = shape.in * strided_block;
  each_gather_run(shape.images, rows + 1, columns + 1, block, [&](const Run& run) {
    const std::int64_t pairs = std::min(run.count, columns - run.column);  // the last column has no right one
    for (std::int64_t a = 0; a < 2 && run.row + a <= rows; ++a) {
      for (std::int64_t in = 0; in < shape.in; ++in) {
        const float* const left = m + 2 * a * parity_stride + in * strided_block + run.done;
        const float* const right = left + parity_stride;
        float* const to =
            dx + ((run.image * shape.in + in) * shape.height + 2 * run.row + a) * shape.width + 2 * run.column;
        for (std::int64_t i = 0; i < pairs; ++i) {
          to[2 * i] = left[i];
          to[2 * i + 1] = right[i];
        }
        if (pairs < run.count) to[2 * pairs] = left[pairs];
      }
    }
  });
}

}  // namespace

bool has_strided_gradient(const ConvShape& shape) {
  return has_avx2() && !has_avx512() && shape.images > 0 && shape.in > 0 && shape.in % 4 == 0 && shape.out > 0 &&
         shape.out % strip == 0 && out_rows(shape) >= 8 && out_columns(shape) >= 8;
}

std::int64_t strided_blocks(const ConvShape& shape) { return blocks_of(outputs(shape)); }

std::int64_t strided_scratch(const ConvShape& shape) { return (9 * shape.in + shape.out) * strided_block; }

NODULUS_AVX2
void strided_gradient_block(const ConvShape& shape, std::int64_t block, const float* x, const float* dy, float* dweight,
                            float* scratch) {
  const std::int64_t taps = 9 * shape.in;
  const std::int64_t plane = out_rows(shape) * out_columns(shape);
  float* const v = scratch;
  float* const turned = scratch + taps * strided_block;  // [out / 16][strided_block][16]
  gather(shape, block, x, v);
  each_gather_run(shape.images, out_rows(shape), out_columns(shape), block, [&](const Run& run) {
    const float* from = dy + run.image * shape.out * plane + run.row * out_columns(shape) + run.column;
    for (std::int64_t out = 0; out < shape.out; ++out, from += plane) {
      float* const to = turned + (out / strip * strided_block + run.done) * strip + out % strip;
      for (std::int64_t i = 0; i < run.count; ++i) to[i * strip] = from[i];
    }
  });
  const std::int64_t columns = columns_of_block(outputs(shape), block);
  PartedProduct product;
  product.parts = strips_of(columns);
  product.left_part = taps * strip;
  product.right_part = strip * strip;
  product.left_stride = product.right_stride = strip;
  product.to_stride = shape.out;
  for (std::int64_t out = 0; out < shape.out; out += strip)
    add_product_rows<2>(product, taps, strip, columns - (product.parts - 1) * strip, v, turned + out * strided_block,
                        dweight + out);
}

bool has_spread(const ConvShape& shape) {
  return has_avx2() && !has_avx512() && shape.images > 0 && shape.in > 0 && shape.in % 4 == 0 && shape.out > 0 &&
         shape.height % 2 == 1 && shape.width % 2 == 1 && shape.height >= 33 && shape.width >= 33;
}

std::int64_t spread_blocks(const ConvShape& shape) { return blocks_of(grid_points(shape)); }

std::int64_t spread_scratch(const ConvShape& shape) { return 4 * (shape.out + shape.in) * strided_block; }

void spread_filters(const ConvShape& shape, const float* weight, float* filters) {
  for (const Parity& parity : parities) {
    for (std::int64_t in = 0; in < shape.in; ++in) {
      for (std::int64_t k = 0; k < parity.count; ++k) {
        const Shift& shift = shifts[static_cast<std::size_t>(parity.first + k)];
        const std::int64_t tap = 3 * tap_of(parity.row, shift.rows) + tap_of(parity.column, shift.columns);
        for (std::int64_t out = 0; out < shape.out; ++out)
          filters[packed_place(shape.in, parity.count * shape.out, in, k * shape.out + out)] =
              weight[(out * shape.in + in) * 9 + tap];
      }
    }
    filters += shape.in * parity.count * shape.out;
  }
}

NODULUS_AVX2
void spread_block(const ConvShape& shape, const float* filters, std::int64_t block, const float* dy, float* dx,
                  float* scratch) {
  float* const v = scratch;
  float* const m = scratch + 4 * shape.out * strided_block;
  gather_shifted(shape, block, dy, v);
  const std::int64_t used = strips_of(columns_of_block(grid_points(shape), block));
  for (std::size_t p = 0; p < parities.size(); ++p) {
    const std::int64_t depth = parities[p].count * shape.out;
    multiply_block(shape.in, depth, filters, v + parities[p].first * shape.out * strip, 4 * shape.out, used,
                   m + static_cast<std::int64_t>(p) * shape.in * strided_block);
    filters += shape.in * depth;
  }
  write_spread(shape, block, m, dx);
}

}  // namespace nodulus::nn
