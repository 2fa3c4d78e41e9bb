#pragma once

#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>
#include <torch/types.h>

#include "nodulus/nn/layers.h"

namespace nodulus::models {

/// [N, C, H, W] -> [N, C, H/2, W/2]: the mean of four pixels, or the FIR filter of nn/fir.h.
torch::Tensor halved(const torch::Tensor& x, bool fir);
/// [N, C, H, W] -> [N, C, 2H, 2W]: each pixel repeated, or the FIR filter.
torch::Tensor doubled(const torch::Tensor& x, bool fir);

/// Halves height and width: 3x3 convolution of stride 2. Without FIR zeros are added below and to the right only; with
/// FIR the image is filtered first (Karras et al. 2020, arXiv 1912.04958). `above`: the zeros are added above and to
/// the left, which is what padding on all sides comes to.
class DownsampleImpl : public torch::nn::Module {
 public:
  DownsampleImpl(std::int64_t in, std::int64_t out, bool fir, bool above = false);
  torch::Tensor forward(const torch::Tensor& x);

 private:
  bool fir_;
  bool above_;
  nn::Conv2d conv_;
};
TORCH_MODULE(Downsample);

/// Doubles height and width, then a 3x3 convolution. With FIR the convolution sees what the filter gives beyond the
/// image's edge, rather than zeros.
class UpsampleImpl : public torch::nn::Module {
 public:
  UpsampleImpl(std::int64_t in, std::int64_t out, bool fir);
  torch::Tensor forward(const torch::Tensor& x);

 private:
  bool fir_;
  nn::Conv2d conv_;
};
TORCH_MODULE(Upsample);

}  // namespace nodulus::models
