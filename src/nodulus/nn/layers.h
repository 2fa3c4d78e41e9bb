#pragma once

#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>
#include <torch/types.h>

#include "nodulus/nn/convolution.h"

namespace nodulus::nn {

/// Fills a weight [out, in, ...] from U(-b, b), b = sqrt(3 scale / n), n the mean of fan-in and fan-out: the
/// initialiser of Ho et al. 2020 and Song et al. 2021 (variance scaling, fan_avg, uniform). Scale 0 becomes 1e-10, as
/// there.
void variance_scaling_(torch::Tensor weight, double scale = 1.0);

struct Conv2dOptions {
  std::int64_t kernel = 3;
  std::int64_t stride = 1;  ///< Stride 1 pads with zeros to keep the size; others do not pad.
  double init_scale = 1.0;
  bool pad = true;  ///< False: stride 1 does not pad either.
  bool bias = true;
};

/// y = x * weight + bias; weight [out, in, kernel, kernel] by variance_scaling_, bias 0. (libtorch's own layer classes
/// cost every file that includes them 4 s of compile time.)
class Conv2dImpl : public torch::nn::Module {
 public:
  Conv2dImpl(std::int64_t in, std::int64_t out, const Conv2dOptions& options = {});
  /// x [N, in, H, W].
  torch::Tensor forward(const torch::Tensor& x);
  [[nodiscard]] const torch::Tensor& weight() const { return weight_; }
  void train(bool on = true) override;

 private:
  torch::Tensor weight_;
  torch::Tensor bias_;
  std::int64_t stride_;
  std::int64_t padding_;
  FilterCache cache_;
};
TORCH_MODULE(Conv2d);

/// Transposed convolution, 3x3 without padding; weight [in, out, 3, 3] by variance_scaling_, bias 0.
class ConvTranspose2dImpl : public torch::nn::Module {
 public:
  ConvTranspose2dImpl(std::int64_t in, std::int64_t out, std::int64_t stride, bool bias = true);
  /// x [N, in, H, W] -> [N, out, height, width]; height is (H - 1) stride + 3, or up to stride - 1 more where that is
  /// the size of the image that a convolution made x from; width alike.
  torch::Tensor forward(const torch::Tensor& x, std::int64_t height, std::int64_t width);

 private:
  torch::Tensor weight_;
  torch::Tensor bias_;
  std::int64_t stride_;
};
TORCH_MODULE(ConvTranspose2d);

/// weight x + bias for x [N, in], weight [out, in], bias [out] or undefined. On the CPU, where no gradient
/// is asked for, each row by itself: a matrix product rounds a row otherwise in one batch than in another.
torch::Tensor linear(const torch::Tensor& x, const torch::Tensor& weight, const torch::Tensor& bias);

/// y = weight x + bias; weight [out, in] by variance_scaling_, bias 0; by linear().
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
