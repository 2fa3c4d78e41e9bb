#include "nodulus/nn/warp.h"

#include <gtest/gtest.h>
#include <torch/autograd.h>

#include <cmath>

#include "tests/nn/compared.h"

namespace nodulus::nn {
namespace {

using torch::Tensor;

Tensor several_inverses() {
  return torch::cat({inverse_of(0, 1, 0, 0), inverse_of(0.4, 1.3, 2.5, -1), inverse_of(2, 0.5, 0, 3),
                     inverse_of(-1, 0.2, 30, 4), inverse_of(0, 1, -5, 0)});
}

TEST(Warp, AgreesWithTheReferenceInFloat64) {
  torch::manual_seed(1);
  const Tensor inverse = several_inverses();
  const Tensor x = torch::randn({5, 2, 12, 17});
  const Tensor expected = warp_reference(x.to(torch::kDouble), inverse);
  EXPECT_TRUE(warp(x, inverse).to(torch::kDouble).allclose(expected, 1e-4, 2e-5));
}

TEST(Warp, BothDerivativesAgreeWithTheReferenceInFloat64) {
  torch::manual_seed(2);
  const Tensor inverse = several_inverses();
  const Tensor x = torch::randn({5, 1, 9, 8});
  const Tensor u = torch::randn_like(x);
  auto derivatives = [&](torch::ScalarType type, auto map) {
    const Tensor in = x.to(type).clone().requires_grad_();
    const Tensor y = map(in, inverse);
    const Tensor first = torch::autograd::grad({y.pow(3).sum()}, {in}, {}, true, true)[0];
    const Tensor second = torch::autograd::grad({(first * u.to(type)).sum()}, {in})[0];
    return std::pair{first.detach().to(torch::kDouble), second.to(torch::kDouble)};
  };
  const auto [first, second] = derivatives(torch::kFloat, warp);
  const auto [first_true, second_true] = derivatives(torch::kDouble, warp_reference);
  EXPECT_LT(((first - first_true).norm() / first_true.norm()).item<double>(), 1e-5);
  EXPECT_LT(((second - second_true).norm() / second_true.norm()).item<double>(), 1e-5);
}

TEST(Warp, TheSecondMapIsTheTransposeOfTheFirst) {
  const Tensor inverse = several_inverses();
  const Tensor x = torch::randn({5, 1, 10, 10}, torch::kFloat).requires_grad_();
  const Tensor v = torch::randn({5, 1, 10, 10});
  const Tensor y = warp(x, inverse);
  const Tensor back = torch::autograd::grad({y}, {x}, {v})[0];
  EXPECT_NEAR((y * v).sum().item<double>(), (x * back).sum().item<double>(), 1e-3);
}

TEST(Warp, LeavesASmoothImageWhereNothingMoves) {
  const Tensor at = torch::arange(32, torch::kFloat);
  const Tensor x = (torch::sin(at / 5).unsqueeze(1) + torch::cos(at / 4)).view({1, 1, 32, 32});
  EXPECT_LT((warp(x, inverse_of(0, 1, 1e-9, 0)) - x).abs().max().item<float>(), 0.02);
}

TEST(Warp, MovesByWholePixelsAndReflects) {
  const Tensor at = torch::arange(32, torch::kFloat);
  const Tensor x = torch::sin(at / 5).expand({1, 1, 32, 32}).contiguous();
  const Tensor y = warp(x, inverse_of(0, 1, 3, 0));
  EXPECT_LT((y.slice(3, 3) - x.slice(3, 0, 29)).abs().max().item<float>(), 0.02);
  EXPECT_LT((y.slice(3, 0, 3) - x.slice(3, 1, 4).flip(3)).abs().max().item<float>(), 0.05);
}

TEST(SampleBilinear, HasASecondDerivative) {
  const Tensor x = torch::randn({1, 1, 5, 5}, torch::kDouble).requires_grad_();
  const Tensor grid = torch::rand({1, 3, 4, 2}, torch::kDouble) * 2.4 - 1.2;
  const Tensor first = torch::autograd::grad({sample_bilinear(x, grid).square().sum()}, {x}, {}, true, true)[0];
  const Tensor v = torch::randn_like(x);
  const Tensor second = torch::autograd::grad({(first * v).sum()}, {x})[0];
  // The function is a quadratic form: its Hessian by v is the gradient at v.
  const Tensor at = v.detach().requires_grad_();
  const Tensor expected = torch::autograd::grad({sample_bilinear(at, grid).square().sum()}, {at})[0];
  EXPECT_TRUE(second.allclose(expected));
}

}  // namespace
}  // namespace nodulus::nn
