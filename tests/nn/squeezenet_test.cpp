#include "nodulus/nn/squeezenet.h"

#include <gtest/gtest.h>
#include <torch/autograd.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

namespace nodulus::nn {
namespace {

using torch::Tensor;

nlohmann::json golden() {
  std::ifstream file(std::string(NODULUS_SOURCE_DIR) + "/tests/nn/squeezenet_golden.json");
  return nlohmann::json::parse(file);
}

/// As squeezenet_golden.py makes it.
Tensor wave_image(double phase, std::int64_t size) {
  Tensor image = torch::empty({1, 1, size, size});
  for (std::int64_t y = 0; y < size; ++y)
    for (std::int64_t x = 0; x < size; ++x)
      image.data_ptr<float>()[y * size + x] = static_cast<float>(0.8 * std::sin(0.31 * static_cast<double>(x) + phase) *
                                                                     std::cos(0.23 * static_cast<double>(y) - phase) +
                                                                 0.002 * static_cast<double>(x));
  return image;
}

TEST(SqueezeNet, AgreesWithThreeColourChannelsInFloat64) {
  const auto features = SqueezeNet().features(wave_image(0.5, 70));
  const auto expected = golden().at("features");
  ASSERT_EQ(features.size(), expected.size());
  for (std::size_t i = 0; i < features.size(); ++i) {
    const auto sizes = expected[i].at("sizes").get<std::vector<std::int64_t>>();
    ASSERT_TRUE(features[i].sizes().equals(sizes)) << i << ": " << features[i].sizes();
    const auto values = expected[i].at("values").get<std::vector<double>>();
    const std::int64_t stride = std::max<std::int64_t>(1, features[i].numel() / 12);
    const double largest = features[i].abs().max().item<double>();
    const Tensor flat = features[i].flatten();
    for (std::size_t k = 0; k < values.size(); ++k)
      EXPECT_NEAR(flat[static_cast<std::int64_t>(k) * stride].item<double>(), values[k], 2e-5 * largest) << i;
  }
}

TEST(SqueezeNet, TheSummaryIsTheMeanOfTheLastLayer) {
  const SqueezeNet network;
  for (const auto& [height, width] : {std::pair{35, 35}, {64, 70}, {97, 131}, {230, 228}}) {
    torch::manual_seed(height);
    const Tensor images = torch::randn({7, 1, height, width}).clamp(-1, 1);
    const Tensor expected = network.features(images).back().mean({2, 3});
    const Tensor found = network.summary(images);
    ASSERT_TRUE(found.sizes().equals(expected.sizes()));
    EXPECT_LT((found - expected).abs().max().item<double>(), 1e-5 * expected.abs().max().item<double>()) << height;
  }
}

TEST(PerceptualDistance, AgreesWithAnIndependentProgram) {
  const PerceptualDistance distance(wave_image(0.5, 64));
  const auto expected = golden().at("distance").get<double>();
  EXPECT_NEAR(distance(wave_image(0.9, 64)).item<double>(), expected, 1e-4 * expected);
  EXPECT_NEAR(distance(wave_image(0.5, 64)).item<double>(), 0, 1e-6);
}

TEST(PerceptualDistance, AskedDownhillItFalls) {
  const Tensor target = torch::cat({wave_image(0.5, 64), wave_image(1.5, 64)}, 1);
  const PerceptualDistance distance(target);
  Tensor x = torch::cat({wave_image(0.9, 64), wave_image(1.5, 64)}, 1).requires_grad_();
  const Tensor before = distance(x).sum();
  const Tensor gradient = torch::autograd::grad({before}, {x})[0];
  EXPECT_GT(gradient.select(1, 0).abs().max().item<double>(), 0);
  EXPECT_LT(gradient.select(1, 1).abs().max().item<double>(), gradient.select(1, 0).abs().max().item<double>() / 100);
  const torch::NoGradGuard no_grad;
  const Tensor after = distance(x - gradient * (0.01 / gradient.abs().max())).sum();
  EXPECT_LT(after.item<double>(), before.item<double>());
}

}  // namespace
}  // namespace nodulus::nn
