#include "nodulus/models/scorenet.h"

#include <gmock/gmock.h>

#include "nodulus/core/error.h"
#include "tests/models/golden.h"

namespace nodulus::models {
namespace {

TEST(ScoreNet, HasTheParametersOfTheTutorial) {
  EXPECT_EQ(parameter_count(*make_scorenet(ScoreNetOptions{})), 1'115'297);
}

// Golden numbers: see scorenet_golden.py beside this file for what made them.
TEST(ScoreNet, AgreesWithTheTutorialOnSharedWeights) {
  for (const auto& entry : golden_cases("scorenet_golden.json")) {
    ScoreNetOptions options;
    options.image_channels = entry.at("image_channels");
    options.resolution = entry.at("resolution");
    const auto network = make_scorenet(options);
    EXPECT_EQ(parameter_count(*network), entry.at("parameters"));
    fill_by_name(*network);
    const torch::NoGradGuard no_grad;
    const auto c_noise = torch::tensor(entry.at("c_noise").get<std::vector<float>>());
    const torch::Tensor y = network->forward(golden_image(options.image_channels, options.resolution), c_noise);
    const double difference = golden_difference(entry, y);
    EXPECT_LT(difference, 1e-4) << options.resolution;
    RecordProperty("size" + std::to_string(options.resolution), std::to_string(difference * 1e6) + "e-6");
  }
}

TEST(ScoreNet, KeepsEverySizeFrom16) {
  const torch::NoGradGuard no_grad;
  for (int resolution = 16; resolution < 48; ++resolution) {
    ScoreNetOptions options;
    options.resolution = resolution;
    options.channels = {4, 8, 8, 12};
    options.embedding = 6;
    const torch::Tensor x = torch::randn({1, 1, resolution, resolution});
    EXPECT_EQ(make_scorenet(options)->forward(x, torch::tensor({0.5F})).sizes(), x.sizes());
  }
}

TEST(ScoreNet, RefusesWhatMakesNoNetwork) {
  auto message = [](const ScoreNetOptions& options) -> std::string {
    try {
      check(options);
    } catch (const Error& error) {
      return error.what();
    }
    return "no error";
  };
  ScoreNetOptions options;
  options.resolution = 15;
  EXPECT_EQ(message(options), "scorenet: resolution must be >= 16, found 15");
  options = {};
  options.channels = {32, 64, 128};
  EXPECT_EQ(message(options), "scorenet: channels must be four, found 3");
  options = {};
  options.channels = {32, 64, 66, 128};
  EXPECT_EQ(message(options), "scorenet: channels must be multiples of 4, found 66");
  options = {};
  options.embedding = 7;
  EXPECT_EQ(message(options), "scorenet: embedding must be even and >= 2, found 7");
}

TEST(ScoreNet, CountsItsFlop) {
  // By hand: 28x28 becomes 26, 12, 5 and 2.
  ScoreNetOptions options;
  options.channels = {4, 8, 12, 16};
  options.embedding = 6;
  const double embedding = 2.0 * 6 * 6 + 2.0 * 6 * (4 + 8 + 12 + 16 + 12 + 8 + 4);
  const double down = 18.0 * (26 * 26 * 1 * 4 + 12 * 12 * 4 * 8 + 5 * 5 * 8 * 12 + 2 * 2 * 12 * 16);
  const double up = 18.0 * (2 * 2 * 16 * 12 + 5 * 5 * 24 * 8 + 12 * 12 * 16 * 4 + 26 * 26 * 8 * 1);
  EXPECT_DOUBLE_EQ(forward_flop(options), embedding + down + up);
}

}  // namespace
}  // namespace nodulus::models
