// The arithmetic of the CUDA kernels, pixel by pixel on the CPU.
#include <gtest/gtest.h>
#include <torch/types.h>

#include <cmath>

#include "nodulus/nn/bias_act.h"
#include "nodulus/nn/bias_act_point.h"
#include "nodulus/nn/fir.h"
#include "nodulus/nn/fir_point.h"
#include "nodulus/nn/warp.h"
#include "nodulus/nn/warp_point.h"
#include "tests/nn/compared.h"

namespace nodulus::nn {
namespace {

using torch::Tensor;

double inner_product(const Tensor& a, const Tensor& b) {
  return (a.to(torch::kDouble) * b.to(torch::kDouble)).sum().item<double>();
}

// ---- bias_act

const float* numbers_of(const Tensor& t) { return t.defined() ? t.data_ptr<float>() : nullptr; }

BiasActBatch bias_act_batch(const Tensor& x, const Preactivation& terms, const Activation& activation) {
  BiasActBatch batch;
  batch.images = x.size(0);
  batch.channels = x.size(1);
  batch.pixels = x.size(2) * x.size(3);
  batch.scale = numbers_of(terms.scale);
  batch.noise = numbers_of(terms.noise);
  batch.strength = numbers_of(terms.strength);
  batch.bias = numbers_of(terms.bias);
  batch.has_noise_per_image = terms.noise.defined() && terms.noise.size(0) > 1;
  batch.slope = static_cast<float>(activation.slope);
  batch.gain = static_cast<float>(activation.gain);
  batch.clamp = static_cast<float>(activation.clamp);
  return batch;
}

struct BiasActResults {
  Tensor y, dx, sums;  ///< sums [3, N, C]: bias, scale, strength
};

template <class T>
BiasActResults bias_act_by_points(const BiasActBatch& batch, const Tensor& x, const Tensor& dy) {
  BiasActResults r{torch::empty_like(x), torch::empty_like(x), torch::empty({3, x.size(0), x.size(1)})};
  const std::int64_t planes = batch.images * batch.channels;
  for (std::int64_t p = 0; p < planes; ++p) {
    const BiasActPlane plane = bias_act_plane(batch, p);
    auto at = [&](const Tensor& t) { return t.data_ptr<T>() + p * batch.pixels; };
    BiasActSums sums;
    for (std::int64_t i = 0; i < batch.pixels; ++i) bias_act_point(plane, at(x), at(r.y), i);
    for (std::int64_t i = 0; i < batch.pixels; ++i)
      bias_act_point_backward<T>(plane, batch.scale != nullptr ? at(x) : nullptr, at(r.y), at(dy), at(r.dx), i, sums);
    auto* const all = r.sums.data_ptr<float>();
    all[p] = sums.bias;
    all[planes + p] = sums.scale;
    all[2 * planes + p] = sums.strength;
  }
  return r;
}

struct BiasActCase {
  Activation activation;
  bool scale, strength, bias;
  std::int64_t noises;
};

class BiasActPoint : public ::testing::TestWithParam<BiasActCase> {
 protected:
  static Preactivation random_terms() {
    const BiasActCase& c = GetParam();
    Preactivation terms;
    if (c.scale) terms.scale = torch::randn({3, 4});
    if (c.bias) terms.bias = torch::randn({4});
    if (c.noises > 0) terms.noise = torch::randn({c.noises, 1, 5, 7});
    if (c.strength) terms.strength = torch::full({}, 0.3F);
    return terms;
  }
};

// The reference in float64 and its derivatives are the truth.
TEST_P(BiasActPoint, AgreesWithTheReferenceInFloat64BothWays) {
  const BiasActCase& c = GetParam();
  const Preactivation terms = random_terms();
  const Tensor x = torch::randn({3, 4, 5, 7});
  const Tensor dy = torch::randn_like(x);
  const auto found = bias_act_by_points<float>(bias_act_batch(x, terms, c.activation), x, dy);

  auto wide = [](const Tensor& t) { return t.defined() ? t.to(torch::kDouble).requires_grad_() : t; };
  const Preactivation truth{wide(terms.scale), terms.noise.defined() ? terms.noise.to(torch::kDouble) : Tensor(),
                            wide(terms.strength), wide(terms.bias)};
  const Tensor wide_x = wide(x);
  const Tensor y = bias_act_reference(wide_x, truth, c.activation);
  y.backward(dy.to(torch::kDouble));
  EXPECT_LT(relative(found.y, y), 1e-6);
  EXPECT_LT(relative(found.dx, wide_x.grad()), 1e-6);
  if (c.bias) {
    EXPECT_LT(relative(found.sums[0].sum(0), truth.bias.grad()), 1e-5);
  }
  if (c.scale) {
    EXPECT_LT(relative(found.sums[1], truth.scale.grad()), 1e-5);
  }
  if (c.strength) {
    EXPECT_LT(relative(found.sums[2].sum(), truth.strength.grad()), 1e-5);
  }
}

TEST_P(BiasActPoint, AgreesWithTheCpuKernel) {
  const BiasActCase& c = GetParam();
  const Preactivation terms = random_terms();
  const Tensor x = torch::randn({3, 4, 5, 7});
  const Tensor dy = torch::randn_like(x);
  const BiasActBatch batch = bias_act_batch(x, terms, c.activation);
  const auto found = bias_act_by_points<float>(batch, x, dy);
  BiasActResults cpu{torch::empty_like(x), torch::empty_like(x), torch::empty({3, 12})};
  for (std::int64_t p = 0; p < 12; ++p) {
    const BiasActPlane plane = bias_act_plane(batch, p);
    auto at = [&](const Tensor& t) { return t.data_ptr<float>() + p * batch.pixels; };
    bias_act_forward(plane, at(x), at(cpu.y));
    const auto sums = bias_act_backward(plane, c.scale ? at(x) : nullptr, at(cpu.y), at(dy), at(cpu.dx));
    cpu.sums.select(1, p).copy_(torch::tensor({sums.bias, sums.scale, sums.strength}));
  }
  EXPECT_LT(relative(found.y, cpu.y), 1e-6);
  EXPECT_LT(relative(found.dx, cpu.dx), 1e-6);
  EXPECT_LT(relative(found.sums, cpu.sums.view({3, 3, 4})), 1e-5);
}

// What is stored is rounded once: half of bfloat16's last of 8 digits.
TEST_P(BiasActPoint, InBfloat16IsTheSameButForRounding) {
  const BiasActCase& c = GetParam();
  const Preactivation terms = random_terms();
  const Tensor x = torch::randn({3, 4, 5, 7}).to(torch::kBFloat16);
  const Tensor dy = torch::randn({3, 4, 5, 7}).to(torch::kBFloat16);
  const BiasActBatch batch = bias_act_batch(x, terms, c.activation);
  const auto narrow = bias_act_by_points<c10::BFloat16>(batch, x, dy);
  const auto wide = bias_act_by_points<float>(batch, x.to(torch::kFloat), dy.to(torch::kFloat));
  EXPECT_TRUE(narrow.y.equal(wide.y.to(torch::kBFloat16)));
  // The clamp of the cases is a number of bfloat16, so that its rounding decides nothing here.
  const Tensor close = (wide.y.abs() - c.activation.clamp).abs() < 0.01;
  EXPECT_TRUE(torch::where(close, wide.dx.to(torch::kBFloat16), narrow.dx).equal(wide.dx.to(torch::kBFloat16)));
}

INSTANTIATE_TEST_SUITE_P(Terms, BiasActPoint,
                         ::testing::Values(BiasActCase{Activation{}, true, true, true, 3},
                                           BiasActCase{Activation{}, true, true, true, 1},
                                           BiasActCase{Activation{}, false, false, false, 0},
                                           BiasActCase{Activation{}, false, false, true, 3},
                                           BiasActCase{Activation{0.2, 1.5, 0.75}, true, true, true, 3},
                                           BiasActCase{Activation{0.2, 1.5, 0.75}, false, false, true, 0},
                                           BiasActCase{Activation::none(), true, false, false, 0},
                                           BiasActCase{Activation::none(0.7), false, true, false, 1}));

TEST(BiasActPoint, WhatIsNoNumberStaysThat) {
  const BiasActPlane plane{1, 1, 0, 0, nullptr, 0.2F, 1, 256};
  const float x = NAN;
  float y = 0;
  bias_act_point(plane, &x, &y, 0);
  EXPECT_TRUE(std::isnan(y));
}

// ---- fir

template <class T>
Tensor fir_by_points(const FirPlan& plan, const Tensor& x) {
  Tensor y = torch::empty({x.size(0), x.size(1), plan.out_rows, plan.out_columns}, x.options());
  for (std::int64_t p = 0; p < x.size(0) * x.size(1); ++p) {
    const T* const from = x.data_ptr<T>() + p * plan.rows * plan.columns;
    T* to = y.data_ptr<T>() + p * plan.out_rows * plan.out_columns;
    for (int row = 0; row < plan.out_rows; ++row)
      for (int column = 0; column < plan.out_columns; ++column)
        *to++ = static_cast<T>(plan.up == 2 ? fir_point<2>(plan, from, row, column)
                                            : fir_point<1>(plan, from, row, column));
  }
  return y;
}

Tensor fir_by_cpu(const FirPlan& plan, const Tensor& x) {
  Tensor y = torch::empty({x.size(0), x.size(1), plan.out_rows, plan.out_columns});
  std::vector<float> scratch(static_cast<std::size_t>(fir_scratch_size(plan)));
  for (std::int64_t p = 0; p < x.size(0) * x.size(1); ++p)
    fir_plane(plan, x.data_ptr<float>() + p * plan.rows * plan.columns,
              y.data_ptr<float>() + p * plan.out_rows * plan.out_columns, scratch.data());
  return y;
}

struct FirPointCase {
  FirStep step;
  std::int64_t rows, columns;
};

class FirPoint : public ::testing::TestWithParam<FirPointCase> {
 protected:
  static FirPlan plan(const Tensor& y) {
    const auto& [step, rows, columns] = GetParam();
    return {rows, columns, y.size(2), y.size(3), step.up, step.down, step.before, step.gain};
  }
  /// Of a symmetric filter up and down change places.
  static FirPlan turned(const FirPlan& p) {
    return {p.out_rows, p.out_columns, p.rows, p.columns, p.down, p.up, 3 - p.before, p.gain};
  }
};

TEST_P(FirPoint, AgreesWithTheReferenceAndTheCpuKernel) {
  const Tensor x = torch::randn({2, 3, GetParam().rows, GetParam().columns});
  const Tensor expected = fir_reference(x.to(torch::kDouble), GetParam().step);
  const Tensor y = fir_by_points<float>(plan(expected), x);
  EXPECT_LT(relative(y, expected), 1e-6);
  EXPECT_LT(relative(y, fir_by_cpu(plan(expected), x)), 1e-6);
}

TEST_P(FirPoint, TheTransposedStepIsItsTranspose) {
  const Tensor x = torch::randn({2, 3, GetParam().rows, GetParam().columns});
  const FirPlan there = plan(fir_reference(x, GetParam().step));
  const Tensor y = fir_by_points<float>(there, x);
  const Tensor v = torch::randn_like(y);
  const Tensor back = fir_by_points<float>(turned(there), v);
  EXPECT_LT(relative(back, fir_by_cpu(turned(there), v)), 1e-6);
  EXPECT_NEAR(inner_product(y, v), inner_product(x, back), 1e-4);
}

TEST_P(FirPoint, InBfloat16IsTheSameButForRounding) {
  const Tensor x = torch::randn({1, 2, GetParam().rows, GetParam().columns}).to(torch::kBFloat16);
  const Tensor wide = x.to(torch::kFloat);
  const FirPlan there = plan(fir_reference(wide, GetParam().step));
  EXPECT_TRUE(fir_by_points<c10::BFloat16>(there, x).equal(fir_by_points<float>(there, wide).to(torch::kBFloat16)));
}

INSTANTIATE_TEST_SUITE_P(Steps, FirPoint,
                         ::testing::Values(FirPointCase{fir_up, 1, 1}, FirPointCase{fir_up, 5, 8},
                                           FirPointCase{fir_up_bordered, 1, 2}, FirPointCase{fir_up_bordered, 7, 5},
                                           FirPointCase{fir_down, 2, 2}, FirPointCase{fir_down, 6, 14},
                                           FirPointCase{fir_blur, 1, 1}, FirPointCase{fir_blur, 5, 18},
                                           FirPointCase{{1, 1, 1, 1, 2}, 9, 5}));  // after a transposed convolution

// ---- warp

struct WarpPointCase {
  std::int64_t rows, columns;
  double angle, scale, x, y;
};

class WarpPoint : public ::testing::TestWithParam<WarpPointCase> {
 protected:
  static Tensor inverse() { return inverse_of(GetParam().angle, GetParam().scale, GetParam().x, GetParam().y); }
  static WarpPlan plan() { return plan_warp(GetParam().rows, GetParam().columns, inverse().data_ptr<double>()); }
  static Tensor random_plane() { return torch::randn({GetParam().rows, GetParam().columns}); }
};

int sampled_of(std::int64_t size) { return static_cast<int>(2 * (size + warp_border)); }

Tensor warp_by_points(const WarpPlan& plan, const Tensor& x) {
  if (plan.still) return x;
  const int rows = sampled_of(plan.rows);
  const int columns = sampled_of(plan.columns);
  std::vector<float> samples;
  for (int row = 0; row < rows; ++row)
    for (int column = 0; column < columns; ++column)
      samples.push_back(warp_gather(plan, x.data_ptr<float>(), row, column));
  std::vector<float> narrow;  // [rows, plan.columns]
  for (int row = 0; row < rows; ++row)
    for (int k = 0; k < plan.columns; ++k) narrow.push_back(warp_reduce(&samples[row * columns + 2 * k + 1], 1));
  Tensor y = torch::empty_like(x);
  auto* to = y.data_ptr<float>();
  for (int k = 0; k < plan.rows; ++k)
    for (int column = 0; column < plan.columns; ++column)
      *to++ = warp_reduce(&narrow[(2 * k + 1) * plan.columns + column], static_cast<int>(plan.columns));
  return y;
}

Tensor warp_transposed_by_points(const WarpPlan& plan, const Tensor& dy) {
  if (plan.still) return dy;
  Tensor dx = torch::zeros_like(dy);
  for (int row = 0; row < sampled_of(plan.rows); ++row)
    for (int column = 0; column < sampled_of(plan.columns); ++column)
      warp_scatter(plan, warp_reduce_transposed(plan, dy.data_ptr<float>(), row, column), row, column,
                   dx.data_ptr<float>());
  return dx;
}

Tensor warp_by_cpu(const WarpPlan& plan, const Tensor& x, bool transposed) {
  if (plan.still) return x;
  Tensor y = torch::empty_like(x);
  std::vector<float> scratch(static_cast<std::size_t>(warp_scratch(plan)));
  (transposed ? warp_plane_transposed : warp_plane)(plan, x.data_ptr<float>(), y.data_ptr<float>(), scratch.data());
  return y;
}

TEST_P(WarpPoint, AgreesWithTheReferenceAndTheCpuKernel) {
  const Tensor x = random_plane();
  const Tensor y = warp_by_points(plan(), x);
  const Tensor expected = warp_reference(x.to(torch::kDouble).unsqueeze(0).unsqueeze(0), inverse())[0][0];
  EXPECT_LT(relative(y, expected), 2e-6);
  EXPECT_LT(relative(y, warp_by_cpu(plan(), x, false)), 2e-6);
}

TEST_P(WarpPoint, TheTransposedMapIsTheTranspose) {
  const Tensor x = random_plane();
  const Tensor v = random_plane();
  const Tensor y = warp_by_points(plan(), x);
  const Tensor back = warp_transposed_by_points(plan(), v);
  EXPECT_NEAR(inner_product(y, v), inner_product(x, back), 1e-5 * (y.norm() * v.norm()).item<double>());
  EXPECT_LT(relative(back, warp_by_cpu(plan(), v, true)), 2e-6);
}

// A map of zeros alone gives zeros: the cases hold none.
TEST_P(WarpPoint, MovesSomething) { EXPECT_GT(warp_by_points(plan(), random_plane()).norm().item<double>(), 0.01); }

INSTANTIATE_TEST_SUITE_P(Maps, WarpPoint,
                         ::testing::Values(WarpPointCase{9, 8, 0, 1, 0, 0}, WarpPointCase{12, 17, 0.4, 1.3, 2.5, -1},
                                           WarpPointCase{17, 12, 2, 0.5, 0, 3}, WarpPointCase{10, 10, -1, 0.2, 30, 4},
                                           WarpPointCase{12, 17, 0, 1, -5, 0}, WarpPointCase{7, 20, 0.1, 1, 0, 9.25},
                                           WarpPointCase{20, 7, 3, 0.3, 11.5, -17},
                                           WarpPointCase{16, 16, 0.7, 4, 20, 3},
                                           WarpPointCase{2, 3, 0.5, 0.6, 0.3, 0.1},
                                           WarpPointCase{8, 8, 0, 1, 1e-9, 0}));

}  // namespace
}  // namespace nodulus::nn
