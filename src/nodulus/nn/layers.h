#pragma once

#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>
#include <torch/types.h>

namespace nodulus::nn {

/// Fills a weight [out, in, ...] from U(-b, b), b = sqrt(3 scale / n), n the mean of fan-in and fan-out: the
/// initialiser of Ho et al. 2020 and Song et al. 2021 (variance scaling, fan_avg, uniform). Scale 0 becomes 1e-10, as
/// there.
void variance_scaling_(torch::Tensor weight, double scale = 1.0);

struct Conv2dOptions {
  std::int64_t kernel = 3;
  std::int64_t stride = 1;  ///< Stride 1 pads with zeros to keep the size; others do not pad.
  double init_scale = 1.0;
};

/// y = x * weight + bias; weight [out, in, kernel, kernel] by variance_scaling_, bias 0. (libtorch's own layer classes
/// cost every file that includes them 4 s of compile time.)
class Conv2dImpl : public torch::nn::Module {
 public:
  Conv2dImpl(std::int64_t in, std::int64_t out, const Conv2dOptions& options = {});
  /// x [N, in, H, W].
  torch::Tensor forward(const torch::Tensor& x);
  [[nodiscard]] const torch::Tensor& weight() const { return weight_; }

 private:
  torch::Tensor weight_;
  torch::Tensor bias_;
  std::int64_t stride_;
  std::int64_t padding_;
};
TORCH_MODULE(Conv2d);

/// y = weight x + bias; weight [out, in] by variance_scaling_, bias 0.
class LinearImpl : public torch::nn::Module {
 public:
  LinearImpl(std::int64_t in, std::int64_t out, double init_scale = 1.0);
  /// x [N, in].
  torch::Tensor forward(const torch::Tensor& x);

 private:
  torch::Tensor weight_;
  torch::Tensor bias_;
};
TORCH_MODULE(Linear);

}  // namespace nodulus::nn
