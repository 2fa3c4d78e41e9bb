#include "nodulus/traits/texture.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/support/expect_error.h"
#include "tests/traits/drawn.h"
#include "tests/traits/ibsi_phantom.h"

namespace nodulus::traits {
namespace {

using nodulus::test::expect_error;
using test::drawn;
using test::ibsi_phantom;
using test::published_digits;

template <typename Features>
struct Published {
  const char* name;
  double Features::*member;
  double value;
};

/// The mean over the phantom's slices of what `of` finds, against the published values.
template <typename Features, typename Of>
void expect_published(const std::vector<Published<Features>>& table, const Of& of) {
  for (const auto& entry : table) {
    double mean = 0;
    int count = 0;
    for (const GreyLevels& slice : ibsi_phantom()) {
      for (const Features& features : of(slice)) {
        mean += features.*entry.member;
        ++count;
      }
    }
    EXPECT_NEAR(mean / count, entry.value, published_digits(entry.value)) << entry.name;
  }
}

using Glcm = CooccurrenceFeatures;
using Sizes = SizeFeatures;

// All figures: reference manual of the initiative (arXiv 1612.07003), digital phantom, by slice (2D).

TEST(Cooccurrence, HasTheInitiativesValuesOnItsPhantomWithDirectionsMerged) {
  const std::vector<Published<Glcm>> table = {
      {"joint maximum", &Glcm::joint_maximum, 0.512},
      {"joint average", &Glcm::joint_average, 2.14},
      {"joint variance", &Glcm::joint_variance, 2.71},
      {"joint entropy", &Glcm::joint_entropy, 2.24},
      {"difference average", &Glcm::difference_average, 1.4},
      {"difference variance", &Glcm::difference_variance, 3.06},
      {"difference entropy", &Glcm::difference_entropy, 1.49},
      {"sum average", &Glcm::sum_average, 4.29},
      {"sum variance", &Glcm::sum_variance, 5.66},
      {"sum entropy", &Glcm::sum_entropy, 1.79},
      {"angular second moment", &Glcm::angular_second_moment, 0.352},
      {"contrast", &Glcm::contrast, 5.19},
      {"dissimilarity", &Glcm::dissimilarity, 1.4},
      {"inverse difference", &Glcm::inverse_difference, 0.683},
      {"normalised inverse difference", &Glcm::normalised_inverse_difference, 0.854},
      {"inverse difference moment", &Glcm::inverse_difference_moment, 0.625},
      {"normalised inverse difference moment", &Glcm::normalised_inverse_difference_moment, 0.901},
      {"inverse variance", &Glcm::inverse_variance, 0.0553},
      {"correlation", &Glcm::correlation, 0.0173},
      {"autocorrelation", &Glcm::autocorrelation, 5.14},
      {"cluster tendency", &Glcm::cluster_tendency, 5.66},
      {"cluster shade", &Glcm::cluster_shade, 6.98},
      {"cluster prominence", &Glcm::cluster_prominence, 80.4},
      {"information correlation 1", &Glcm::information_correlation_1, -0.0341},
      {"information correlation 2", &Glcm::information_correlation_2, 0.263},
  };
  expect_published<Glcm>(table, [](const GreyLevels& slice) {
    return std::vector<Glcm>{cooccurrence_features(cooccurrence(slice), slice.count)};
  });
}

TEST(Cooccurrence, HasTheInitiativesValuesOnItsPhantomDirectionByDirection) {
  const std::vector<Published<Glcm>> table = {
      {"joint maximum", &Glcm::joint_maximum, 0.519},
      {"joint average", &Glcm::joint_average, 2.14},
      {"joint variance", &Glcm::joint_variance, 2.69},
      {"joint entropy", &Glcm::joint_entropy, 2.05},
      {"difference variance", &Glcm::difference_variance, 2.9},
      {"sum entropy", &Glcm::sum_entropy, 1.6},
      {"angular second moment", &Glcm::angular_second_moment, 0.368},
      {"contrast", &Glcm::contrast, 5.28},
      {"inverse variance", &Glcm::inverse_variance, 0.0567},
      {"correlation", &Glcm::correlation, -0.0121},
      {"cluster shade", &Glcm::cluster_shade, 7},
      {"cluster prominence", &Glcm::cluster_prominence, 79.1},
      {"information correlation 1", &Glcm::information_correlation_1, -0.155},
      {"information correlation 2", &Glcm::information_correlation_2, 0.487},
  };
  expect_published<Glcm>(table, [](const GreyLevels& slice) {
    std::vector<Glcm> all;
    for (const Direction& d : kDirections) {
      all.push_back(cooccurrence_features(cooccurrence(slice, std::span(&d, 1)), slice.count));
    }
    return all;
  });
}

TEST(RunLengths, HaveTheInitiativesValuesOnItsPhantomWithDirectionsMerged) {
  const std::vector<Published<Sizes>> table = {
      {"short runs", &Sizes::small_emphasis, 0.661},
      {"long runs", &Sizes::large_emphasis, 3.51},
      {"low levels", &Sizes::low_level_emphasis, 0.609},
      {"high levels", &Sizes::high_level_emphasis, 9.74},
      {"short, low", &Sizes::small_low_emphasis, 0.311},
      {"short, high", &Sizes::small_high_emphasis, 8.67},
      {"long, low", &Sizes::large_low_emphasis, 2.92},
      {"long, high", &Sizes::large_high_emphasis, 16.1},
      {"level nonuniformity", &Sizes::level_nonuniformity, 20.5},
      {"normalised level nonuniformity", &Sizes::normalised_level_nonuniformity, 0.456},
      {"run length nonuniformity", &Sizes::size_nonuniformity, 21.6},
      {"normalised run length nonuniformity", &Sizes::normalised_size_nonuniformity, 0.441},
      {"run percentage", &Sizes::percentage, 0.627},
      {"level variance", &Sizes::level_variance, 3.37},
      {"run length variance", &Sizes::size_variance, 0.778},
      {"run entropy", &Sizes::entropy, 2.57},
  };
  expect_published<Sizes>(
      table, [](const GreyLevels& slice) { return std::vector<Sizes>{size_features(run_lengths(slice))}; });
}

TEST(RunLengths, HaveTheInitiativesValuesOnItsPhantomDirectionByDirection) {
  const std::vector<Published<Sizes>> table = {
      {"short runs", &Sizes::small_emphasis, 0.641},
      {"long runs", &Sizes::large_emphasis, 3.78},
      {"level nonuniformity", &Sizes::level_nonuniformity, 5.2},
      {"run length nonuniformity", &Sizes::size_nonuniformity, 6.12},
      {"run percentage", &Sizes::percentage, 0.627},
      {"run length variance", &Sizes::size_variance, 0.761},
      {"run entropy", &Sizes::entropy, 2.17},
  };
  expect_published<Sizes>(table, [](const GreyLevels& slice) {
    std::vector<Sizes> all;
    for (const Direction& d : kDirections) all.push_back(size_features(run_lengths(slice, std::span(&d, 1))));
    return all;
  });
}

TEST(ZoneSizes, HaveTheInitiativesValuesOnItsPhantom) {
  const std::vector<Published<Sizes>> table = {
      {"small zones", &Sizes::small_emphasis, 0.363},
      {"large zones", &Sizes::large_emphasis, 43.9},
      {"low levels", &Sizes::low_level_emphasis, 0.371},
      {"high levels", &Sizes::high_level_emphasis, 16.4},
      {"small, low", &Sizes::small_low_emphasis, 0.0259},
      {"small, high", &Sizes::small_high_emphasis, 10.3},
      {"large, low", &Sizes::large_low_emphasis, 40.4},
      {"large, high", &Sizes::large_high_emphasis, 113},
      {"level nonuniformity", &Sizes::level_nonuniformity, 1.41},
      {"normalised level nonuniformity", &Sizes::normalised_level_nonuniformity, 0.323},
      {"zone size nonuniformity", &Sizes::size_nonuniformity, 1.49},
      {"normalised zone size nonuniformity", &Sizes::normalised_size_nonuniformity, 0.333},
      {"zone percentage", &Sizes::percentage, 0.24},
      {"level variance", &Sizes::level_variance, 3.97},
      {"zone size variance", &Sizes::size_variance, 21},
      {"zone size entropy", &Sizes::entropy, 1.93},
  };
  expect_published<Sizes>(table,
                          [](const GreyLevels& slice) { return std::vector<Sizes>{size_features(zone_sizes(slice))}; });
}

TEST(Cooccurrence, CountsEveryPairInBothOrders) {
  const GreyLevels image{{1, 2, 2, 1}, 2, 2, 2};
  // Six pairs: two along rows and two along columns of unlike levels, the diagonals 1-1 and 2-2.
  EXPECT_EQ(cooccurrence(image), (std::vector<double>{2, 4, 4, 2}));
}

TEST(ZoneSizes, JoinPixelsThatTouchByACorner) {
  const SizeCounts zones = zone_sizes({{1, 2, 2, 1}, 2, 2, 2});
  EXPECT_EQ(zones.count, (std::map<std::pair<int, int>, int>{{{1, 2}, 1}, {{2, 2}, 1}}));
}

TEST(RunLengths, StopAtTheRegionsBorder) {
  const GreyLevels image{{1, 1, 0, 1, 1, 1}, 1, 6, 1};
  const Direction along_rows{0, 1};
  EXPECT_EQ(run_lengths(image, std::span(&along_rows, 1)).count,
            (std::map<std::pair<int, int>, int>{{{1, 2}, 1}, {{1, 3}, 1}}));
}

TEST(Texture, OfASinglePixelHasNoNeighboursAndOneZone) {
  const GreyLevels image{{0, 0, 0, 0, 3, 0, 0, 0, 0}, 3, 3, 3};
  EXPECT_TRUE(std::isnan(cooccurrence_features(cooccurrence(image), 3).contrast));
  EXPECT_TRUE(std::isnan(cooccurrence_features(cooccurrence(image), 3).information_correlation_2));
  EXPECT_EQ(size_features(zone_sizes(image)).percentage, 1);
  EXPECT_EQ(size_features(run_lengths(image)).percentage, 1);
}

TEST(Texture, OfOneLevelHasNoCorrelation) {
  const GreyLevels image{{2, 2, 2, 2}, 2, 2, 2};
  const Glcm features = cooccurrence_features(cooccurrence(image), 2);
  EXPECT_EQ(features.contrast, 0);
  EXPECT_EQ(features.inverse_difference, 1);
  EXPECT_EQ(features.joint_entropy, 0);
  EXPECT_TRUE(std::isnan(features.correlation));
}

TEST(Texture, OfNothingIsNotANumber) {
  const GreyLevels image{{0, 0, 0, 0}, 2, 2, 0};
  EXPECT_TRUE(std::isnan(cooccurrence_features(cooccurrence(image), 0).joint_maximum));
  EXPECT_TRUE(std::isnan(size_features(run_lengths(image)).entropy));
  EXPECT_TRUE(std::isnan(size_features(zone_sizes(image)).percentage));
}

TEST(Texture, DoesNotChangeWhenTheImageIsTurned) {
  std::mt19937 random(3);
  GreyLevels image{std::vector<int>(35), 5, 7, 4};
  for (int& level : image.level) level = static_cast<int>(random() % 5);  // 0: outside
  GreyLevels turned{std::vector<int>(35), 7, 5, 4};
  for (int y = 0; y < 5; ++y) {
    for (int x = 0; x < 7; ++x) turned.level[static_cast<std::size_t>(x * 5 + (4 - y))] = image.at(y, x);
  }
  EXPECT_EQ(cooccurrence(image), cooccurrence(turned));
  EXPECT_EQ(run_lengths(image).count, run_lengths(turned).count);
  EXPECT_EQ(zone_sizes(image).count, zone_sizes(turned).count);
}

TEST(Discretise, PutsEveryTwentyFiveHuIntoALevel) {
  const std::vector<std::int16_t> hu = {-1000, -976, -975, -2000, 0, 24, 25, 3000};
  Region region = drawn(1, 8, [](int, int x) { return x < 7; });
  const GreyLevels image = discretise(hu, region);
  EXPECT_EQ(image.level, (std::vector<int>{1, 1, 2, 1, 41, 41, 42, 0}));
  EXPECT_EQ(image.count, 42);
  EXPECT_EQ(image.pixels(), 7);
  expect_error([&] { discretise(std::span(hu).first(4), region); }, ErrorCode::internal, {"found 4"});
}

}  // namespace
}  // namespace nodulus::traits
