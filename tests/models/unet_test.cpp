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

// What guided-diffusion's UNetModel has by its README's settings for 64x64 and 256x256, without labels: its parameters,
// less those of the outputs for a learnt variance.
TEST(Unet, HasTheParametersOfAdm) {
  UnetOptions options = adm_options();
  EXPECT_EQ(parameter_count(*make_unet(options)), 295'131'267);
  options.resolution = 256;
  options.channels = 256;
  options.multipliers = {1, 1, 2, 2, 4, 4};
  options.blocks = 2;
  options.head_channels = 64;
  EXPECT_EQ(parameter_count(*make_unet(options)), 552'814'086 - 3 * (9 * 256 + 1));
}

TEST(Unet, TakesFourierFrequenciesThatAreGiven) {
  UnetOptions options = ncsnpp_options();
  options.channels = 4;
  options.fourier_frequencies = {0.5, -1.25, 3, 1e-3};
  const auto buffers = make_unet(options)->named_buffers();
  EXPECT_TRUE(buffers["fourier.frequencies"].equal(torch::tensor({0.5F, -1.25F, 3.0F, 1e-3F})));
  options.fourier_frequencies.clear();
  EXPECT_FALSE(make_unet(options)->named_buffers()["fourier.frequencies"].equal(buffers["fourier.frequencies"]));
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
  options.patch = 2;
  EXPECT_EQ(message(options), "unet: 4 levels of patches of 2 need a resolution divisible by 16, found 36");
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
  options = {};
  options.heads = 3;
  EXPECT_EQ(message(options), "unet: heads must divide the 256 channels of down1_0_attention, found 3");
  options.head_channels = 48;
  EXPECT_EQ(message(options), "unet: head_channels must divide the 256 channels of down1_0_attention, found 48");
  options = adm_options();
  options.progressive = "residual";
  EXPECT_EQ(message(options),
            "unet: form adm goes with a positional embedding, without fir and progressive input or output");
  options = ncsnpp_options();
  options.fourier_frequencies = {1, 2};
  EXPECT_EQ(message(options), "unet: fourier_frequencies must be 128, one for each channel, found 2");
}

// Golden numbers: see unet_golden.py beside this file for what made them.
TEST(Unet, AgreesWithThePaperOnSharedWeights) {
  for (const auto& entry : golden_cases("unet_golden.json")) {
    const UnetOptions options = golden_unet_options(entry);
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
    const UnetOptions options = golden_unet_options(entry.at("options"), ddpmpp_options());
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

// A network of patches is the plain one on the image whose pixels are the patches, channel by channel and row by row.
TEST(Unet, SeesPatchesAsPixels) {
  UnetOptions options;
  options.image_channels = 2;
  options.resolution = 16;
  options.patch = 2;
  options.channels = 16;
  options.multipliers = {1, 2};
  options.attention_resolutions = {4};
  const auto patched = make_unet(options);
  fill_by_name(*patched);
  const double flop = forward_flop(options);
  options.image_channels = 8;
  options.resolution = 8;
  options.patch = 1;
  const auto plain = make_unet(options);
  fill_by_name(*plain);
  EXPECT_EQ(parameter_count(*patched), parameter_count(*plain));
  EXPECT_EQ(flop, forward_flop(options));

  const torch::NoGradGuard no_grad;
  const auto x = golden_image(2, 16);
  const auto level = torch::tensor({7.0F});
  auto squares = torch::empty({x.size(0), 8, 8, 8});
  for (int channel = 0; channel < 8; ++channel)
    squares.select(1, channel)
        .copy_(x.select(1, channel / 4).slice(1, channel / 2 % 2, 16, 2).slice(2, channel % 2, 16, 2));
  const auto expected = plain->forward(squares, level);
  const auto found = patched->forward(x, level);
  for (int channel = 0; channel < 8; ++channel) {
    const auto part = found.select(1, channel / 4).slice(1, channel / 2 % 2, 16, 2).slice(2, channel % 2, 16, 2);
    EXPECT_TRUE(part.equal(expected.select(1, channel))) << channel;
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

TEST(Unet, CountsTheFlopOfWhatAdmChanges) {
  // By hand: 8x8 and 4x4, levels of 8 and 16 channels, one block, two heads, no attention but the middle's.
  UnetOptions options = adm_options();
  options.image_channels = 1;
  options.resolution = 8;
  options.channels = 4;
  options.multipliers = {2, 4};
  options.blocks = 1;
  options.attention_resolutions = {};
  options.heads = 2;
  auto block = [](double pixels, double in, double out) {
    return 2 * 9 * pixels * (in * out + out * out) + 2 * 16 * (2 * out) + (in == out ? 0 : 2 * pixels * in * out);
  };
  const double embedding = 2.0 * (4 * 16 + 16 * 16);
  const double ends = 2 * (2 * 9 * 64.0 * 1 * 8);
  const double down = block(64, 8, 8) + block(16, 8, 8) + block(16, 8, 16);
  const double middle = 2 * block(16, 16, 16) + 2 * 16.0 * (4 * 16 * 16) + 2 * 2 * 16.0 * 16 * 16;
  const double up = block(16, 32, 16) + block(16, 24, 16) + block(64, 16, 16) + block(64, 24, 8) + block(64, 16, 8);
  EXPECT_DOUBLE_EQ(forward_flop(options), embedding + ends + down + middle + up);
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
