#pragma once

#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>
#include <torch/types.h>

namespace nodulus::nn {

/// silu(GroupNorm(x)): what stands before every convolution of the U-Nets, as one pass over memory each way.
/// x [N, C, H, W]; weight, bias [C], or [N or 1, C] where each image has its own; C divisible by groups. Wu & He 2018
/// (arXiv 1803.08494), eq. 7; silu(z) = z sigmoid(z). An image does not depend on its batch. float32 on the CPU goes
/// through our kernel, all else through the reference.
torch::Tensor group_norm_silu(const torch::Tensor& x, const torch::Tensor& weight, const torch::Tensor& bias,
                              std::int64_t groups, double eps);

/// The same by libtorch's own operations.
torch::Tensor group_norm_silu_reference(const torch::Tensor& x, const torch::Tensor& weight, const torch::Tensor& bias,
                                        std::int64_t groups, double eps);

/// Group normalisation with weight (ones) and bias (zeros).
class GroupNormImpl : public torch::nn::Module {
 public:
  GroupNormImpl(std::int64_t channels, std::int64_t groups, double eps = 1e-6);
  torch::Tensor forward(const torch::Tensor& x) { return torch::group_norm(x, groups_, weight_, bias_, eps_); }

 protected:
  std::int64_t groups_;
  double eps_;
  torch::Tensor weight_;
  torch::Tensor bias_;
};
TORCH_MODULE(GroupNorm);

/// Group normalisation followed by SiLU.
class GroupNormSiluImpl : public GroupNormImpl {
 public:
  using GroupNormImpl::GroupNormImpl;
  torch::Tensor forward(const torch::Tensor& x) { return group_norm_silu(x, weight_, bias_, groups_, eps_); }
  /// silu(GroupNorm(x) (1 + scale) + shift), scale and shift [N or 1, C] (Dhariwal and Nichol 2021, arXiv 2105.05233,
  /// section 3.1).
  torch::Tensor scaled(const torch::Tensor& x, const torch::Tensor& scale, const torch::Tensor& shift) {
    return group_norm_silu(x, weight_ * (1 + scale), bias_ * (1 + scale) + shift, groups_, eps_);
  }
};
TORCH_MODULE(GroupNormSilu);

}  // namespace nodulus::nn
