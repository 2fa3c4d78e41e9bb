#pragma once

#include "nodulus/nn/avx2.h"

/// Products of matrices from the registers, for kernels that lay out their operands themselves.
namespace nodulus::nn {

/// Columns of a product that are summed together: two vectors.
constexpr std::int64_t product_columns = 2 * lanes;

/// How many groups of six rows there are in front of those of four, for a multiple of four rows. Six rows of two
/// vectors are twelve sums, which with their operands fill the 16 registers and hide an FMA's latency.
constexpr std::int64_t groups_of_six(std::int64_t rows) { return rows / 6 - (rows % 6 == 2 ? 1 : 0); }

struct RowGroup {
  std::int64_t first = 0;
  std::int64_t size = 0;
};
constexpr std::int64_t row_groups(std::int64_t rows) {
  return groups_of_six(rows) + (rows - 6 * groups_of_six(rows)) / 4;
}
constexpr RowGroup row_group(std::int64_t rows, std::int64_t group) {
  const std::int64_t sixes = groups_of_six(rows);
  return group < sixes ? RowGroup{6 * group, 6} : RowGroup{6 * sixes + 4 * (group - sixes), 4};
}

/// Where number k of a row lies in a left matrix [rows][depth] whose groups of rows lie one after the other, each
/// [depth][6] or [depth][4].
constexpr std::int64_t packed_place(std::int64_t rows, std::int64_t depth, std::int64_t row, std::int64_t k) {
  const std::int64_t in_sixes = 6 * groups_of_six(rows);
  const std::int64_t size = row < in_sixes ? 6 : 4;
  const std::int64_t within = (row < in_sixes ? row : row - in_sixes) % size;
  return (row - within) * depth + k * size + within;
}

/// m [rows][16] (+)= u [depth][rows] v [depth][16].
template <int rows>
NODULUS_AVX2 inline void multiply_group(std::int64_t depth, const float* u, const float* v, std::int64_t v_stride,
                                        bool add, float* m, std::int64_t m_stride) {
  Lanes sum[rows][2] = {};
#pragma GCC unroll 1
  for (std::int64_t k = 0; k < depth; ++k) {
    const Lanes v0 = *reinterpret_cast<const Lanes*>(v);
    const Lanes v1 = *reinterpret_cast<const Lanes*>(v + lanes);
#pragma GCC unroll 8
    for (int r = 0; r < rows; ++r) {
      const float left = u[r];
      sum[r][0] += left * v0;
      sum[r][1] += left * v1;
    }
    u += rows;
    v += v_stride;
  }
  for (int r = 0; r < rows; ++r) {
    Lanes* const to = reinterpret_cast<Lanes*>(m + r * m_stride);
    to[0] = add ? to[0] + sum[r][0] : sum[r][0];
    to[1] = add ? to[1] + sum[r][1] : sum[r][1];
  }
}

/// m [rows][16] (+)= u v over [first, first + depth) of u's `all` depth; u is packed as packed_place() says, v points
/// at row `first`.
NODULUS_AVX2 inline void multiply_columns(std::int64_t rows, std::int64_t all, std::int64_t first, std::int64_t depth,
                                          const float* u, const float* v, std::int64_t v_stride, bool add, float* m,
                                          std::int64_t m_stride) {
  const std::int64_t in_sixes = 6 * groups_of_six(rows);
  std::int64_t r = 0;
  for (; r < in_sixes; r += 6)
    multiply_group<6>(depth, u + r * all + first * 6, v, v_stride, add, m + r * m_stride, m_stride);
  for (; r < rows; r += 4)
    multiply_group<4>(depth, u + r * all + first * 4, v, v_stride, add, m + r * m_stride, m_stride);
}

/// Matrices that lie in parts: `parts` of [..][length], so many floats apart.
struct PartedProduct {
  std::int64_t parts = 1;
  std::int64_t left_part = 0;   ///< From one part of the left matrix to the next,
  std::int64_t right_part = 0;  ///< and of the right.
  std::int64_t left_stride = 0;
  std::int64_t right_stride = 0;
  std::int64_t to_stride = 0;
};

/// to [rows][vectors * lanes] += left [rows][length] right [length][vectors * lanes], summed over the parts.
template <int rows, int vectors>
NODULUS_AVX2 inline void add_product(const PartedProduct& p, std::int64_t length, std::int64_t last_length,
                                     const float* left, const float* right, float* to) {
  Lanes sum[rows][vectors];
  for (int r = 0; r < rows; ++r)
    for (int v = 0; v < vectors; ++v) sum[r][v] = *reinterpret_cast<const Lanes*>(to + r * p.to_stride + v * lanes);
  for (std::int64_t part = 0; part < p.parts; ++part) {
    const float* from = left + part * p.left_part;
    const float* other = right + part * p.right_part;
    const std::int64_t count = part + 1 < p.parts ? length : last_length;
#pragma GCC unroll 1
    for (std::int64_t i = 0; i < count; ++i) {
      Lanes line[vectors];
#pragma GCC unroll 2
      for (int v = 0; v < vectors; ++v) line[v] = *reinterpret_cast<const Lanes*>(other + v * lanes);
#pragma GCC unroll 8
      for (int r = 0; r < rows; ++r)
#pragma GCC unroll 2
        for (int v = 0; v < vectors; ++v) sum[r][v] += from[r * p.left_stride] * line[v];
      ++from;
      other += p.right_stride;
    }
  }
  for (int r = 0; r < rows; ++r)
    for (int v = 0; v < vectors; ++v) *reinterpret_cast<Lanes*>(to + r * p.to_stride + v * lanes) = sum[r][v];
}

/// The same for all rows, a multiple of four.
template <int vectors>
NODULUS_AVX2 inline void add_product_rows(const PartedProduct& p, std::int64_t rows, std::int64_t length,
                                          std::int64_t last_length, const float* left, const float* right, float* to) {
  const std::int64_t in_sixes = 6 * groups_of_six(rows);
  std::int64_t r = 0;
  for (; r < in_sixes; r += 6)
    add_product<6, vectors>(p, length, last_length, left + r * p.left_stride, right, to + r * p.to_stride);
  for (; r < rows; r += 4)
    add_product<4, vectors>(p, length, last_length, left + r * p.left_stride, right, to + r * p.to_stride);
}

}  // namespace nodulus::nn
