#include "nodulus/traits/agreement.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numeric>

#include "nodulus/core/seed.h"
#include "tests/support/expect_error.h"

namespace nodulus::traits {
namespace {

constexpr double unrated = std::numeric_limits<double>::quiet_NaN();

std::vector<std::size_t> all(const Ratings& ratings) {
  std::vector<std::size_t> subjects(ratings.subjects());
  std::iota(subjects.begin(), subjects.end(), std::size_t{0});
  return subjects;
}

Ratings made(std::size_t readers, std::vector<double> values) { return {readers, std::move(values)}; }

/// Shrout and Fleiss 1979, table 2: six targets, four judges.
const Ratings shrout_fleiss = made(4, {9, 2, 5, 8, 6, 1, 3, 2, 8, 4, 6, 8, 7, 1, 2, 6, 10, 5, 6, 9, 6, 2, 4, 7});

/// Krippendorff 2011, "Computing Krippendorff's alpha-reliability", part C: twelve units, four observers.
const Ratings krippendorff =
    made(4, {1, 1, unrated, 1, 2,       2, 3, 2, 3,       3,       3, 3, 3,       3, 3,       3,
             2, 2, 2,       2, 1,       2, 3, 4, 4,       4,       4, 4, 1,       1, 2,       1,
             2, 2, 2,       2, unrated, 5, 5, 5, unrated, unrated, 1, 1, unrated, 3, unrated, unrated});

/// Six subjects of two to four ratings, one of one, two more of two; made up.
const Ratings uneven = made(
    4, {5, 5, 5,       4, 2, 1,       1, 1, 2, unrated, unrated, unrated, 3, 3, 3, 2, 4, unrated, 5,      3, unrated,
        2, 2, unrated, 1, 3, unrated, 2, 5, 4, 4,       5,       3,       2, 4, 3, 1, 1, unrated, unrated});

TEST(Agreement, IccIsShroutAndFleissTable) {
  // Their table 4: ICC(1,1) = .17, ICC(1,4) = .44.
  EXPECT_NEAR(icc_single(shrout_fleiss, all(shrout_fleiss)), 0.17, 0.005);
  EXPECT_NEAR(icc_mean(shrout_fleiss, all(shrout_fleiss)), 0.44, 0.005);
}

TEST(Agreement, FleissKappaIsTheWellKnownExample) {
  // Ten subjects, fourteen raters, five categories; kappa = 0.210 (the worked example of the encyclopedia's article on
  // Fleiss' kappa).
  const std::vector<std::vector<int>> counts{{0, 0, 0, 0, 14}, {0, 2, 6, 4, 2}, {0, 0, 3, 5, 6}, {0, 3, 9, 2, 0},
                                             {2, 2, 8, 1, 1},  {7, 7, 0, 0, 0}, {3, 2, 6, 3, 0}, {2, 5, 3, 2, 2},
                                             {6, 5, 2, 1, 0},  {0, 2, 2, 3, 7}};
  Ratings ratings{14, {}};
  for (const auto& row : counts) {
    for (std::size_t category = 0; category < row.size(); ++category) {
      ratings.values.insert(ratings.values.end(), static_cast<std::size_t>(row[category]),
                            static_cast<double>(category) + 1);
    }
  }
  ASSERT_EQ(ratings.subjects(), 10u);
  EXPECT_NEAR(fleiss_kappa(ratings, all(ratings)), 0.210, 0.0005);
}

TEST(Agreement, AlphaIsKrippendorffsWorkedExample) {
  // His figures for these data: nominal .743, ordinal .815, interval .849.
  const auto subjects = all(krippendorff);
  EXPECT_NEAR(krippendorff_alpha(krippendorff, subjects, Scale::nominal), 0.743, 0.0005);
  EXPECT_NEAR(krippendorff_alpha(krippendorff, subjects, Scale::ordinal), 0.815, 0.0005);
  EXPECT_NEAR(krippendorff_alpha(krippendorff, subjects, Scale::interval), 0.849, 0.0005);
}

TEST(Agreement, FleissKappaWithMissingRatingsIsGwets) {
  // Gwet's figure for the same data, 0.76117 (Handbook of Inter-Rater Reliability; his package irrCAC).
  EXPECT_NEAR(fleiss_kappa(krippendorff, all(krippendorff)), 0.76117, 0.000005);
}

TEST(Agreement, UnevenRatingsGiveWhatPlainNumpyGives) {
  // numpy 1.24.2 by the definitions: quadratic weights on each pair's table of counts, sums of squares about the means,
  // alpha over all ordered pairs of ratings.
  const auto subjects = all(uneven);
  EXPECT_NEAR(mean_weighted_kappa(uneven, subjects), 0.7682672603433306, 1e-12);
  EXPECT_NEAR(icc_single(uneven, subjects), 0.7984826867145914, 1e-12);
  EXPECT_NEAR(icc_mean(uneven, subjects), 0.9291221684785211, 1e-12);
  EXPECT_NEAR(krippendorff_alpha(uneven, subjects, Scale::ordinal), 0.7895546798537061, 1e-12);
  EXPECT_NEAR(krippendorff_alpha(uneven, subjects, Scale::interval), 0.7868852459016396, 1e-12);
  EXPECT_NEAR(krippendorff_alpha(uneven, subjects, Scale::nominal), 0.27298050139275776, 1e-12);
  EXPECT_NEAR(fleiss_kappa(uneven, subjects), 0.2895204262877442, 1e-12);
}

TEST(Agreement, FullAgreementIsOne) {
  const Ratings same = made(3, {1, 1, 1, 5, 5, 5, 3, 3, unrated, 2, 2, 2});
  const Agreement result = agreement(same);
  ASSERT_EQ(result.coefficients.size(), 6u);
  for (const Coefficient& coefficient : result.coefficients) {
    EXPECT_NEAR(coefficient.value, 1, 1e-12) << coefficient.name;
    EXPECT_NEAR(coefficient.interval.low, 1, 1e-12) << coefficient.name;
  }
  EXPECT_EQ(result.same, 1);
  EXPECT_EQ(result.ratings, 11);
}

TEST(Agreement, ChanceIsAboutZero) {
  const RandomStream stream(11);
  Ratings random{4, std::vector<double>(4 * 3000)};
  for (std::size_t i = 0; i < random.values.size(); ++i) random.values[i] = 1 + static_cast<double>(stream.below(i, 5));
  const Agreement result = agreement(random, {}, {200, 0.95, 1});
  for (const Coefficient& coefficient : result.coefficients) {
    EXPECT_NEAR(coefficient.value, 0, 0.08) << coefficient.name;
    EXPECT_LT(coefficient.interval.low, coefficient.value) << coefficient.name;
    EXPECT_GT(coefficient.interval.high, coefficient.value) << coefficient.name;
  }
  EXPECT_NEAR(result.same, 0.2, 0.02);
  EXPECT_NEAR(result.within_one, 13.0 / 25, 0.02);
}

TEST(Agreement, OneReaderOrOneValueSaysNothing) {
  for (const Ratings& ratings : {made(1, {1, 2, 3}), made(2, {1, unrated, unrated, 2, 3, unrated}),
                                 made(2, {4, 4, 4, 4}), made(2, {}), made(2, {unrated, unrated})}) {
    const Agreement result = agreement(ratings, {}, {50, 0.95, 0});
    for (const Coefficient& coefficient : result.coefficients) {
      EXPECT_TRUE(std::isnan(coefficient.value)) << coefficient.name;
      EXPECT_TRUE(std::isnan(coefficient.interval.low)) << coefficient.name;
    }
  }
  EXPECT_TRUE(std::isnan(agreement(made(1, {1, 2, 3})).same));
}

TEST(Agreement, SubjectsAreCountedAndSizesChecked) {
  const Agreement result = agreement(uneven, {}, {20, 0.95, 0});
  EXPECT_EQ(result.subjects, 10);
  EXPECT_EQ(result.subjects_compared, 9);
  EXPECT_EQ(result.ratings, 31);
  EXPECT_NEAR(result.same, 14.0 / 38, 1e-12);
  EXPECT_NEAR(result.within_one, 35.0 / 38, 1e-12);
  const std::vector<std::size_t> short_groups{1, 2};
  nodulus::test::expect_error([&] { (void)agreement(uneven, short_groups); }, ErrorCode::internal, {"group"});
  nodulus::test::expect_error([&] { (void)agreement(made(4, {1, 2, 3})); }, ErrorCode::internal, {"ratings"});
}

TEST(Agreement, GroupsWidenTheInterval) {
  // Each subject ten times over, as ten nodules of one patient.
  Ratings repeated{4, {}};
  std::vector<std::size_t> patient;
  for (std::size_t subject = 0; subject < shrout_fleiss.subjects(); ++subject) {
    for (int k = 0; k < 10; ++k) {
      const auto row = shrout_fleiss.of(subject);
      repeated.values.insert(repeated.values.end(), row.begin(), row.end());
      patient.push_back(subject);
    }
  }
  const auto width = [](const Agreement& result) {
    return result.coefficients[4].interval.high - result.coefficients[4].interval.low;
  };
  EXPECT_GT(width(agreement(repeated, patient)), 1.5 * width(agreement(repeated)));
}

}  // namespace
}  // namespace nodulus::traits
