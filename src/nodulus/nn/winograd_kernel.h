#pragma once

#include <cstdint>

#include "nodulus/nn/conv_weight_gradient_kernel.h"

namespace nodulus::nn {

/// A 3x3 convolution of stride 1, zeros around, by Winograd's minimal filtering F(4x4, 3x3) (Lavin & Gray 2016, arXiv
/// 1509.09308, section 4.3): tiles of 4x4 outputs are 36 products of matrices in a transformed space instead of 144, a
/// quarter of the multiplications. In float32 the error is some ten times that of the plain sum.
///
/// In the transformed space, f = 0 .. 35: images V [36][in][tiles], filters U [36][out][in] (packed as packed_place()
/// in avx2_products.h has it), products M [36][out][tiles]. A block is `tile_block` tiles of one image in the order of
/// rows: a result does not depend on the batch, nor on the number of threads.
constexpr std::int64_t winograd_points = 36;

/// True for shapes that the kernels below know (height and width multiples of 4 with 16 or more tiles in a multiple of
/// 16, channels multiples of 8) on processors that they are written for, those with AVX2 and FMA.
bool has_winograd(const ConvShape& shape);

/// Blocks of one image.
std::int64_t winograd_blocks(const ConvShape& shape);
/// Floats that winograd_block() needs.
std::int64_t winograd_scratch(const ConvShape& shape);
/// Block i of images * winograd_blocks(): its outputs, with bias [out] added where it is not null.
void winograd_block(const ConvShape& shape, const float* filters, const float* bias, std::int64_t block, const float* x,
                    float* y, float* scratch);

/// Floats that winograd_gradient_block() needs.
std::int64_t winograd_gradient_scratch(const ConvShape& shape);
/// Adds the share of block i of images * winograd_blocks() to dL/dU [36][out][in], from x and dy.
void winograd_gradient_block(const ConvShape& shape, std::int64_t block, const float* x, const float* dy,
                             float* dfilters, float* scratch);

}  // namespace nodulus::nn
