#include "nodulus/nn/layers.h"

#include <gmock/gmock.h>

namespace nodulus::nn {
namespace {

using torch::Tensor;

TEST(Linear, ARowDoesNotDependOnItsBatchWithoutGradients) {
  torch::manual_seed(1);
  Linear layer(96, 70);
  const Tensor x = torch::randn({13, 96});
  EXPECT_TRUE(torch::allclose(layer(x), torch::linear(x, layer->parameters()[0], layer->parameters()[1])));
  const torch::NoGradGuard no_grad;
  const Tensor together = layer(x);
  for (std::int64_t i = 0; i < x.size(0); ++i) EXPECT_TRUE(layer(x.narrow(0, i, 1))[0].equal(together[i])) << i;
}

TEST(ConvTranspose2d, UndoesTheSizeOfAConvolution) {
  for (const std::int64_t size : {7, 8, 9}) {
    ConvTranspose2d back(3, 2, 2);
    const Tensor x = torch::randn({4, 3, (size - 3) / 2 + 1, 3});
    const Tensor y = back(x, size, 8);
    EXPECT_EQ(y.sizes(), (std::vector<std::int64_t>{4, 2, size, 8}));
    const Tensor expected = torch::conv_transpose2d(x, back->parameters()[0], back->parameters()[1], 2, 0,
                                                    at::IntArrayRef{(size - 3) % 2, 1});
    EXPECT_TRUE(torch::allclose(y, expected, 1e-5, 1e-6));
  }
  EXPECT_THROW(ConvTranspose2d(3, 2, 2)(torch::randn({1, 3, 3, 3}), 9, 7), c10::Error);
}

TEST(ConvTranspose2d, GradientsAreThoseOfLibtorchInFloat64) {
  ConvTranspose2d layer(5, 3, 2);
  const Tensor x = torch::randn({4, 5, 6, 5}).requires_grad_();
  const Tensor dy = torch::randn({4, 3, 14, 12});
  layer(x, 14, 12).backward(dy);
  std::vector<Tensor> truth{x.detach().to(torch::kDouble).requires_grad_()};
  for (const Tensor& p : layer->parameters()) truth.push_back(p.detach().to(torch::kDouble).requires_grad_());
  torch::conv_transpose2d(truth[0], truth[1], truth[2], 2, 0, at::IntArrayRef{1, 1}).backward(dy.to(torch::kDouble));
  EXPECT_TRUE(x.grad().to(torch::kDouble).allclose(truth[0].grad(), 1e-5, 1e-5));
  for (std::size_t i = 0; i < 2; ++i)
    EXPECT_TRUE(layer->parameters()[i].grad().to(torch::kDouble).allclose(truth[i + 1].grad(), 1e-5, 1e-4)) << i;
}

TEST(ConvTranspose2d, AnImageDoesNotDependOnItsBatch) {
  const torch::NoGradGuard no_grad;
  ConvTranspose2d layer(24, 16, 2, false);
  EXPECT_EQ(layer->parameters().size(), 1U);
  const Tensor x = torch::randn({20, 24, 5, 5});
  const Tensor together = layer(x, 12, 11);
  for (std::int64_t i = 0; i < x.size(0); ++i) EXPECT_TRUE(layer(x.narrow(0, i, 1), 12, 11)[0].equal(together[i])) << i;
}

TEST(Conv2d, WithoutPaddingAndBias) {
  Conv2d layer(3, 4, Conv2dOptions{3, 1, 1.0, false, false});
  EXPECT_EQ(layer->parameters().size(), 1U);
  const Tensor x = torch::randn({2, 3, 7, 9});
  const Tensor y = layer(x);
  EXPECT_TRUE(torch::allclose(y, torch::conv2d(x, layer->weight()), 1e-5, 1e-6));
  y.sum().backward();
  EXPECT_TRUE(layer->weight().grad().defined());
}

}  // namespace
}  // namespace nodulus::nn
