#include "nodulus/nn/convolution.h"

#include <gtest/gtest.h>

#include "nodulus/nn/avx2.h"
#include "nodulus/nn/conv_weight_gradient_kernel.h"
#include "nodulus/nn/layers.h"
#include "nodulus/nn/winograd_kernel.h"
#include "tests/nn/compared.h"

namespace nodulus::nn {
namespace {

using torch::Tensor;

class ConvolutionTest : public ::testing::TestWithParam<ConvShape> {};

// libtorch's convolution in float64 is the truth; float32 may differ from it by rounding only.
TEST_P(ConvolutionTest, ValueAndGradientsAgreeWithLibtorchInFloat64) {
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
  const Tensor y = convolve(ours[0], ours[1], ours[2], 1, 1);
  y.backward(gradient);
  const Tensor expected = torch::conv2d(truth[0], truth[1], truth[2], 1, 1);
  expected.backward(gradient.to(torch::kDouble));
  EXPECT_LT(relative(y, expected), 5e-6);
  for (std::size_t i = 0; i < ours.size(); ++i) EXPECT_LT(relative(ours[i].grad(), truth[i].grad()), 1e-5) << i;
}

// First those of Winograd's kernels: one block and several, blocks over several rows of tiles and parts of one,
// channels that fill no two vectors. Then those of the direct kernel; the last four are oneDNN's everywhere.
INSTANTIATE_TEST_SUITE_P(Shapes, ConvolutionTest,
                         ::testing::Values(ConvShape{2, 16, 24, 16, 16}, ConvShape{3, 40, 8, 32, 32},
                                           ConvShape{1, 8, 16, 48, 48}, ConvShape{1, 24, 32, 8, 64},
                                           ConvShape{1, 8, 8, 16, 144}, ConvShape{1, 1, 4, 8, 8},
                                           ConvShape{3, 5, 12, 1, 8}, ConvShape{5, 3, 20, 7, 24},
                                           ConvShape{9, 2, 4, 16, 16}, ConvShape{2, 6, 36, 50, 40},
                                           ConvShape{70, 2, 16, 8, 8}, ConvShape{2, 32, 32, 64, 64},
                                           ConvShape{2, 3, 6, 8, 8}, ConvShape{2, 3, 4, 8, 12},
                                           ConvShape{1, 2, 3, 5, 7}, ConvShape{1, 8, 8, 4, 4}));

using ConvolutionMap = std::function<Tensor(const Tensor& x, const Tensor& weight, const Tensor& bias)>;

/// Second derivatives of a map of x and weight: the gradients of a random function of its gradients, which sees each of
/// the products x-weight, x-dy and weight-dy.
std::vector<Tensor> second_derivatives(const ConvolutionMap& map, std::vector<Tensor> inputs) {
  const Tensor y = map(inputs[0], inputs[1], inputs[2]);
  const auto first = torch::autograd::grad({y}, {inputs[0], inputs[1], inputs[2]}, {inputs[3]}, true, true);
  const Tensor sum =
      first[0].square().sum() + first[1].square().sum() + (first[0] * inputs[0]).sum() + first[2].pow(3).sum();
  return torch::autograd::grad({sum}, {inputs[0], inputs[1], inputs[3]});
}

void expect_second_derivatives(const ConvolutionMap& ours, const ConvolutionMap& truth,
                               const std::vector<Tensor>& inputs) {
  std::vector<Tensor> narrow;
  std::vector<Tensor> wide;
  for (const Tensor& t : inputs) {
    narrow.push_back(t.clone().requires_grad_());
    wide.push_back(t.to(torch::kDouble).requires_grad_());
  }
  const auto found = second_derivatives(ours, narrow);
  const auto expected = second_derivatives(truth, wide);
  for (std::size_t i = 0; i < found.size(); ++i) EXPECT_LT(relative(found[i], expected[i]), 2e-5) << i;
}

TEST(Convolution, SecondDerivativesAgreeWithLibtorchInFloat64) {
  torch::manual_seed(4);
  struct Case {
    std::int64_t in, out, kernel, stride, padding, size;
  };
  // Winograd's, the direct kernel, oneDNN's: 3x3, strided, without padding, 1x1; both kernels of a stride, one of them.
  for (const Case& c :
       {Case{8, 16, 3, 1, 1, 16}, Case{3, 4, 3, 1, 1, 8}, Case{3, 5, 3, 1, 1, 7}, Case{4, 6, 3, 2, 1, 9},
        Case{4, 6, 3, 2, 0, 8}, Case{4, 6, 1, 1, 0, 6}, Case{12, 16, 3, 2, 0, 33}, Case{4, 32, 3, 2, 0, 20}}) {
    const std::int64_t end = (c.size + 2 * c.padding - c.kernel) / c.stride + 1;
    const Tensor weight = torch::randn({c.out, c.in, c.kernel, c.kernel});
    const Tensor x = torch::randn({2, c.in, c.size, c.size});
    const Tensor dy = torch::randn({2, c.out, end, end});
    SCOPED_TRACE(c.in * 100 + c.stride * 10 + c.padding);
    expect_second_derivatives([&](auto& a, auto& w, auto& b) { return convolve(a, w, b, c.stride, c.padding); },
                              [&](auto& a, auto& w, auto& b) { return torch::conv2d(a, w, b, c.stride, c.padding); },
                              {x, weight, torch::randn({c.out}), dy});
    const std::int64_t extra = c.size + 2 * c.padding - c.kernel - (end - 1) * c.stride;
    expect_second_derivatives(
        [&](auto& a, auto& w, auto& b) { return convolve_transposed(a, w, b, c.stride, c.padding, c.size, c.size); },
        [&](auto& a, auto& w, auto& b) { return torch::conv_transpose2d(a, w, b, c.stride, c.padding, extra); },
        {dy, weight, torch::randn({c.in}), x});
  }
}

TEST(Convolution, AnImagesGradientDoesNotDependOnItsBatch) {
  struct Case {
    std::int64_t in, out, kernel, stride, padding, size;
  };
  for (const Case& c : {Case{8, 16, 3, 1, 1, 16}, Case{3, 5, 3, 1, 1, 7}, Case{4, 6, 3, 2, 0, 8},
                        Case{4, 6, 1, 1, 0, 6}, Case{24, 16, 3, 1, 1, 12}, Case{8, 16, 3, 2, 0, 35}}) {
    const Tensor weight = torch::randn({c.out, c.in, c.kernel, c.kernel});
    const Tensor x = torch::randn({20, c.in, c.size, c.size});
    const std::int64_t end = (c.size + 2 * c.padding - c.kernel) / c.stride + 1;
    const Tensor dy = torch::randn({20, c.out, end, end});
    auto gradient = [&](std::int64_t first, std::int64_t count) {
      const Tensor part = x.narrow(0, first, count).clone().requires_grad_();
      convolve(part, weight, {}, c.stride, c.padding).backward(dy.narrow(0, first, count));
      return part.grad();
    };
    const Tensor together = gradient(0, 20);
    for (std::int64_t i = 0; i < 20; ++i) EXPECT_TRUE(gradient(i, 1)[0].equal(together[i])) << c.in << ": " << i;
    EXPECT_TRUE(gradient(3, 3).equal(together.narrow(0, 3, 3))) << c.in;
  }
}

TEST(FilterCache, MakesFiltersAnewWhenTheWeightChanges) {
  Tensor weight = torch::zeros({2});
  FilterCache cache;
  int made = 0;
  auto ask = [&](const Tensor& of) { return cache.of(of, [&] { return torch::full({1}, ++made); }).item<int>(); };
  EXPECT_EQ(ask(weight), 1);
  EXPECT_EQ(ask(weight), 1);
  weight.add_(1);
  EXPECT_EQ(ask(weight), 2);
  const Tensor other = torch::zeros({2}).add_(1);  // as often changed
  ASSERT_EQ(other._version(), weight._version());
  EXPECT_EQ(ask(other), 3);
  cache.clear();
  EXPECT_EQ(ask(other), 4);
}

TEST(FilterCache, IsUsedByALayerThatIsNotBeingTrained) {
  const torch::NoGradGuard no_grad;
  Conv2d layer(16, 8);
  layer->eval();
  const Tensor x = torch::randn({1, 16, 16, 16});
  const Tensor first = layer(x);
  // A change that is not counted is not seen: the filters are kept.
  layer->weight().data_ptr<float>()[0] += 1;
  EXPECT_TRUE(layer(x).equal(first) || !has_winograd({1, 16, 8, 16, 16}));
  layer->train();
  const Tensor second = layer(x);
  EXPECT_FALSE(second.equal(first));
  layer->eval();
  EXPECT_TRUE(layer(x).equal(second));
  Tensor(layer->weight()).mul_(2);
  EXPECT_TRUE(layer(x).allclose(2 * second, 1e-4, 1e-4));
}

TEST(Convolution, RefusesShapesThatDoNotFit) {
  const Tensor x = torch::randn({2, 8, 16, 16});
  EXPECT_THROW(convolve(x, torch::randn({8, 4, 3, 3}), {}, 1, 1), c10::Error);
  EXPECT_THROW(convolve(x, torch::randn({8, 8, 3, 1}), {}, 1, 1), c10::Error);
  EXPECT_THROW(convolve(x, torch::randn({8, 8, 3, 3}), torch::randn({4}), 1, 1), c10::Error);
  EXPECT_THROW(convolve(torch::randn({2, 8, 2, 2}), torch::randn({8, 8, 3, 3}), {}, 1, 0), c10::Error);
  EXPECT_THROW(convolve_transposed(torch::randn({1, 8, 1, 1}), torch::randn({8, 8, 3, 3}), {}, 2, 0, 2, 2), c10::Error);
  EXPECT_EQ(convolve(torch::randn({0, 8, 16, 16}), torch::randn({8, 8, 3, 3}), {}, 1, 1).size(0), 0);
}

TEST(Convolution, AnImageDoesNotDependOnItsBatch) {
  const torch::NoGradGuard no_grad;
  const Tensor x = torch::randn({5, 24, 32, 32});
  const Tensor weight = torch::randn({16, 24, 3, 3});
  const Tensor bias = torch::randn({16});
  const Tensor together = convolve(x, weight, bias, 1, 1);
  for (std::int64_t i = 0; i < 5; ++i)
    EXPECT_TRUE(convolve(x.narrow(0, i, 1), weight, bias, 1, 1)[0].equal(together[i])) << i;
}

TEST(Convolution, OurKernelsAreInUseWhereTheyShould) {
#if defined(__x86_64__) && defined(__GNUC__)
  const bool narrow = has_avx2() && !__builtin_cpu_supports("avx512f");
#else
  const bool narrow = false;
#endif
  EXPECT_EQ(has_winograd({2, 64, 32, 16, 16}), has_avx2());
  EXPECT_FALSE(has_winograd({2, 2, 32, 64, 64}));
  EXPECT_FALSE(has_winograd({2, 64, 32, 24, 24}));
  EXPECT_EQ(has_conv_weight_gradient({2, 3, 8, 16, 16}), narrow);
  EXPECT_FALSE(has_conv_weight_gradient({2, 3, 6, 16, 16}));
  EXPECT_FALSE(has_conv_weight_gradient({2, 3, 8, 16, 12}));
  // Where Winograd's kernel has the shape, it is what answers: its rounding is not oneDNN's.
  const Tensor x = torch::randn({2, 64, 16, 16});
  const Tensor weight = torch::randn({32, 64, 3, 3});
  const Tensor direct = at::mkldnn_convolution(x, weight, {}, {1, 1}, {1, 1}, {1, 1}, 1);
  EXPECT_EQ(!convolve(x, weight, {}, 1, 1).equal(direct), has_avx2());
}

TEST(Convolution, TakesAnyMemoryFormatAndNeedsNoGradientOfTheImage) {
  const Tensor x = torch::randn({2, 8, 16, 16}).contiguous(at::MemoryFormat::ChannelsLast);
  const Tensor weight = torch::randn({3, 3, 8, 8}).permute({2, 3, 0, 1}).requires_grad_();
  const Tensor bias = torch::randn({8, 2}).select(1, 0).requires_grad_();
  const Tensor y = convolve(x, weight, bias, 1, 1);
  const Tensor expected = torch::conv2d(x.to(torch::kDouble), weight.to(torch::kDouble), bias.to(torch::kDouble), 1, 1);
  EXPECT_LT(relative(y, expected), 1e-5);
  const auto found = torch::autograd::grad({y.square().sum()}, {weight, bias});
  const auto truth = torch::autograd::grad({expected.square().sum()}, {weight, bias});
  for (std::size_t i = 0; i < 2; ++i) EXPECT_LT(relative(found[i], truth[i].to(torch::kDouble)), 1e-5) << i;
}

}  // namespace
}  // namespace nodulus::nn
