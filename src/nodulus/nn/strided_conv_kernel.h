#pragma once

#include <cstdint>

#include "nodulus/nn/conv_weight_gradient_kernel.h"

namespace nodulus::nn {

/// Gradients of a 3x3 convolution of stride 2 without padding, x [images, in, height, width] -> y [images, out,
/// (height - 1) / 2, (width - 1) / 2], each as products of matrices over `strided_block` pixels at a time, counted
/// through all images. An image's gradient does not depend on its batch, and nothing on the number of threads. (For the
/// convolution itself oneDNN is as fast.)
constexpr std::int64_t strided_block = 64;

/// True for shapes that the kernel of the weight's gradient knows and is good at (in a multiple of 4, out of 16, y of
/// 8x8 and more) on processors that it is written for: those with AVX2 and FMA but not AVX-512.
bool has_strided_gradient(const ConvShape& shape);
std::int64_t strided_blocks(const ConvShape& shape);
/// Floats that strided_gradient_block() needs.
std::int64_t strided_scratch(const ConvShape& shape);
/// Adds block i's share of dL/dweight, turned: dweight [9 in][out].
void strided_gradient_block(const ConvShape& shape, std::int64_t block, const float* x, const float* dy, float* dweight,
                            float* scratch);

/// The transposed map, dy -> dx of odd height and width, 33 and more. Every other pixel of dx along each axis is a
/// convolution of its own by a part of the weight: no product is with a zero.
bool has_spread(const ConvShape& shape);
std::int64_t spread_blocks(const ConvShape& shape);
std::int64_t spread_scratch(const ConvShape& shape);
/// The weight as spread_block() takes it, 9 in out floats.
void spread_filters(const ConvShape& shape, const float* weight, float* filters);
void spread_block(const ConvShape& shape, const float* filters, std::int64_t block, const float* dy, float* dx,
                  float* scratch);

}  // namespace nodulus::nn
