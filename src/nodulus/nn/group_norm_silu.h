#pragma once

#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>
#include <torch/types.h>

namespace nodulus::nn {

/// silu(GroupNorm(x)): what stands before every convolution of the U-Nets, as one pass over memory each way.
/// x [N, C, H, W]; weight, bias [C]; C divisible by groups. Wu & He 2018 (arXiv 1803.08494), eq. 7;
/// silu(z) = z sigmoid(z). float32 on the CPU goes through our kernel, all else through the reference.
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
};
TORCH_MODULE(GroupNormSilu);

}  // namespace nodulus::nn
