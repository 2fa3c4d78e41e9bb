#include "nodulus/nn/equalized.h"

#include <cmath>

#include "nodulus/nn/convolution.h"
#include "nodulus/nn/fir.h"
#include "nodulus/nn/layers.h"

namespace nodulus::nn {

using torch::Tensor;

EqualizedLinearImpl::EqualizedLinearImpl(std::int64_t in, std::int64_t out, const EqualizedLinearOptions& options)
    : weight_(register_parameter("weight", torch::randn({out, in}) / options.learning_rate_multiplier)),
      options_(options),
      gain_(options.learning_rate_multiplier / std::sqrt(static_cast<double>(in))) {
  if (options.bias) bias_ = register_parameter("bias", torch::full({out}, options.first_bias));
}

Tensor EqualizedLinearImpl::forward(const Tensor& x) {
  const Tensor bias =
      bias_.defined() && options_.learning_rate_multiplier != 1 ? bias_ * options_.learning_rate_multiplier : bias_;
  Tensor y = linear(x, weight_ * gain_, bias);
  if (options_.activation.slope == 1 && options_.activation.gain == 1) return y;
  return bias_act_reference(y, {}, options_.activation);
}

EqualizedConvImpl::EqualizedConvImpl(std::int64_t in, std::int64_t out, const EqualizedConvOptions& options)
    : options_(options), gain_(1 / std::sqrt(static_cast<double>(in * options.kernel * options.kernel))) {
  auto place = [&](const std::string& name, const Tensor& values) {
    return options_.trained ? register_parameter(name, values) : register_buffer(name, values);
  };
  weight_ = place("weight", torch::randn({out, in, options.kernel, options.kernel}));
  if (options.bias) bias_ = place("bias", torch::zeros({out}));
}

Tensor EqualizedConvImpl::forward(const Tensor& x, double gain) {
  const Tensor weight = weight_ * gain_;
  Tensor y;
  if (options_.down && options_.kernel == 1) {
    y = convolve(fir(x, fir_down), weight, {}, 1, 0);
  } else if (options_.down) {
    y = convolve(fir(x, fir_blur), weight, {}, 2, 0);
  } else {
    y = convolve(x, weight, {}, 1, options_.kernel / 2);
  }
  Activation activation = options_.activation;
  activation.gain *= gain;
  activation.clamp *= gain;
  Preactivation terms;
  terms.bias = bias_;
  return bias_act(y, terms, activation);
}

}  // namespace nodulus::nn
