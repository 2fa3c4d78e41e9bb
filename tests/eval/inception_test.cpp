#include "nodulus/eval/inception.h"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/support/expect_error.h"

namespace nodulus::eval {
namespace {

using nlohmann::json;
using test::expect_error;
using torch::Tensor;

const json& golden_network() {
  static const json read = [] {
    std::ifstream file(std::string(NODULUS_SOURCE_DIR) + "/tests/eval/inception_golden.json");
    return json::parse(file);
  }();
  return read;
}

/// Numbers in [-0.5, 0.5), as make_goldens.py makes them.
double noise(std::uint32_t tensor, std::uint32_t element) {
  std::uint32_t h = element * 2654435761U + tensor * 40503U + 12345U;
  for (int round = 0; round < 2; ++round) h = (h ^ (h >> 16)) * 0x45d9f3bU;
  return (h ^ (h >> 16)) / 4294967296.0 - 0.5;
}

/// An Inception v3 without outputs, of weights by formula.
StateDict formula_weights() {
  StateDict weights;
  for (const auto& [name, shape] : golden_network().at("convolutions").items()) {
    const auto sizes = shape.get<std::vector<std::int64_t>>();
    weights[name + ".conv.weight"] = torch::empty(sizes);
    for (const char* const part : {"weight", "bias", "running_mean", "running_var"})
      weights[name + ".bn." + part] = torch::empty({sizes[0]});
  }
  std::uint32_t index = 0;
  for (auto& [name, t] : weights) {
    const bool is_kernel = name.ends_with("conv.weight");
    const bool is_factor = name.ends_with("bn.weight") || name.ends_with("running_var");
    const double scale =
        is_kernel ? std::sqrt(24.0 * static_cast<double>(t.size(0)) / static_cast<double>(t.numel())) : 0.4;
    for (std::int64_t i = 0; i < t.numel(); ++i)
      t.data_ptr<float>()[i] =
          static_cast<float>((is_factor ? 1 : 0) + scale * noise(index, static_cast<std::uint32_t>(i)));
    ++index;
  }
  return weights;
}

/// Its own two networks, told apart by their outputs.
StateDict formula_weights(std::int64_t outputs) {
  StateDict weights = formula_weights();
  weights["fc.weight"] = torch::zeros({outputs, 2048});
  return weights;
}

Tensor grey_wave(double phase, std::int64_t height, std::int64_t width) {
  Tensor image = torch::empty({1, 1, height, width});
  for (std::int64_t y = 0; y < height; ++y)
    for (std::int64_t x = 0; x < width; ++x)
      image.data_ptr<float>()[y * width + x] = static_cast<float>(
          0.8 * std::sin(0.31 * static_cast<double>(x) + phase) * std::cos(0.23 * static_cast<double>(y) - phase) +
          0.002 * static_cast<double>(x));
  return image;
}

void expect_golden(Inception& network, const json& expected) {
  for (const json& one : expected) {
    const Tensor found = network.features(grey_wave(one.at("phase"), one.at("height"), one.at("width")));
    ASSERT_EQ(found.sizes(), at::IntArrayRef({1, Inception::dimension}));
    ASSERT_EQ(found.scalar_type(), torch::kFloat);
    const auto values = one.at("every_50th").get<std::vector<double>>();
    ASSERT_EQ(values.size(), 41U);
    for (std::size_t k = 0; k < values.size(); ++k)
      EXPECT_NEAR(found[0][static_cast<std::int64_t>(k) * 50].item<double>(), values[k], 2e-5) << k;
    const Tensor exact = found.to(torch::kDouble);
    const double sum = one.at("sum");
    const double squares = one.at("squares");
    EXPECT_NEAR(exact.sum().item<double>(), sum, 1e-5 * sum);
    EXPECT_NEAR(exact.square().sum().item<double>(), squares, 1e-5 * squares);
  }
}

TEST(InceptionTest, AgreesWithAnIndependentFidNetwork) {
  Inception network(formula_weights(1008), "x");
  EXPECT_EQ(network.variant(), Inception::Variant::fid);
  expect_golden(network, golden_network().at("fid"));
}

TEST(InceptionTest, AgreesWithAnIndependentTorchvisionNetwork) {
  Inception network(formula_weights(1000), "x");
  EXPECT_EQ(network.variant(), Inception::Variant::torchvision);
  expect_golden(network, golden_network().at("torchvision"));
}

TEST(InceptionTest, AnImageDoesNotDependOnItsBatch) {
  Inception network(formula_weights(), "x");
  std::vector<Tensor> images;
  for (int i = 0; i < 18; ++i) images.push_back(grey_wave(0.1 * i, 32, 32));
  const Tensor together = network.features(torch::cat(images));
  ASSERT_EQ(together.size(0), 18);
  for (const std::int64_t i : {0, 7, 17})
    EXPECT_TRUE(torch::equal(together[i], network.features(images[static_cast<std::size_t>(i)])[0])) << i;
}

TEST(InceptionTest, TellsWhichNetworkItIsAndRefusesOthers) {
  StateDict weights = formula_weights();
  EXPECT_EQ(Inception(weights, "x").variant(), Inception::Variant::fid);
  weights["AuxLogits.fc.bias"] = torch::zeros({1000});
  EXPECT_EQ(Inception(weights, "x").variant(), Inception::Variant::torchvision);
  weights["fc.weight"] = torch::zeros({10, 2048});
  expect_error([&] { Inception(weights, "w.pth"); }, ErrorCode::bad_input, {"w.pth", "1008", "1000", "found 10"});
  weights.erase("fc.weight");
  weights["Mixed_7c.branch3x3_2b.conv.weight"] = torch::zeros({384, 384, 1, 3});
  expect_error([&] { Inception(weights, "w.pth"); }, ErrorCode::bad_input,
               {"w.pth", "Mixed_7c.branch3x3_2b.conv.weight", "[384, 384, 3, 1]", "found [384, 384, 1, 3]"});
  weights.erase("Mixed_6a.branch3x3.bn.running_var");
  expect_error([&] { Inception(weights, "w.pth"); }, ErrorCode::bad_input,
               {"'Mixed_6a.branch3x3.bn.running_var' [384], found none"});
}

}  // namespace
}  // namespace nodulus::eval
