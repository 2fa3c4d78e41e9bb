#pragma once

#include <cstdint>

namespace nodulus::nn {

/// A 3x3 convolution of stride 1, zeros around: x [images, in, height, width] -> y [images, out, height, width].
struct ConvShape {
  std::int64_t images = 0;
  std::int64_t in = 0;
  std::int64_t out = 0;
  std::int64_t height = 0;
  std::int64_t width = 0;
};

/// True for shapes that the kernel below knows (width a multiple of 8, out of 4) on processors that it is written for:
/// those with AVX2 and FMA but not AVX-512. There it is faster than oneDNN for large images of few channels.
bool has_conv_weight_gradient(const ConvShape& shape);

/// The work, cut into groups of output channels times chunks of images: by the shape alone, so that sums are in the
/// same order on any number of threads.
struct ConvGradientPlan {
  std::int64_t groups = 1;
  std::int64_t chunks = 1;
};
ConvGradientPlan plan_conv_weight_gradient(const ConvShape& shape);

/// Task i of groups * chunks: its output channels' dL/dweight, summed over its images, into partial [chunks, out, in,
/// 3, 3]. Tasks write to different places; the sum over chunks is the gradient. Needs has_conv_weight_gradient().
void conv_weight_gradient(const ConvShape& shape, const ConvGradientPlan& plan, std::int64_t task, const float* x,
                          const float* dy, float* partial);

}  // namespace nodulus::nn
