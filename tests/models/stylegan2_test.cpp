#include "nodulus/models/stylegan2.h"

#include <gmock/gmock.h>

#include "nodulus/core/error.h"
#include "nodulus/models/network.h"
#include "tests/models/golden.h"

namespace nodulus::models {
namespace {

using torch::Tensor;

/// The numbers that stylegan2_golden.py gives the tensor of this name.
void fill(torch::nn::Module& network) {
  const torch::NoGradGuard no_grad;
  auto tensors = network.named_parameters();
  for (const auto& buffer : network.named_buffers()) tensors.insert(buffer.key(), buffer.value());
  for (const auto& item : tensors) {
    // The authors keep the mean of w with the mapping network.
    const std::string name = item.key() == "w_avg" ? "mapping.w_avg" : item.key();
    Tensor value = golden_normal(name, item.value().sizes());
    if (item.key().ends_with("affine.bias")) {
      value = 1 + 0.1 * value;
    } else if (value.dim() < 2 || item.key().ends_with("noise_strength")) {
      value = 0.1 * value;
    } else if (item.key().find("mapping.fc") != std::string::npos) {
      value = 100 * value;
    }
    item.value().copy_(value);
  }
  network.eval();
}

// Golden numbers: see stylegan2_golden.py beside this file for what made them.
TEST(StyleGan2, AgreesWithTheAuthorsCodeOnSharedWeights) {
  const torch::NoGradGuard no_grad;
  for (const auto& entry : golden_cases("stylegan2_golden.json")) {
    const auto& json = entry.at("options");
    const StyleGan2Options o = golden_stylegan2_options(json);
    const auto generator = make_generator(o);
    const auto discriminator = make_discriminator(o);
    EXPECT_EQ(parameter_count(*generator), entry.at("generator_parameters"));
    EXPECT_EQ(parameter_count(*discriminator), entry.at("discriminator_parameters"));
    fill(*generator);
    fill(*discriminator);
    auto labels = [&](std::int64_t count) {
      return o.labels > 0 ? golden_normal("labels", {count, o.labels}) : Tensor();
    };
    const Tensor w = generator->map(golden_normal("z", {4, o.z}), labels(4));
    Tensor ws = generator->broadcast(w, json.at("psi"));
    ws = torch::cat({ws.narrow(0, 0, 2).narrow(1, 0, 3), ws.narrow(0, 2, 2).narrow(1, 3, generator->layers() - 3)}, 1);
    const LayerNoise noise = json.at("noise") == "const" ? LayerNoise::constant : LayerNoise::none;
    const double of_image = golden_difference(entry.at("image"), generator->synthesize(ws, noise));
    const Tensor images = golden_normal("images", {8, o.image_channels, o.resolution, o.resolution});
    const double of_scores = golden_difference(entry.at("scores"), discriminator->forward(images, labels(8)));
    EXPECT_LT(of_image, 1e-4) << entry.at("name");
    EXPECT_LT(of_scores, 1e-4) << entry.at("name");
    RecordProperty(entry.at("name"), std::to_string(of_image) + " " + std::to_string(of_scores));
  }
}

TEST(StyleGan2, HasTheParametersOfThePublishedSettings) {
  struct Case {
    int resolution;
    std::int64_t generator, discriminator;
  };
  for (const Case& c :
       {Case{64, 22'238'990, 23'406'849}, Case{128, 22'944'401, 23'882'113}, Case{256, 23'186'516, 24'000'961}}) {
    StyleGan2Options o;
    o.resolution = c.resolution;
    EXPECT_EQ(parameter_count(*make_generator(o)), c.generator) << c.resolution;
    EXPECT_EQ(parameter_count(*make_discriminator(o)), c.discriminator) << c.resolution;
  }
  StyleGan2Options cifar;
  cifar.resolution = 32;
  cifar.image_channels = 3;
  cifar.channel_base = 32768;
  cifar.discriminator = "orig";
  cifar.group = 32;
  EXPECT_EQ(parameter_count(*make_generator(cifar)), 19'947'539);
  EXPECT_EQ(parameter_count(*make_discriminator(cifar)), 20'720'641);
}

StyleGan2Options tiny() {
  StyleGan2Options o;
  o.resolution = 16;
  o.z = o.w = 16;
  o.channel_base = 256;
  o.channel_max = 24;
  return o;
}

TEST(StyleGan2, AnImageDoesNotDependOnItsBatch) {
  const torch::NoGradGuard no_grad;
  StyleGan2Options options = tiny();
  options.resolution = 64;  // all kernels
  options.channel_base = 1024;
  const auto generator = make_generator(options);
  fill(*generator);
  const Tensor z = torch::randn({5, 16});
  const NoiseDraw same = [](int layer, std::int64_t images, int resolution) {
    return golden_normal(std::to_string(layer), {1, 1, resolution, resolution}).expand({images, -1, -1, -1});
  };
  for (const LayerNoise noise : {LayerNoise::constant, LayerNoise::random}) {
    const Tensor together = generator->synthesize(generator->broadcast(generator->map(z, {})), noise, same);
    for (std::int64_t i = 0; i < 5; ++i) {
      const Tensor w = generator->map(z.narrow(0, i, 1), {});
      EXPECT_TRUE(generator->synthesize(generator->broadcast(w), noise, same)[0].equal(together[i])) << i;
    }
  }
}

TEST(StyleGan2, FreezingKeepsTheFirstLayersAsTheyAre) {
  StyleGan2Options o = tiny();
  const std::int64_t all = parameter_count(*make_discriminator(o));
  o.freeze = 2;  // the image's layer [16, 1, 1, 1] and the first convolution, with their biases
  EXPECT_EQ(parameter_count(*make_discriminator(o)), all - (16 + 16) - (16 * 16 * 9 + 16));
}

TEST(StyleGan2, RefusesToFreezeMoreThanThereIs) {
  StyleGan2Options o = tiny();
  o.freeze = 7;  // the image's layer and two blocks of three
  EXPECT_NO_THROW(check(o));
  o.freeze = 8;
  EXPECT_THROW(check(o), Error);
  o.discriminator = "orig";
  o.freeze = 6;
  EXPECT_THROW(check(o), Error);
}

TEST(StyleGan2, TheMeanOfWFollowsTheBatches) {
  const auto generator = make_generator(tiny());
  const Tensor w = torch::randn({6, 16});
  generator->track(w, 0.75);
  generator->track(w, 0.75);
  const Tensor mean = w.mean(0) * (1 - 0.75 * 0.75);
  EXPECT_TRUE(generator->broadcast(w, 0).select(1, 3)[2].allclose(mean, 1e-5, 1e-6));
  EXPECT_TRUE(generator->broadcast(w, 0.5).select(1, 0).allclose((w + mean) / 2, 1e-5, 1e-6));
}

TEST(StyleGan2, RefusesWhatMakesNoNetwork) {
  auto message = [](const StyleGan2Options& options) -> std::string {
    try {
      check(options);
    } catch (const Error& error) {
      return error.what();
    }
    return "no error";
  };
  StyleGan2Options o;
  EXPECT_EQ(message(o), "no error");
  o.resolution = 48;
  EXPECT_EQ(message(o), "stylegan2-ada: images must be a power of two from 8 on to a side, found 48; --size cuts them");
  o = {};
  o.discriminator = "skip";
  EXPECT_EQ(message(o), "stylegan2-ada: discriminator must be resnet or orig, found 'skip'");
  o = {};
  o.channel_base = 32;
  EXPECT_EQ(message(o), "stylegan2-ada: channel_base 32 and channel_max 512 leave no channel at 64x64");
}

}  // namespace
}  // namespace nodulus::models
