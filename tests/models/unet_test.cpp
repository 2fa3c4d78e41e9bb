#include "nodulus/models/unet.h"

#include <gmock/gmock.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "nodulus/core/error.h"
#include "nodulus/core/seed.h"

namespace nodulus::models {
namespace {

// Ho et al. 2020, appendix B: "Our CIFAR10 model has 35.7 million parameters".
TEST(Unet, HasTheParametersOfThePaper) { EXPECT_EQ(parameter_count(*make_unet(UnetOptions{})), 35'746'307); }

TEST(Unet, RefusesWhatMakesNoNetwork) {
  auto message = [](UnetOptions options) -> std::string {
    try {
      check(options);
    } catch (const Error& error) {
      return error.what();
    }
    return "no error";
  };
  UnetOptions options;
  options.resolution = 36;
  EXPECT_EQ(message(options), "unet: 4 levels need a resolution divisible by 8, found 36");
  options = {};
  options.channels = 6;
  EXPECT_EQ(message(options), "unet: channels must be a multiple of 4, found 6");
  options = {};
  options.multipliers = {1, 0};
  EXPECT_EQ(message(options), "unet: multipliers must be >= 1, found 0");
}

/// The weights of tests/models/unet_golden.py: a function of each parameter's name.
void fill(Network& network) {
  const torch::NoGradGuard no_grad;
  for (const auto& item : network.named_parameters()) {
    torch::Tensor values = torch::empty(item.value().sizes());
    RandomStream(derive_seed(0, item.key()))
        .fill_normal({values.data_ptr<float>(), static_cast<std::size_t>(values.numel())});
    const std::int64_t fan_in = values.numel() / values.size(0);
    const bool norm_weight =
        values.dim() == 1 && item.key().find("norm") != std::string::npos && item.key().ends_with("weight");
    values *= values.dim() == 1 ? 0.1 : 1.0 / std::sqrt(static_cast<double>(fan_in));
    if (norm_weight) values += 1;
    torch::Tensor(item.value()).copy_(values);
  }
}

// Golden numbers: see unet_golden.py beside this file for what made them.
TEST(Unet, AgreesWithTheReferenceOnSharedWeights) {
  std::ifstream file(std::string(NODULUS_SOURCE_DIR) + "/tests/models/unet_golden.json");
  const auto golden = nlohmann::json::parse(file);
  for (const auto& entry : golden.at("cases")) {
    UnetOptions options;
    options.image_channels = entry.at("image_channels");
    options.resolution = entry.at("resolution");
    options.channels = entry.at("channels");
    options.multipliers = entry.at("multipliers").get<std::vector<int>>();
    const auto network = make_unet(options);
    network->eval();
    fill(*network);
    torch::Tensor x = torch::empty({2, options.image_channels, options.resolution, options.resolution});
    RandomStream(derive_seed(0, "input")).fill_normal({x.data_ptr<float>(), static_cast<std::size_t>(x.numel())});
    const torch::NoGradGuard no_grad;
    const torch::Tensor y = network->forward(x, torch::tensor({3.0F, 871.0F})).flatten();
    const std::vector<double> expected = entry.at("output");
    const std::int64_t stride = entry.at("stride");
    double scale = 0;
    for (const double value : expected) scale = std::max(scale, std::abs(value));
    for (std::size_t i = 0; i < expected.size(); ++i)
      EXPECT_NEAR(y[static_cast<std::int64_t>(i) * stride].item<double>(), expected[i], 1e-4 * scale) << i;
  }
}

TEST(Unet, CountsItsFlop) {
  // By hand: 8x8, one level of 4 channels, one block, no attention but the middle's.
  UnetOptions options;
  options.image_channels = 1;
  options.resolution = 8;
  options.channels = 4;
  options.multipliers = {1};
  options.blocks = 1;
  options.attention_resolutions = {};
  const double pixels = 64;
  const double embedding = 2.0 * (4 * 16 + 16 * 16);
  const double ends = 2 * (2 * 9 * pixels * 1 * 4);
  const double plain_block = 2 * 9 * pixels * (4 * 4 + 4 * 4) + 2 * 16 * 4;
  const double up_block = 2 * 9 * pixels * (8 * 4 + 4 * 4) + 2 * pixels * 8 * 4 + 2 * 16 * 4;
  const double attention = 2 * pixels * (4 * 4 * 4) + 2 * 2 * pixels * pixels * 4;
  EXPECT_DOUBLE_EQ(forward_flop(options), embedding + ends + 3 * plain_block + attention + 2 * up_block);
}

}  // namespace
}  // namespace nodulus::models
