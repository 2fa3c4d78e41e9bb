#include "nodulus/nn/modulated_conv.h"

#include <vector>

#include "nodulus/nn/convolution.h"
#include "nodulus/nn/fir.h"
#include "nodulus/nn/layers.h"

namespace nodulus::nn {
namespace {

using torch::Tensor;

constexpr double demodulation_eps = 1e-8;
// After a transposed convolution of stride 2, which gives 2H + 1: to 2H, with the brightness of `up`.
constexpr FirStep fir_after_up{1, 1, 1, 1, 2};

/// [N, out]: 1 / sqrt(sum_ik (s_i w_oik)^2 + eps), which needs no weight for each image.
Tensor demodulation(const Tensor& weight, const Tensor& style) {
  const Tensor energy = weight.square().sum({2, 3});
  return (linear(style.square(), energy, Tensor()) + demodulation_eps).rsqrt();
}

Tensor upsampled(const Tensor& x, const Tensor& weight) {
  const std::int64_t k = weight.size(2);
  const Tensor spread =
      convolve_transposed(x, weight.transpose(0, 1), {}, 2, 0, 2 * (x.size(2) - 1) + k, 2 * (x.size(3) - 1) + k);
  return fir(spread, fir_after_up);
}

}  // namespace

Tensor modulated_conv(const Tensor& x, const ModulatedConv& conv, Preactivation terms, const Activation& activation) {
  TORCH_CHECK(!conv.up || conv.weight.size(2) == 3, "[modulated_conv] up must have a 3x3 weight. Received ",
              conv.weight.sizes(), ".");
  Preactivation modulation;
  modulation.scale = conv.style;
  const Tensor scaled = bias_act(x, modulation, Activation::none());
  const Tensor y =
      conv.up ? upsampled(scaled, conv.weight) : convolve(scaled, conv.weight, {}, 1, conv.weight.size(2) / 2);
  if (conv.demodulate) terms.scale = demodulation(conv.weight, conv.style);
  return bias_act(y, terms, activation);
}

Tensor modulated_conv_reference(const Tensor& x, const ModulatedConv& conv, const Preactivation& terms,
                                const Activation& activation) {
  std::vector<Tensor> images;
  for (std::int64_t i = 0; i < x.size(0); ++i) {
    Tensor weight = conv.weight * conv.style[i].view({1, -1, 1, 1});
    if (conv.demodulate) weight = weight * (weight.square().sum({1, 2, 3}, true) + demodulation_eps).rsqrt();
    const Tensor image = x.narrow(0, i, 1);
    images.push_back(conv.up
                         ? fir_reference(torch::conv_transpose2d(image, weight.transpose(0, 1), {}, 2), fir_after_up)
                         : torch::conv2d(image, weight, {}, 1, conv.weight.size(2) / 2));
  }
  return bias_act_reference(torch::cat(images), terms, activation);
}

}  // namespace nodulus::nn
