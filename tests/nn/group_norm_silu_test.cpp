#include "nodulus/nn/group_norm_silu.h"

#include <gmock/gmock.h>

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
}

}  // namespace
}  // namespace nodulus::nn
