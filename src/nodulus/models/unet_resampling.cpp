#include "nodulus/models/unet_resampling.h"

#include "nodulus/nn/fir.h"

namespace nodulus::models {

using torch::Tensor;

Tensor halved(const Tensor& x, bool fir) { return fir ? nn::fir(x, nn::fir_down) : torch::avg_pool2d(x, 2); }

Tensor doubled(const Tensor& x, bool fir) {
  return fir ? nn::fir(x, nn::fir_up) : torch::upsample_nearest2d(x, {x.size(2) * 2, x.size(3) * 2});
}

DownsampleImpl::DownsampleImpl(std::int64_t in, std::int64_t out, bool fir, bool above)
    : fir_(fir), above_(above), conv_(register_module("conv", nn::Conv2d(in, out, nn::Conv2dOptions{3, 2}))) {}

Tensor DownsampleImpl::forward(const Tensor& x) {
  if (fir_) return conv_(nn::fir(x, nn::fir_blur));
  const std::int64_t first = above_ ? 1 : 0;
  return conv_(torch::constant_pad_nd(x, {first, 1 - first, first, 1 - first}));
}

UpsampleImpl::UpsampleImpl(std::int64_t in, std::int64_t out, bool fir)
    : fir_(fir), conv_(register_module("conv", nn::Conv2d(in, out, nn::Conv2dOptions{3, 1, 1.0, !fir}))) {}

Tensor UpsampleImpl::forward(const Tensor& x) {
  return conv_(fir_ ? nn::fir(x, nn::fir_up_bordered) : doubled(x, false));
}

}  // namespace nodulus::models
