#include "nodulus/nn/group_norm_silu.h"

#include <gmock/gmock.h>

#include "nodulus/nn/plain_operations.h"
#include "tests/nn/compared.h"

namespace nodulus::nn {
namespace {

using torch::Tensor;

struct Case {
  std::int64_t batch, channels, groups, height, width;
};

class GroupNormSiluTest : public ::testing::TestWithParam<Case> {};

// The reference in float64 is the truth; our float32 kernel may differ from it by rounding only.
TEST_P(GroupNormSiluTest, ValueAndGradientsAgreeWithTheReferenceInFloat64) {
  const Case c = GetParam();
  torch::manual_seed(1);
  Tensor x = torch::randn({c.batch, c.channels, c.height, c.width}) * 3 + 5;
  Tensor weight = torch::randn({c.channels});
  Tensor bias = torch::randn({c.channels});
  const Tensor gradient = torch::randn_like(x);
  std::vector<Tensor> ours{x.clone().requires_grad_(), weight.clone().requires_grad_(), bias.clone().requires_grad_()};
  std::vector<Tensor> truth;
  for (const Tensor& t : ours) truth.push_back(t.detach().to(torch::kDouble).requires_grad_());

  const Tensor y = group_norm_silu(ours[0], ours[1], ours[2], c.groups, 1e-6);
  y.backward(gradient);
  const Tensor expected = group_norm_silu_reference(truth[0], truth[1], truth[2], c.groups, 1e-6);
  expected.backward(gradient.to(torch::kDouble));

  EXPECT_EQ(y.scalar_type(), torch::kFloat);
  EXPECT_LT(relative(y, expected), 2e-6);
  for (std::size_t i = 0; i < ours.size(); ++i) EXPECT_LT(relative(ours[i].grad(), truth[i].grad()), 5e-6) << i;
}

// Dhariwal and Nichol's, whose own form is the truth: norm(x) (1 + scale) + shift, in float64.
TEST_P(GroupNormSiluTest, ScalesAndShiftsEachImageAndHasTheGradientsOfIt) {
  const Case c = GetParam();
  for (const std::int64_t rows : {c.batch, std::int64_t{1}}) {
    torch::manual_seed(2);
    GroupNormSilu norm(c.channels, c.groups, 1e-5);
    {
      const torch::NoGradGuard no_grad;
      for (Tensor& p : norm->parameters()) p.normal_();
    }
    const Tensor gradient = torch::randn({c.batch, c.channels, c.height, c.width});
    std::vector<Tensor> ours{torch::randn_like(gradient) * 3 + 5, torch::randn({rows, c.channels}),
                             torch::randn({rows, c.channels})};
    for (const Tensor& p : norm->parameters()) ours.push_back(p);
    std::vector<Tensor> truth;
    for (Tensor& t : ours) truth.push_back(t.requires_grad_().detach().to(torch::kDouble).requires_grad_());
    norm->scaled(ours[0], ours[1], ours[2]).backward(gradient);
    const Tensor plain = torch::group_norm(truth[0], c.groups, truth[3], truth[4], 1e-5);
    auto each = [](const Tensor& t) { return t.unsqueeze(-1).unsqueeze(-1); };
    const Tensor expected = torch::silu(plain * (1 + each(truth[1])) + each(truth[2]));
    expected.backward(gradient.to(torch::kDouble));
    EXPECT_LT(relative(norm->scaled(ours[0], ours[1], ours[2]), expected), 2e-6);
    for (std::size_t i = 0; i < ours.size(); ++i) EXPECT_LT(relative(ours[i].grad(), truth[i].grad()), 5e-6) << i;
    const PlainOperations plainly;
    EXPECT_LT(relative(norm->scaled(ours[0], ours[1], ours[2]), expected), 2e-6);
  }
}

INSTANTIATE_TEST_SUITE_P(Shapes, GroupNormSiluTest,
                         ::testing::Values(Case{1, 4, 1, 1, 1 + 1}, Case{2, 32, 32, 5, 7}, Case{3, 64, 16, 8, 8},
                                           Case{1, 96, 24, 17, 3}, Case{2, 128, 32, 32, 32}));

TEST(GroupNormSilu, TakesAnyMemoryFormat) {
  const Tensor x = torch::randn({2, 8, 6, 6});
  const Tensor one = torch::ones({8});
  const Tensor zero = torch::zeros({8});
  const Tensor plain = group_norm_silu(x, one, zero, 2, 1e-6);
  EXPECT_TRUE(group_norm_silu(x.contiguous(at::MemoryFormat::ChannelsLast), one, zero, 2, 1e-6).equal(plain));
  EXPECT_TRUE(group_norm_silu(x.transpose(2, 3).contiguous().transpose(2, 3), one, zero, 2, 1e-6).equal(plain));
}

TEST(GroupNormSilu, RefusesChannelsThatDoNotDivide) {
  EXPECT_THROW(group_norm_silu(torch::randn({1, 6, 2, 2}), torch::ones({6}), torch::zeros({6}), 4, 1e-6), c10::Error);
  const Tensor rows = torch::ones({2, 6});  // for one image
  EXPECT_THROW(group_norm_silu(torch::randn({1, 6, 2, 2}), rows, rows, 3, 1e-6), c10::Error);
}

}  // namespace
}  // namespace nodulus::nn
