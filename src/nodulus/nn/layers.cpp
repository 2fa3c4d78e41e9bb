#include "nodulus/nn/layers.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "nodulus/nn/plain_operations.h"

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
      stride_(options.stride),
      padding_(options.stride == 1 && options.pad ? options.kernel / 2 : 0) {
  if (options.bias) bias_ = register_parameter("bias", torch::zeros({out}));
  variance_scaling_(weight_, options.init_scale);
}

Tensor Conv2dImpl::forward(const Tensor& x) {
  return convolve(x, weight_, bias_, stride_, padding_, is_training() ? nullptr : &cache_);
}

void Conv2dImpl::train(bool on) {
  if (on) cache_.clear();
  torch::nn::Module::train(on);
}

ConvTranspose2dImpl::ConvTranspose2dImpl(std::int64_t in, std::int64_t out, std::int64_t stride, bool bias)
    : weight_(register_parameter("weight", torch::empty({in, out, 3, 3}))), stride_(stride) {
  if (bias) bias_ = register_parameter("bias", torch::zeros({out}));
  variance_scaling_(weight_);
}

Tensor ConvTranspose2dImpl::forward(const Tensor& x, std::int64_t height, std::int64_t width) {
  return convolve_transposed(x, weight_, bias_, stride_, 0, height, width);
}

Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias) {
  const bool trains = torch::GradMode::is_enabled() && (weight.requires_grad() || x.requires_grad());
  if (trains || PlainOperations::active() || !x.is_cpu() || x.size(0) < 2) return torch::linear(x, weight, bias);
  std::vector<Tensor> rows;
  rows.reserve(static_cast<std::size_t>(x.size(0)));
  for (const Tensor& row : x.split(1)) rows.push_back(torch::linear(row, weight, bias));
  return torch::cat(rows);
}

LinearImpl::LinearImpl(std::int64_t in, std::int64_t out, double init_scale)
    : weight_(register_parameter("weight", torch::empty({out, in}))),
      bias_(register_parameter("bias", torch::zeros({out}))) {
  variance_scaling_(weight_, init_scale);
}

Tensor LinearImpl::forward(const Tensor& x) { return linear(x, weight_, bias_); }

}  // namespace nodulus::nn
