#include "nodulus/models/foreign_layout.h"

#include <gmock/gmock.h>

#include "nodulus/core/error.h"
#include "nodulus/models/foreign_weights.h"
#include "nodulus/models/stylegan2.h"
#include "tests/models/golden.h"
#include "tests/support/expect_error.h"

// Golden numbers: see foreign_golden.py beside this file for what made them.
namespace nodulus::models {
namespace {

using torch::Tensor;
using Json = nlohmann::json;

UnetOptions unet_options(const Json& o) {
  UnetOptions defaults;
  if (o.contains("heads")) {
    defaults.form = "adm";
  } else {
    defaults.attention_up = "last";
  }
  return golden_unet_options(o, defaults);
}

ForeignLayout layout_of(const Json& entry) {
  const Json& o = entry.at("options");
  return entry.at("layout") == "adm" ? adm_layout(unet_options(o), o.at("heads_first"))
                                     : score_sde_layout(unet_options(o));
}

void take(torch::nn::Module& network, const NamedTensors& values) {
  const torch::NoGradGuard no_grad;
  for (auto& [name, tensor] : tensors_of(network)) Tensor(tensor).copy_(values.at(name));
  network.eval();
}

TEST(ForeignLayout, OfUnetsGivesTheNumbersOfTheAuthorsCode) {
  const torch::NoGradGuard no_grad;
  int seen = 0;
  for (const auto& entry : golden_cases("foreign_golden.json")) {
    if (entry.at("layout") == "stylegan2-ada") continue;
    SCOPED_TRACE(entry.at("name").get<std::string>());
    const UnetOptions options = unet_options(entry.at("options"));
    const auto network = make_unet(options);
    if (options.form == "adm" && !entry.at("options").at("learn_sigma")) {
      EXPECT_EQ(parameter_count(*network), entry.at("parameters"));
    }
    std::vector<std::string> halved;
    NamedTensors ours =
        translated(layout_of(entry), golden_foreign_tensors(entry), tensors_of(*network), "x.pt", halved);
    if (!entry.at("options").value("centered", true)) rescale_levels(ours, 2);
    take(*network, ours);
    EXPECT_EQ(halved.size(), entry.at("options").value("learn_sigma", false) ? 2U : 0U);
    const auto c_noise = torch::tensor(entry.at("c_noise").get<std::vector<float>>());
    const Tensor x = entry.value("input_scale", 1.0) * golden_image(options.image_channels, options.resolution);
    const double difference = golden_difference(entry, network->forward(x, c_noise));
    EXPECT_LT(difference, 1e-4);
    RecordProperty(entry.at("name"), std::to_string(difference * 1e6) + "e-6");
    ++seen;
  }
  EXPECT_EQ(seen, 9);
}

template <class Network>
void take_stylegan2(Network& network, const NamedTensors& theirs) {
  std::vector<std::string> names;
  for (const auto& [name, tensor] : tensors_of(network)) names.push_back(name);
  std::vector<std::string> halved;
  take(network, translated(stylegan2_layout(names), theirs, tensors_of(network), "x.pt", halved));
}

TEST(ForeignLayout, OfStyleGan2GivesTheNumbersOfTheAuthorsCode) {
  const torch::NoGradGuard no_grad;
  for (const std::string kind : {"", "clamped "}) {
    SCOPED_TRACE(kind);
    const Json of_generator = golden_foreign_case(kind + "generator");
    const StyleGan2Options o = golden_stylegan2_options(of_generator.at("options"));
    const auto generator = make_generator(o);
    take_stylegan2(*generator, golden_foreign_tensors(of_generator));
    const Tensor ws = generator->broadcast(generator->map(golden_normal("z", {2, o.z}), {}), 0.7);
    EXPECT_LT(golden_difference(of_generator, generator->synthesize(ws, LayerNoise::constant)), 1e-4);
    const Json of_discriminator = golden_foreign_case(kind + "discriminator");
    const auto discriminator = make_discriminator(o);
    take_stylegan2(*discriminator, golden_foreign_tensors(of_discriminator));
    const Tensor images = golden_normal("images", {4, o.image_channels, o.resolution, o.resolution});
    EXPECT_LT(golden_difference(of_discriminator, discriminator->forward(images, {})), 1e-4);
  }
}

class ForeignTensorsTest : public testing::Test {
 protected:
  void refused(const std::vector<std::string>& parts) const {
    const auto network = make_unet(unet_options(entry_.at("options")));
    std::vector<std::string> halved;
    test::expect_error([&] { translated(layout_of(entry_), theirs_, tensors_of(*network), "x.pt", halved); },
                       ErrorCode::bad_input, parts);
  }
  Json entry_ = golden_foreign_case("NCSN++");
  NamedTensors theirs_ = golden_foreign_tensors(entry_);
};

TEST_F(ForeignTensorsTest, AMissingOneIsNamedWithItsShape) {
  theirs_.erase("all_modules.4.Conv_0.bias");
  refused({"x.pt: tensor 'all_modules.4.Conv_0.bias': expected [16] for 'down0_0.conv1.bias', found none"});
}

TEST_F(ForeignTensorsTest, AnotherShapeIsNamedWithBoth) {
  theirs_["all_modules.3.weight"] = torch::zeros({16, 3, 3, 3});
  refused({"'all_modules.3.weight': expected [16, 2, 3, 3] for 'conv_in.weight', found [16, 3, 3, 3]"});
}

TEST_F(ForeignTensorsTest, OneTooManyIsNamed) {
  theirs_["label_emb.weight"] = torch::zeros({10, 64});
  refused({"'label_emb.weight': expected none of this name", "found [10, 64]"});
}

TEST_F(ForeignTensorsTest, ClassLabelsAreRefused) {
  entry_ = golden_foreign_case("guided-diffusion");
  theirs_ = golden_foreign_tensors(entry_);
  theirs_["label_emb.weight"] = torch::zeros({10, 128});
  refused({"'label_emb.weight': expected none, as class labels are not taken over, found [10, 128]"});
}

TEST_F(ForeignTensorsTest, OfAnotherLayoutAreToldByTheirNames) {
  theirs_ = golden_foreign_tensors(golden_foreign_case("guided-diffusion"));
  refused({"expected tensors named as 'all_modules.0.W', found 'input_blocks.0.0.bias' and others"});
}

TEST_F(ForeignTensorsTest, WhatIsNoFiniteFloatIsRefused) {
  theirs_["all_modules.1.bias"] = torch::full({64}, std::nan(""));
  refused({"'all_modules.1.bias': expected finite numbers"});
  theirs_["all_modules.1.bias"] = torch::zeros({64}, torch::kLong);
  refused({"'all_modules.1.bias': expected floats, found Long"});
}

TEST_F(ForeignTensorsTest, TwiceTheOutputsAreTakenWhereTheLayoutHasThem) {
  theirs_["all_modules.19.bias"] = torch::zeros({4});
  refused({"'all_modules.19.bias': expected [2] for 'conv_out.bias', found [4]"});
  entry_ = golden_foreign_case("guided-diffusion");
  theirs_ = golden_foreign_tensors(entry_);
  theirs_["out.2.bias"] = torch::zeros({6});
  refused({"'out.2.bias': expected [2] for 'conv_out.bias', found [6]"});
}

TEST(ForeignLayout, RefusesAnotherResamplingFilter) {
  const Json entry = golden_foreign_case("generator");
  const auto generator = make_generator(golden_stylegan2_options(entry.at("options")));
  NamedTensors theirs = golden_foreign_tensors(entry);
  theirs["synthesis.b8.resample_filter"] = torch::full({4, 4}, 1.0F / 16);
  test::expect_error([&] { take_stylegan2(*generator, theirs); }, ErrorCode::bad_input,
                     {"'synthesis.b8.resample_filter': expected the filter [1, 3, 3, 1]"});
}

TEST(ForeignLayout, RefusesOptionsThatTheirCodeHasNot) {
  auto refused = [](UnetOptions options, bool adm, const std::string& part) {
    test::expect_error([&] { adm ? adm_layout(options, true) : score_sde_layout(options); }, ErrorCode::usage, {part});
  };
  UnetOptions options = adm_options();
  refused(options, false, "layout score-sde: expected unet.form ddpm, found adm");
  options.patch = 2;
  refused(options, true, "layout adm: expected unet.patch 1, found 2");
  refused({}, false, "expected unet.attention_up last, found every");
  options = ncsnpp_options();
  options.head_channels = 64;
  refused(options, false, "layout score-sde: expected unet.head_channels 0, found 64");
  options.head_channels = 0;
  options.scale_shift = true;
  refused(options, false, "expected unet.scale_shift false, found true");
}

TEST(ForeignLayout, AveragesTakeThePlaceOfTrainedTensorsInTheFilesOrder) {
  const Json entry = golden_foreign_case("NCSN++");
  const ForeignLayout layout = layout_of(entry);
  const NamedTensors theirs = golden_foreign_tensors(entry);
  std::vector<std::string> order{"sigmas", "all_modules.0.W", "all_modules.1.weight", "all_modules.1.bias"};
  std::vector<Tensor> averages{torch::ones({64, 32}), torch::ones({64})};
  const NamedTensors found = averaged(layout, theirs, order, averages, "x.pth");
  EXPECT_TRUE(found.at("all_modules.1.weight").equal(averages[0]));
  EXPECT_TRUE(found.at("all_modules.1.bias").equal(averages[1]));
  EXPECT_TRUE(found.at("all_modules.0.W").equal(theirs.at("all_modules.0.W")));
  std::swap(averages[0], averages[1]);
  test::expect_error([&] { averaged(layout, theirs, order, averages, "x.pth"); }, ErrorCode::bad_input,
                     {"'all_modules.1.weight': expected an average of [64, 32], found [64]"});
  averages.pop_back();
  order.pop_back();
  order.pop_back();
  test::expect_error([&] { averaged(layout, theirs, order, averages, "x.pth"); }, ErrorCode::bad_input,
                     {"ema: expected 0 averages", "found 1"});
}

}  // namespace
}  // namespace nodulus::models
