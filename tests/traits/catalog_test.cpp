#include "nodulus/traits/catalog.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <random>
#include <set>
#include <string>

#include "nodulus/traits/shape.h"
#include "nodulus/traits/texture.h"
#include "tests/support/expect_error.h"
#include "tests/traits/drawn.h"

namespace nodulus::traits {
namespace {

using nodulus::test::expect_error;
using test::disc;
using test::drawn;
using test::ellipse;
using test::pi;
using test::star;

std::map<std::string, double> by_name(const Patch& patch) {
  const std::vector<double> values = measure(patch);
  std::map<std::string, double> named;
  for (std::size_t i = 0; i < values.size(); ++i) named.emplace(catalog()[i].name, values[i]);
  return named;
}

/// Soft tissue with noise in air with noise.
std::vector<std::int16_t> noisy(const Region& nodule, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<std::int16_t> hu(nodule.inside.size());
  for (std::size_t i = 0; i < hu.size(); ++i) {
    const int noise = static_cast<int>(random() % 61) - 30;
    hu[i] = static_cast<std::int16_t>((nodule.inside[i] != 0 ? 20 : -850) + noise);
  }
  return hu;
}

TEST(Catalog, NamesEveryTraitOnceInAKnownGroup) {
  const std::set<std::string_view> groups = {"size", "shape", "edge", "density", "texture"};
  std::set<std::string_view> names;
  std::set<std::string_view> titles;
  for (const Trait& trait : catalog()) {
    EXPECT_TRUE(names.insert(trait.name).second) << trait.name;
    EXPECT_TRUE(titles.insert(trait.title).second) << trait.title;
    EXPECT_TRUE(groups.contains(trait.group)) << trait.group;
    EXPECT_FALSE(trait.meaning.empty()) << trait.name;
    EXPECT_EQ(trait.name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_"), std::string_view::npos);
  }
}

TEST(Measure, GivesEveryRowANumberForAnOrdinaryNodule) {
  const Region nodule = disc(32, 32, 8);
  const std::vector<std::int16_t> hu = noisy(nodule, 1);
  const std::vector<double> values = measure({hu, nodule.inside, 64, 64, 0.7});
  ASSERT_EQ(values.size(), catalog().size());
  for (std::size_t i = 0; i < values.size(); ++i) EXPECT_TRUE(std::isfinite(values[i])) << catalog()[i].name;
}

TEST(Measure, PutsEachNumberIntoItsRow) {
  const Region nodule = ellipse(32.3, 31.6, 12, 6, 0.4, 64);
  std::vector<std::int16_t> hu = noisy(nodule, 2);
  const auto found = by_name({hu, nodule.inside, 64, 64, 0.5});
  EXPECT_NEAR(found.at("area"), pi * 72 * 0.25, 1);
  EXPECT_NEAR(found.at("equivalent_diameter"), 2 * std::sqrt(72) * 0.5, 0.1);
  EXPECT_NEAR(found.at("longest_diameter"), 12, 0.4);
  EXPECT_NEAR(found.at("elongation"), 0.5, 0.03);
  EXPECT_LT(found.at("spiculation"), 0.04);
  EXPECT_LT(found.at("lobulation"), 0.04);
  EXPECT_NEAR(found.at("air_around"), 1, 1e-12);
  EXPECT_NEAR(found.at("edge_core_contrast"), 0, 10);
  // Evenly spread over 61 values: mean 20, deviation sqrt((61² - 1) / 12) = 17.6, no skewness, kurtosis -1.2.
  EXPECT_NEAR(found.at("mean_density"), 20, 5);
  EXPECT_NEAR(found.at("density_deviation"), 17.6, 2);
  EXPECT_NEAR(found.at("density_median"), 20, 8);
  EXPECT_NEAR(found.at("density_p10"), -4, 6);
  EXPECT_NEAR(found.at("density_p90"), 44, 6);
  EXPECT_NEAR(found.at("density_range"), 30.5, 8);
  EXPECT_NEAR(found.at("density_skewness"), 0, 0.4);
  EXPECT_NEAR(found.at("density_kurtosis"), -1.2, 0.3);
  EXPECT_EQ(found.at("solid_share"), 1);
  EXPECT_EQ(found.at("calcified_share"), 0);
  EXPECT_NEAR(found.at("glcm_correlation"), 0, 0.2);  // neighbours are independent
  EXPECT_GT(found.at("margin_sharpness"), 870 / 0.5 * 0.7);
}

TEST(Measure, TakesFormAndTextureFromTheirFunctions) {
  const Region nodule = star(48, 48, 20, 0.3, 5);
  const std::vector<std::int16_t> hu = noisy(nodule, 6);
  const auto found = by_name({hu, nodule.inside, 96, 96, 0.6});
  const Shape shape = measure_shape(nodule, 0.6);
  EXPECT_EQ(found.at("perimeter"), shape.perimeter);
  EXPECT_EQ(found.at("circularity"), shape.circularity);
  EXPECT_EQ(found.at("spiculation"), shape.spiculation);
  EXPECT_EQ(found.at("lobulation"), shape.lobulation);
  const GreyLevels image = discretise(hu, nodule);
  const CooccurrenceFeatures pairs = cooccurrence_features(cooccurrence(image), image.count);
  EXPECT_EQ(found.at("glcm_contrast"), pairs.contrast);
  EXPECT_EQ(found.at("glcm_inverse_difference"), pairs.inverse_difference);
  EXPECT_EQ(found.at("glcm_joint_entropy"), pairs.joint_entropy);
  const SizeFeatures runs = size_features(run_lengths(image));
  EXPECT_EQ(found.at("glrlm_short_run_emphasis"), runs.small_emphasis);
  EXPECT_EQ(found.at("glrlm_level_nonuniformity"), runs.normalised_level_nonuniformity);
  const SizeFeatures zones = size_features(zone_sizes(image));
  EXPECT_EQ(found.at("glszm_zone_percentage"), zones.percentage);
  EXPECT_EQ(found.at("glszm_zone_entropy"), zones.entropy);
}

TEST(Measure, OfAFlatImageHasNoCorrelationAndOneZone) {
  const Region nodule = disc(32, 32, 6);
  const std::vector<std::int16_t> hu(64 * 64, 250);
  const auto found = by_name({hu, nodule.inside, 64, 64, 1});
  EXPECT_EQ(found.at("calcified_share"), 1);
  EXPECT_EQ(found.at("glcm_contrast"), 0);
  EXPECT_EQ(found.at("glcm_inverse_difference"), 1);
  EXPECT_TRUE(std::isnan(found.at("glcm_correlation")));
  EXPECT_TRUE(std::isnan(found.at("density_skewness")));
  EXPECT_EQ(found.at("glrlm_level_nonuniformity"), 1);
  EXPECT_EQ(found.at("glszm_zone_entropy"), 0);
  EXPECT_NEAR(found.at("glszm_zone_percentage"), 1.0 / nodule.count(), 1e-12);
}

TEST(Measure, OfAnEmptyOutlineIsNotANumber) {
  const std::vector<std::int16_t> hu(64, 0);
  const std::vector<std::uint8_t> mask(64, 0);
  for (const double value : measure({hu, mask, 8, 8, 1})) EXPECT_TRUE(std::isnan(value));
}

TEST(Measure, OfASinglePixelHasSizeAndDensityAlone) {
  const std::vector<std::int16_t> hu(81, -100);
  std::vector<std::uint8_t> mask(81, 0);
  mask[40] = 1;
  const auto found = by_name({hu, mask, 9, 9, 0.5});
  EXPECT_EQ(found.at("area"), 0.25);
  EXPECT_EQ(found.at("mean_density"), -100);
  for (const char* name : {"circularity", "spiculation", "lobulation", "margin_sharpness", "edge_core_contrast",
                           "density_skewness", "density_entropy", "glcm_contrast", "glszm_zone_percentage"}) {
    EXPECT_TRUE(std::isnan(found.at(name))) << name;
  }
}

TEST(Measure, TakesTheLargestPartAndWhatItEncloses) {
  const Region ring = drawn(64, 64, [](int y, int x) {
    const double away = std::hypot(y - 32, x - 32);
    return (away >= 4 && away <= 9) || (y < 3 && x < 3);
  });
  std::vector<std::int16_t> hu = noisy(ring, 3);
  hu[0] = 3000;  // of the speck in the corner
  const auto found = by_name({hu, ring.inside, 64, 64, 1});
  EXPECT_NEAR(found.at("area"), disc(32, 32, 9).count(), 1e-9);
  EXPECT_EQ(found.at("calcified_share"), 0);
  EXPECT_NEAR(found.at("mean_density"), 20, 5);  // without the air in the cavity
}

TEST(Measure, LeavesPaddingOut) {
  const Region nodule = disc(32, 32, 8);
  std::vector<std::int16_t> hu = noisy(nodule, 4);
  for (std::size_t i = 0; i < hu.size(); ++i) {
    if (i % 64 < 28) hu[i] = -2048;
  }
  std::vector<std::uint8_t> seen = nodule.inside;
  for (std::size_t i = 0; i < hu.size(); ++i) {
    if (hu[i] == -2048) seen[i] = 0;
  }
  const std::vector<double> with = measure({hu, nodule.inside, 64, 64, 1, -2048});
  const std::vector<double> without = measure({hu, seen, 64, 64, 1, -2048});
  EXPECT_EQ(with, without);
  EXPECT_GT(by_name({hu, nodule.inside, 64, 64, 1, -2048}).at("density_p10"), -100);
}

TEST(Measure, OfANoduleCutByTheImagesBorderHasNumbers) {
  const Region nodule = disc(0, 20, 9, 48);
  const std::vector<std::int16_t> hu = noisy(nodule, 5);
  const std::vector<double> values = measure({hu, nodule.inside, 48, 48, 0.7});
  for (std::size_t i = 0; i < values.size(); ++i) EXPECT_TRUE(std::isfinite(values[i])) << catalog()[i].name;
}

TEST(Measure, RefusesSizesThatDiffer) {
  const std::vector<std::int16_t> hu(15, 0);
  const std::vector<std::uint8_t> mask(16, 1);
  expect_error([&] { measure({hu, mask, 4, 4, 1}); }, ErrorCode::internal, {"15 pixels for 16"});
  expect_error([&] { measure({hu, mask, 3, 5, 1}); }, ErrorCode::internal, {"3 x 5"});
  const std::vector<std::int16_t> fits(16, 0);
  expect_error([&] { measure({fits, mask, 4, 4, 0}); }, ErrorCode::internal, {"spacing above 0"});
}

}  // namespace
}  // namespace nodulus::traits
