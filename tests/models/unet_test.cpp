#include "nodulus/models/unet.h"

#include <gmock/gmock.h>

#include "nodulus/core/error.h"
#include "tests/models/golden.h"

namespace nodulus::models {
namespace {

// Ho et al. 2020, appendix B: "Our CIFAR10 model has 35.7 million parameters".
TEST(Unet, HasTheParametersOfThePaper) { EXPECT_EQ(parameter_count(*make_unet(UnetOptions{})), 35'746'307); }

// What the authors' code has with its CIFAR-10 settings configs/{vp,ve}/cifar10_{ddpmpp,ncsnpp}[_deep]_continuous.py.
TEST(Unet, HasTheParametersOfThePublishedSettings) {
  auto count = [](UnetOptions options, int blocks) {
    options.blocks = blocks;
    return parameter_count(*make_unet(options));
  };
  EXPECT_EQ(count(ddpmpp_options(), 4), 61'804'419);
  EXPECT_EQ(count(ddpmpp_options(), 8), 106'632'579);
  EXPECT_EQ(count(ncsnpp_options(), 4), 62'758'787);
  EXPECT_EQ(count(ncsnpp_options(), 8), 107'586'947);
}

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
  options = {};
  options.block = "resnet";
  EXPECT_EQ(message(options), "unet: block must be one of ddpm, biggan, found 'resnet'");
  options = {};
  options.fourier_scale = 0;
  EXPECT_EQ(message(options), "unet: fourier_scale must be > 0, found 0");
  options = {};
  options.progressive_input = "output_skip";
  EXPECT_EQ(message(options), "unet: progressive_input must be one of none, input_skip, residual, found 'output_skip'");
}

// Golden numbers: see unet_golden.py beside this file for what made them.
TEST(Unet, AgreesWithThePaperOnSharedWeights) {
  for (const auto& entry : golden_cases("unet_golden.json")) {
    UnetOptions options;
    options.image_channels = entry.at("image_channels");
    options.resolution = entry.at("resolution");
    options.channels = entry.at("channels");
    options.multipliers = entry.at("multipliers").get<std::vector<int>>();
    const auto network = make_unet(options);
    EXPECT_EQ(parameter_count(*network), entry.at("parameters"));
    fill_by_name(*network);
    const torch::NoGradGuard no_grad;
    const torch::Tensor x = golden_image(options.image_channels, options.resolution);
    EXPECT_LT(golden_difference(entry, network->forward(x, torch::tensor({3.0F, 871.0F}))), 1e-4);
  }
}

// The authors' own code on the same weights: see score_sde_golden.py. Every kind of every option.
TEST(Unet, AgreesWithTheAuthorsCodeOnSharedWeights) {
  for (const auto& entry : golden_cases("score_sde_golden.json")) {
    const auto& o = entry.at("options");
    UnetOptions options = ddpmpp_options();
    options.image_channels = o.at("image_channels");
    options.resolution = o.at("resolution");
    options.channels = o.at("channels");
    options.multipliers = o.at("multipliers").get<std::vector<int>>();
    options.blocks = o.at("blocks");
    options.attention_resolutions = o.at("attention").get<std::vector<int>>();
    options.block = o.at("block");
    options.fir = o.at("fir");
    options.skip_rescale = o.at("skip_rescale");
    options.embedding = o.at("embedding");
    options.progressive = o.at("progressive");
    options.progressive_input = o.at("progressive_input");
    options.progressive_combine = o.at("progressive_combine");
    const auto network = make_unet(options);
    const std::string name = entry.at("name");
    EXPECT_EQ(parameter_count(*network), entry.at("parameters")) << name;
    fill_by_name(*network);
    const torch::NoGradGuard no_grad;
    const auto c_noise = torch::tensor(entry.at("c_noise").get<std::vector<float>>());
    const double difference =
        golden_difference(entry, network->forward(golden_image(options.image_channels, options.resolution), c_noise));
    EXPECT_LT(difference, 1e-4) << name;
    RecordProperty(name, std::to_string(difference * 1e6) + "e-6");
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

TEST(Unet, CountsTheFlopOfWhatNcsnppAdds) {
  // By hand: 8x8 and 4x4, 4 channels, one block, no attention but the middle's.
  UnetOptions options = ncsnpp_options();
  options.image_channels = 1;
  options.resolution = 8;
  options.channels = 4;
  options.multipliers = {1, 1};
  options.blocks = 1;
  options.attention_resolutions = {};
  auto block = [](double pixels, double in, bool shortcut) {
    return 2 * 9 * pixels * (in * 4 + 4 * 4) + 2 * 16 * 4 + (shortcut ? 2 * pixels * in * 4 : 0);
  };
  const double embedding = 2.0 * (8 * 16 + 16 * 16);
  const double ends = 2 * (2 * 9 * 64.0 * 1 * 4);
  const double down = block(64, 4, false) + block(16, 4, true) + 2 * 9 * 16.0 * 1 * 4 + block(16, 4, false);
  const double middle = 2 * block(16, 4, false) + 2 * 16.0 * (4 * 4 * 4) + 2 * 2 * 16.0 * 16 * 4;
  const double up = 2 * block(16, 8, true) + block(64, 4, true) + 2 * block(64, 8, true);
  EXPECT_DOUBLE_EQ(forward_flop(options), embedding + ends + down + middle + up);
}

}  // namespace
}  // namespace nodulus::models
