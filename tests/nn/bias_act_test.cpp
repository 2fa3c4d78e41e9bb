#include "nodulus/nn/bias_act.h"

#include <gtest/gtest.h>
#include <torch/autograd.h>

#include "nodulus/nn/modulated_conv.h"
#include "tests/nn/compared.h"

namespace nodulus::nn {
namespace {

using torch::Tensor;
using Map = std::function<Tensor(const std::vector<Tensor>&)>;

/// Values, gradients and the gradients of a function of these, of `ours` in float32 against `truth` in float64. The
/// last of the inputs is dL/dy.
void expect_agreement(const Map& ours, const Map& truth, const std::vector<Tensor>& inputs, double tolerance) {
  auto all_of = [](const Map& map, const std::vector<Tensor>& given) {
    std::vector<Tensor> of(given.begin(), given.end() - 1);
    const Tensor y = map(of);
    std::vector<Tensor> results{y};
    const auto plain = torch::autograd::grad({y}, of, {given.back()}, true, false);
    const auto first = torch::autograd::grad({y}, of, {given.back()}, true, true);
    Tensor sum = torch::zeros({}, y.options());
    for (std::size_t i = 0; i < of.size(); ++i) {
      results.push_back(plain[i]);
      results.push_back(first[i]);
      sum = sum + first[i].square().sum() + (first[i] * of[i]).sum();
    }
    for (const Tensor& t : torch::autograd::grad({sum}, given, {}, false, false, true))
      results.push_back(t.defined() ? t : torch::zeros({1}, y.options()));
    return results;
  };
  std::vector<Tensor> narrow;
  std::vector<Tensor> wide;
  for (const Tensor& t : inputs) {
    narrow.push_back(t.clone().requires_grad_());
    wide.push_back(t.to(torch::kDouble).requires_grad_());
  }
  const auto found = all_of(ours, narrow);
  const auto expected = all_of(truth, wide);
  ASSERT_EQ(found.size(), expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) EXPECT_LT(relative(found[i], expected[i]), tolerance) << i;
}

TEST(BiasAct, ValuesAndDerivativesAgreeWithTheReferenceInFloat64) {
  torch::manual_seed(3);
  for (const Activation& activation :
       {Activation{}, Activation{0.2, 1.5, 0.8}, Activation::none(), Activation::none(0.7)}) {
    for (const std::int64_t noises : {0, 1, 3}) {
      const Tensor noise = noises > 0 ? torch::randn({noises, 1, 5, 7}) : Tensor();
      auto terms = [&](const std::vector<Tensor>& in) {
        Preactivation t;
        t.scale = in[1];
        t.bias = in[2];
        if (noise.defined()) {
          t.noise = noise.to(in[0].scalar_type());
          t.strength = in[3];
        }
        return t;
      };
      std::vector<Tensor> inputs{torch::randn({3, 4, 5, 7}), torch::randn({3, 4}), torch::randn({4})};
      if (noise.defined()) inputs.push_back(torch::full({}, 0.3));
      inputs.push_back(torch::randn({3, 4, 5, 7}));
      expect_agreement([&](auto& in) { return bias_act(in[0], terms(in), activation); },
                       [&](auto& in) { return bias_act_reference(in[0], terms(in), activation); }, inputs, 1e-5);
    }
  }
}

TEST(BiasAct, TermsMayBeAbsent) {
  const Tensor x = torch::randn({2, 3, 4, 4});
  EXPECT_TRUE(bias_act(x, {}, Activation::none()).equal(x));
  const Tensor y = bias_act(x, {}, Activation{});
  EXPECT_TRUE(y.allclose(torch::leaky_relu(x, 0.2) * 1.4142135, 1e-6));
}

TEST(ModulatedConv, ValuesAndDerivativesAgreeWithAWeightForEachImageInFloat64) {
  torch::manual_seed(5);
  struct Case {
    std::int64_t in, out, kernel, size;
    bool demodulate, up;
  };
  // Winograd's shape, oneDNN's, twice as large, the 1x1 without demodulation that makes the image.
  for (const Case& c : {Case{8, 16, 3, 16, true, false}, Case{5, 3, 3, 6, true, false}, Case{6, 4, 3, 5, true, true},
                        Case{7, 1, 1, 6, false, false}}) {
    SCOPED_TRACE(c.in);
    const std::int64_t end = c.up ? 2 * c.size : c.size;
    auto inputs = [&](const std::vector<Tensor>& in) {
      ModulatedConv conv{in[1], in[2], c.demodulate, c.up};
      Preactivation terms;
      terms.bias = in[3];
      return std::pair{conv, terms};
    };
    expect_agreement(
        [&](auto& in) {
          auto [conv, terms] = inputs(in);
          return modulated_conv(in[0], conv, terms, Activation{});
        },
        [&](auto& in) {
          auto [conv, terms] = inputs(in);
          return modulated_conv_reference(in[0], conv, terms, Activation{});
        },
        {torch::randn({3, c.in, c.size, c.size}), torch::randn({c.out, c.in, c.kernel, c.kernel}),
         torch::randn({3, c.in}) + 1, torch::randn({c.out}), torch::randn({3, c.out, end, end})},
        1e-4);
  }
}

TEST(BiasAct, WhatIsNoNumberStaysThat) {
  const Tensor x = torch::tensor({NAN, INFINITY, -INFINITY, 1.0F}).view({1, 1, 2, 2});
  for (const double clamp : {0.0, 256.0}) {
    Activation activation;
    activation.clamp = clamp;
    const Tensor found = bias_act(x, {}, activation).flatten();
    const Tensor expected = bias_act_reference(x, {}, activation).flatten();
    EXPECT_TRUE(std::isnan(found[0].item<double>())) << clamp;
    EXPECT_TRUE(found.slice(0, 1).equal(expected.slice(0, 1))) << found << expected;
  }
}

}  // namespace
}  // namespace nodulus::nn
