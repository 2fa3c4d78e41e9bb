#include "nodulus/nn/conv3x3.h"

#include <gtest/gtest.h>

#include "nodulus/nn/conv_weight_gradient_kernel.h"
#include "nodulus/nn/winograd_kernel.h"

namespace nodulus::nn {
namespace {

using torch::Tensor;

class Conv3x3Test : public ::testing::TestWithParam<ConvShape> {};

double relative(const Tensor& found, const Tensor& expected) {
  return ((found.to(torch::kDouble) - expected).norm() / expected.norm()).item<double>();
}

// libtorch's convolution in float64 is the truth; float32 may differ from it by rounding only.
TEST_P(Conv3x3Test, ValueAndGradientsAgreeWithLibtorchInFloat64) {
  const ConvShape s = GetParam();
  torch::manual_seed(2);
  std::vector<Tensor> ours{torch::randn({s.images, s.in, s.height, s.width}), torch::randn({s.out, s.in, 3, 3}),
                           torch::randn({s.out})};
  const Tensor gradient = torch::randn({s.images, s.out, s.height, s.width});
  std::vector<Tensor> truth;
  for (Tensor& t : ours) {
    truth.push_back(t.to(torch::kDouble).requires_grad_());
    t.requires_grad_();
  }
  const Tensor y = conv3x3(ours[0], ours[1], ours[2]);
  y.backward(gradient);
  const Tensor expected = torch::conv2d(truth[0], truth[1], truth[2], 1, 1);
  expected.backward(gradient.to(torch::kDouble));
  EXPECT_LT(relative(y, expected), 5e-6);
  for (std::size_t i = 0; i < ours.size(); ++i) EXPECT_LT(relative(ours[i].grad(), truth[i].grad()), 1e-5) << i;
}

// First those of Winograd's kernels: one block and several, blocks over several rows of tiles and parts of one,
// channels that fill no two vectors. Then those of the direct kernel; the last four are libtorch's everywhere.
INSTANTIATE_TEST_SUITE_P(Shapes, Conv3x3Test,
                         ::testing::Values(ConvShape{2, 16, 24, 16, 16}, ConvShape{3, 40, 8, 32, 32},
                                           ConvShape{1, 8, 16, 48, 48}, ConvShape{1, 24, 32, 8, 64},
                                           ConvShape{1, 8, 8, 16, 144}, ConvShape{1, 1, 4, 8, 8},
                                           ConvShape{3, 5, 12, 1, 8}, ConvShape{5, 3, 20, 7, 24},
                                           ConvShape{9, 2, 4, 16, 16}, ConvShape{2, 6, 36, 50, 40},
                                           ConvShape{70, 2, 16, 8, 8}, ConvShape{2, 32, 32, 64, 64},
                                           ConvShape{2, 3, 6, 8, 8}, ConvShape{2, 3, 4, 8, 12},
                                           ConvShape{1, 2, 3, 5, 7}, ConvShape{1, 8, 8, 4, 4}));

TEST(Conv3x3, AnImageDoesNotDependOnItsBatch) {
  const torch::NoGradGuard no_grad;
  const Tensor x = torch::randn({5, 24, 32, 32});
  const Tensor weight = torch::randn({16, 24, 3, 3});
  const Tensor bias = torch::randn({16});
  const Tensor together = conv3x3(x, weight, bias);
  for (std::int64_t i = 0; i < 5; ++i) EXPECT_TRUE(conv3x3(x.narrow(0, i, 1), weight, bias)[0].equal(together[i])) << i;
}

TEST(Conv3x3, OurKernelsAreInUseWhereTheyShould) {
#if defined(__x86_64__) && defined(__GNUC__)
  const bool here =
      __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && !__builtin_cpu_supports("avx512f");
#else
  const bool here = false;
#endif
#if defined(__x86_64__) && defined(__GNUC__)
  EXPECT_EQ(has_winograd({2, 64, 32, 16, 16}), __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"));
#endif
  EXPECT_FALSE(has_winograd({2, 2, 32, 64, 64}));
  EXPECT_FALSE(has_winograd({2, 64, 32, 24, 24}));
  EXPECT_EQ(has_conv_weight_gradient({2, 3, 8, 16, 16}), here);
  EXPECT_FALSE(has_conv_weight_gradient({2, 3, 6, 16, 16}));
  EXPECT_FALSE(has_conv_weight_gradient({2, 3, 8, 16, 12}));
}

TEST(Conv3x3, TakesAnyMemoryFormatAndNeedsNoGradientOfTheImage) {
  const Tensor x = torch::randn({2, 8, 8, 8});
  const Tensor weight = torch::randn({8, 8, 3, 3}).requires_grad_();
  const Tensor bias = torch::zeros({8}).requires_grad_();
  conv3x3(x, weight, bias).square().sum().backward();
  const Tensor expected = weight.grad().clone();
  weight.mutable_grad().zero_();
  conv3x3(x.contiguous(at::MemoryFormat::ChannelsLast), weight, bias).square().sum().backward();
  EXPECT_LT(relative(weight.grad(), expected.to(torch::kDouble)), 1e-5);
}

}  // namespace
}  // namespace nodulus::nn
