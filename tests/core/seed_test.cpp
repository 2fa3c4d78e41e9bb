#include "nodulus/core/seed.h"

#include <gmock/gmock.h>

#include <cmath>
#include <vector>

namespace nodulus {
namespace {

using ::testing::ElementsAre;

// Known answers of the Random123 distribution (tests/kat_vectors, philox4x32 with 10 rounds).
TEST(Philox, KnownAnswers) {
  EXPECT_THAT(philox(0, 0, 0), ElementsAre(0x6627e8d5U, 0xe169c58dU, 0xbc57ac4cU, 0x9b00dbd8U));
  EXPECT_THAT(philox(~0ULL, ~0ULL, ~0ULL), ElementsAre(0x408f276dU, 0x41c83b0eU, 0xa20bc7c6U, 0x6d5451fdU));
  EXPECT_THAT(philox(0x299f31d0a4093822ULL, 0x85a308d3243f6a88ULL, 0x0370734413198a2eULL),
              ElementsAre(0xd16cfe09U, 0x94fdccebU, 0x5001e420U, 0x24126ea1U));
}

TEST(RandomStream, NormalHasTheRightMoments) {
  std::vector<float> z(1'000'000);
  RandomStream(7).fill_normal(z);
  double m1 = 0, m2 = 0, m3 = 0, m4 = 0;
  for (const double v : z) {
    m1 += v;
    m2 += v * v;
    m3 += v * v * v;
    m4 += v * v * v * v;
  }
  const double n = static_cast<double>(z.size());
  EXPECT_NEAR(m1 / n, 0, 5e-3);  // 5 standard errors each
  EXPECT_NEAR(m2 / n, 1, 7.1e-3);
  EXPECT_NEAR(m3 / n, 0, 0.02);
  EXPECT_NEAR(m4 / n, 3, 0.05);
}

TEST(RandomStream, ElementsDoNotDependOnTheLengthAsked) {
  std::vector<float> few(3), many(1001);
  RandomStream(1, 2).fill_normal(few);
  RandomStream(1, 2).fill_normal(many);
  EXPECT_THAT(few, ElementsAre(many[0], many[1], many[2]));
}

TEST(RandomStream, StreamsAndSeedsAreUnrelated) {
  std::vector<float> a(100'000), b(100'000);
  auto correlation = [&] {
    double sum = 0;
    for (std::size_t i = 0; i < a.size(); ++i) sum += static_cast<double>(a[i]) * b[i];
    return sum / static_cast<double>(a.size());
  };
  RandomStream(1, 0).fill_normal(a);
  RandomStream(1, 1).fill_normal(b);
  EXPECT_NEAR(correlation(), 0, 5.0 / std::sqrt(1e5));
  RandomStream(2, 0).fill_normal(b);
  EXPECT_NEAR(correlation(), 0, 5.0 / std::sqrt(1e5));
  RandomStream(derive_seed(1, "noise"), 0).fill_normal(b);
  EXPECT_NEAR(correlation(), 0, 5.0 / std::sqrt(1e5));
  EXPECT_NE(derive_seed(1, "a"), derive_seed(1, "b"));
  EXPECT_NE(derive_seed(1, 0), derive_seed(0, 1));
}

TEST(RandomStream, BelowIsUniform) {
  std::vector<int> counts(7);
  const RandomStream stream(3);
  for (std::uint64_t i = 0; i < 70'000; ++i) ++counts.at(stream.below(i, 7));
  for (const int count : counts) EXPECT_NEAR(count, 10'000, 500);  // 5.4 standard errors
}

}  // namespace
}  // namespace nodulus
