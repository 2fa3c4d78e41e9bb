#include "nodulus/nn/fir.h"

#include <gmock/gmock.h>

#include "tests/nn/compared.h"

namespace nodulus::nn {
namespace {

using torch::Tensor;

struct FirCase {
  FirStep step;
  std::vector<std::int64_t> in;
  std::vector<std::int64_t> out;
};

class FirTest : public ::testing::TestWithParam<FirCase> {};

// The reference in float64 is the truth; our float32 kernel may differ from it by rounding only.
TEST_P(FirTest, ValueAndGradientAgreeWithTheReferenceInFloat64) {
  const FirCase& c = GetParam();
  torch::manual_seed(1);
  Tensor x = torch::randn(c.in);
  const Tensor truth = x.to(torch::kDouble).requires_grad_();
  x.requires_grad_();
  const Tensor y = fir(x, c.step);
  ASSERT_EQ(y.sizes(), c.out);
  const Tensor expected = fir_reference(truth, c.step);
  ASSERT_EQ(expected.sizes(), c.out);
  EXPECT_LT(relative(y, expected), 1e-6);
  const Tensor gradient = torch::randn_like(y);
  y.backward(gradient);
  expected.backward(gradient.to(torch::kDouble));
  EXPECT_LT(relative(x.grad(), truth.grad()), 1e-6);
  const torch::NoGradGuard no_grad;
  EXPECT_TRUE(fir(x, c.step).equal(y));
}

INSTANTIATE_TEST_SUITE_P(
    Shapes, FirTest,
    ::testing::Values(FirCase{fir_up, {1, 1, 1, 1}, {1, 1, 2, 2}}, FirCase{fir_up, {2, 3, 5, 7}, {2, 3, 10, 14}},
                      FirCase{fir_up, {3, 16, 16, 16}, {3, 16, 32, 32}},
                      FirCase{fir_up_bordered, {1, 1, 1, 2}, {1, 1, 4, 6}},
                      FirCase{fir_up_bordered, {2, 3, 7, 5}, {2, 3, 16, 12}},
                      FirCase{fir_down, {1, 1, 2, 2}, {1, 1, 1, 1}}, FirCase{fir_down, {2, 3, 6, 14}, {2, 3, 3, 7}},
                      FirCase{fir_down, {3, 16, 32, 32}, {3, 16, 16, 16}},
                      FirCase{fir_blur, {1, 1, 1, 1}, {1, 1, 2, 2}}, FirCase{fir_blur, {2, 3, 5, 18}, {2, 3, 6, 19}}));

TEST(Fir, KeepsTheBrightnessOfWhatIsEvenlyBright) {
  const Tensor x = torch::ones({1, 1, 8, 8});
  for (const FirStep& step : {fir_up, fir_down, fir_blur}) {
    const Tensor y = fir(x, step);
    const std::int64_t inside = y.size(2) - 4;
    EXPECT_TRUE(y.narrow(2, 2, inside).narrow(3, 2, inside).equal(torch::ones({1, 1, inside, inside})));
  }
}

TEST(Fir, DownByHand) {
  // Along a row of one: (3 a + 3 b + c) / 8 and (b + 3 c + 3 d) / 8, times 3/8 + 3/8 for the second row of pixels.
  const Tensor x = torch::tensor({1.0F, 2.0F, 3.0F, 4.0F}).reshape({1, 1, 1, 4}).expand({1, 1, 2, 4});
  const Tensor y = fir(x, fir_down).flatten();
  EXPECT_FLOAT_EQ(y[0].item<float>(), 0.75F * (3 * 1 + 3 * 2 + 3) / 8);
  EXPECT_FLOAT_EQ(y[1].item<float>(), 0.75F * (2 + 3 * 3 + 3 * 4) / 8);
}

TEST(Fir, TakesAnyMemoryFormat) {
  const Tensor x = torch::randn({2, 8, 6, 6});
  const Tensor plain = fir(x, fir_down);
  EXPECT_TRUE(fir(x.contiguous(at::MemoryFormat::ChannelsLast), fir_down).equal(plain));
  EXPECT_TRUE(fir(x.transpose(2, 3).contiguous().transpose(2, 3), fir_down).equal(plain));
}

TEST(Fir, IsTwiceDifferentiable) {
  const Tensor x = torch::randn({1, 2, 4, 4}).requires_grad_();
  const Tensor gradient = torch::autograd::grad({fir(x, fir_down).pow(3).sum()}, {x}, {}, true, true)[0];
  EXPECT_TRUE(torch::autograd::grad({gradient.sum()}, {x})[0].isfinite().all().item<bool>());
}

TEST(Fir, RefusesOddSizesToHalve) { EXPECT_THROW(fir(torch::randn({1, 1, 5, 4}), fir_down), c10::Error); }

}  // namespace
}  // namespace nodulus::nn
