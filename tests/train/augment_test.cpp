#include "nodulus/train/augment.h"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <numbers>
#include <numeric>

#include "nodulus/core/error.h"
#include "nodulus/core/seed.h"

namespace nodulus::train {
namespace {

using torch::Tensor;

Tensor named_images(std::int64_t channels) {
  Tensor x = torch::empty({2, channels, 32, 32});
  RandomStream(derive_seed(0, "images")).fill_normal({x.data_ptr<float>(), static_cast<std::size_t>(x.numel())});
  return x;
}

Augmentation augmentation_of(const nlohmann::json& on) {
  Augmentation a;
  a.flip = on.value("flip", 0) != 0;
  a.quarter_turns = on.value("quarter_turns", 0);
  a.shift = {on.value("shift", 0.0), on.value("shift", 0.0)};
  a.scale = on.value("scale", 1.0);
  a.turn_before = on.value("rotate", 0.0);
  a.stretch = on.value("stretch", 1.0);
  a.move = {on.value("move", 0.0), on.value("move", 0.0)};
  a.brightness = on.value("brightness", 0.0);
  a.contrast = on.value("contrast", 1.0);
  a.luma_flip = on.value("luma_flip", 0) != 0;
  a.hue = on.value("hue", 0.0);
  a.saturation = on.value("saturation", 1.0);
  if (on.contains("filter")) a.gains = on.at("filter").get<std::array<double, filter_bands>>();
  if (on.contains("cutout")) {
    a.cutout = 0.5;
    a.cutout_centre = {on.at("cutout"), on.at("cutout")};
  }
  return a;
}

// Golden numbers: see augment_golden.py beside this file for what made them.
TEST(Augment, AgreesWithTheAuthorsCode) {
  std::ifstream file(std::string(NODULUS_SOURCE_DIR) + "/tests/train/augment_golden.json");
  for (const auto& entry : nlohmann::json::parse(file).at("cases")) {
    const std::vector<Augmentation> all(2, augmentation_of(entry.at("on")));
    const std::vector<std::uint64_t> numbers{0, 1};
    const Tensor y = augment(named_images(entry.at("channels")), all, 0, numbers).flatten();
    const std::vector<double> expected = entry.at("output");
    double difference = 0;
    for (std::size_t i = 0; i < expected.size(); ++i)
      difference = std::max(difference, std::abs(y[static_cast<std::int64_t>(41 * i)].item<double>() - expected[i]));
    EXPECT_LT(difference, 2e-4) << entry.at("on").dump() << ", channels " << entry.at("channels");
  }
}

TEST(Augment, NothingChangesAtProbabilityZero) {
  const AugmentOptions options = augment_pipeline("bgcfnc");
  std::vector<Augmentation> all;
  for (std::uint64_t i = 0; i < 2; ++i) all.push_back(draw_augmentation(options, 0, 7, i));
  const std::vector<std::uint64_t> numbers{0, 1};
  const Tensor x = named_images(2);
  EXPECT_TRUE(augment(x, all, 7, numbers).equal(x));
}

// Shares of 4,000 draws; the bound is four deviations of a share of a half.
TEST(Augment, EachHappensAsOftenAsAsked) {
  const AugmentOptions options = augment_pipeline("bgcfnc");
  const double p = 0.4;
  constexpr int count = 4000;
  std::map<std::string, double> share;
  double turned = 0;
  std::vector<double> log_scale;
  for (std::uint64_t i = 0; i < count; ++i) {
    const Augmentation a = draw_augmentation(options, p, 3, i);
    share["flip"] += 2 * a.flip;
    share["quarter_turns"] += (a.quarter_turns != 0) * 4.0 / 3;
    share["shift"] += a.shift[0] != 0;
    share["scale"] += a.scale != 1;
    share["rotate"] += a.turn_before != 0 || a.turn_after != 0;
    share["stretch"] += a.stretch != 1;
    share["move"] += a.move[0] != 0;
    share["brightness"] += a.brightness != 0;
    share["contrast"] += a.contrast != 1;
    share["luma_flip"] += 2 * a.luma_flip;
    share["noise"] += a.noise != 0;
    share["cutout"] += a.cutout != 0;
    turned += a.turn_before != 0;
    if (a.scale != 1) log_scale.push_back(std::log2(a.scale));
  }
  for (const auto& [name, sum] : share) EXPECT_NEAR(sum / count, p, 0.045) << name;
  EXPECT_NEAR(turned / count, 1 - std::sqrt(1 - p), 0.03);
  const double square = std::inner_product(log_scale.begin(), log_scale.end(), log_scale.begin(), 0.0);
  EXPECT_NEAR(std::sqrt(square / static_cast<double>(log_scale.size())), 0.2, 0.01);
}

// The second moments of what is drawn at p = 1 against the paper's deviations (appendix B); 4,000 draws hold them to
// some 3 %.
TEST(Augment, EachIsAsStrongAsThePaperHasIt) {
  const AugmentOptions options = augment_pipeline("bgcfnc");
  constexpr int count = 4000;
  std::map<std::string, double> square;
  for (std::uint64_t i = 0; i < count; ++i) {
    const Augmentation a = draw_augmentation(options, 1, 11, i);
    square["move"] += a.move[0] * a.move[0];
    square["stretch"] += std::pow(std::log2(a.stretch), 2);
    square["brightness"] += a.brightness * a.brightness;
    square["contrast"] += std::pow(std::log2(a.contrast), 2);
    square["saturation"] += std::pow(std::log2(a.saturation), 2);
    square["noise"] += a.noise * a.noise;
    square["shift"] += a.shift[1] * a.shift[1];
    square["hue"] += a.hue * a.hue;
    // Each band's amplification is followed by one of all bands, which leaves the ratio of two.
    square["filter"] += std::pow(std::log2(a.gains[1] / a.gains[2]), 2) / 2;
    EXPECT_EQ(a.cutout, 0.5);
  }
  const double pi = std::numbers::pi;
  const std::map<std::string, double> deviation{{"move", 0.125},
                                                {"stretch", 0.2},
                                                {"brightness", 0.2},
                                                {"contrast", 0.5},
                                                {"saturation", 1},
                                                {"noise", 0.1},
                                                {"filter", 1},
                                                {"shift", 0.125 / std::sqrt(3.0)},
                                                {"hue", pi / std::sqrt(3.0)}};
  for (const auto& [name, expected] : deviation)
    EXPECT_NEAR(std::sqrt(square[name] / count), expected, 0.04 * expected) << name;
}

TEST(Augment, DependsOnTheSamplesNumberAlone) {
  const AugmentOptions options = augment_pipeline("bgc");
  const Augmentation first = draw_augmentation(options, 1, 5, 42);
  const Augmentation again = draw_augmentation(options, 1, 5, 42);
  EXPECT_EQ(first.scale, again.scale);
  EXPECT_EQ(first.turn_after, again.turn_after);
  EXPECT_NE(first.scale, draw_augmentation(options, 1, 5, 43).scale);
  EXPECT_NE(first.scale, draw_augmentation(options, 1, 6, 42).scale);
}

TEST(Augment, IntensityLeavesTheMaskAlone) {
  Augmentation a;
  a.brightness = 0.3;
  a.contrast = 1.4;
  a.luma_flip = true;
  a.gains = {2, 1, 0.5, 1};
  a.noise = 0.2;
  a.cutout = 0.5;
  a.cutout_centre = {0.5, 0.5};
  const std::vector<Augmentation> all(2, a);
  const std::vector<std::uint64_t> numbers{0, 1};
  const Tensor x = named_images(2);
  const Tensor y = augment(x, all, 1, numbers);
  EXPECT_TRUE(y.select(1, 1).equal(x.select(1, 1)));
  EXPECT_FALSE(y.select(1, 0).allclose(x.select(1, 0), 0.1, 0.1));
}

TEST(Augment, PipelinesAreThePapers) {
  EXPECT_EQ(augment_pipeline("bgc").luma_flip, 1);
  EXPECT_EQ(augment_pipeline("bgc").filter, 0);
  EXPECT_EQ(augment_pipeline("geom").flip, 0);
  EXPECT_EQ(augment_pipeline("bgcfnc").cutout, 1);
  EXPECT_THROW(augment_pipeline("bcg"), Error);
}

}  // namespace
}  // namespace nodulus::train
