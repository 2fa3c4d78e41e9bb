#include "nodulus/nn/layers.h"

#include <algorithm>
#include <cmath>

#include "nodulus/nn/conv3x3.h"

namespace nodulus::nn {

using torch::Tensor;

void variance_scaling_(Tensor weight, double scale) {
  const std::int64_t field = weight.numel() / (weight.size(0) * weight.size(1));
  const double fan_average = static_cast<double>(field * (weight.size(0) + weight.size(1))) / 2;
  const double bound = std::sqrt(3 * std::max(scale, 1e-10) / fan_average);
  const torch::NoGradGuard no_grad;
  weight.uniform_(-bound, bound);
}

Conv2dImpl::Conv2dImpl(std::int64_t in, std::int64_t out, const Conv2dOptions& options)
    : weight_(register_parameter("weight", torch::empty({out, in, options.kernel, options.kernel}))),
      bias_(register_parameter("bias", torch::zeros({out}))),
      stride_(options.stride),
      padding_(options.stride == 1 ? options.kernel / 2 : 0) {
  variance_scaling_(weight_, options.init_scale);
}

Tensor Conv2dImpl::forward(const Tensor& x) {
  if (stride_ == 1 && padding_ == 1) return conv3x3(x, weight_, bias_);
  return libtorch_conv(x, weight_, bias_, stride_, padding_);
}

LinearImpl::LinearImpl(std::int64_t in, std::int64_t out, double init_scale)
    : weight_(register_parameter("weight", torch::empty({out, in}))),
      bias_(register_parameter("bias", torch::zeros({out}))) {
  variance_scaling_(weight_, init_scale);
}

Tensor LinearImpl::forward(const Tensor& x) { return torch::linear(x, weight_, bias_); }

}  // namespace nodulus::nn
