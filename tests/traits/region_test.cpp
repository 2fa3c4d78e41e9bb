#include "nodulus/traits/region.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

#include "nodulus/traits/distance.h"
#include "tests/support/expect_error.h"
#include "tests/traits/drawn.h"

namespace nodulus::traits {
namespace {

using nodulus::test::expect_error;
using test::drawn;
using test::written;

TEST(RegionOf, TakesWhatIsNotZeroAndChecksTheSize) {
  const std::vector<std::uint8_t> mask = {0, 1, 4, 0, 255, 0};
  EXPECT_EQ(region_of(mask, 2, 3).inside, (std::vector<std::uint8_t>{0, 1, 1, 0, 1, 0}));
  EXPECT_EQ(region_of(mask, 2, 3).count(), 3);
  expect_error([&] { region_of(mask, 2, 2); }, ErrorCode::internal, {"found 6", "2 x 2"});
}

TEST(LargestPart, HangsTogetherByCorners) {
  const Region region = written({"##...", "...#.", "..#..", ".#..."});
  EXPECT_EQ(largest_part(region).inside, written({".....", "...#.", "..#..", ".#..."}).inside);
  const Region equal = written({"#.#", "#.#"});
  EXPECT_EQ(largest_part(equal).inside, written({"#..", "#.."}).inside);
  EXPECT_EQ(largest_part(written({"..", ".."})).count(), 0);
}

TEST(WithoutHoles, FillsWhatNoEdgeLeadsOutOf) {
  // A hole behind a corner is a hole; a bay that is open along an edge is none, nor is one at the image's border.
  EXPECT_EQ(without_holes(written({".##.", "#..#", "#..#", ".##."})).inside,
            written({".##.", "####", "####", ".##."}).inside);
  EXPECT_EQ(without_holes(written({"###", "#.#", "#.#"})).inside, written({"###", "#.#", "#.#"}).inside);
  EXPECT_EQ(without_holes(written({"..", ".."})).count(), 0);
}

TEST(OuterBorder, GoesOnceAroundWithTheRegionOnTheRight) {
  const std::vector<BorderEdge> border = outer_border(written({"...", ".#.", "..."}));
  ASSERT_EQ(border.size(), 4U);
  const std::vector<std::pair<double, double>> middles = {{0.5, 1}, {1, 1.5}, {1.5, 1}, {1, 0.5}};
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(border[i].middle().y, middles[i].first);
    EXPECT_EQ(border[i].middle().x, middles[i].second);
  }
  EXPECT_TRUE(outer_border(written({"..", ".."})).empty());
}

TEST(OuterBorder, HasEveryEdgeOfAFormWithoutHolesOnce) {
  std::mt19937 random(5);
  for (int trial = 0; trial < 50; ++trial) {
    const Region noise = drawn(12, 9, [&](int, int) { return random() % 2 == 0; });
    const Region region = without_holes(largest_part(noise));
    int edges = 0;
    for (int y = -1; y < 12; ++y) {
      for (int x = -1; x < 9; ++x) {
        edges += (region.at(y, x) != region.at(y, x + 1) ? 1 : 0) + (region.at(y, x) != region.at(y + 1, x) ? 1 : 0);
      }
    }
    const std::vector<BorderEdge> border = outer_border(region);
    EXPECT_EQ(static_cast<int>(border.size()), edges);
    for (const BorderEdge& edge : border) {
      EXPECT_TRUE(region.at(edge.y, edge.x));
      EXPECT_FALSE(region.at(edge.y + edge.outward_y, edge.x + edge.outward_x));
    }
  }
}

TEST(DistanceTo, IsWhatComparingAllPixelsFinds) {
  std::mt19937 random(11);
  for (const unsigned sparse : {2U, 9U, 60U}) {
    const Region region = drawn(17, 23, [&](int, int) { return random() % sparse == 0; });
    const std::vector<double> distance = distance_to(region);
    for (int y = 0; y < 17; ++y) {
      for (int x = 0; x < 23; ++x) {
        double nearest = std::numeric_limits<double>::infinity();
        for (int py = 0; py < 17; ++py) {
          for (int px = 0; px < 23; ++px) {
            if (region.at(py, px)) nearest = std::min(nearest, std::hypot(py - y, px - x));
          }
        }
        EXPECT_NEAR(distance[region.index(y, x)], nearest, 1e-12);
      }
    }
  }
}

TEST(DistanceTo, NothingIsInfinity) {
  for (const double value : distance_to(written({"...", "..."}))) EXPECT_TRUE(std::isinf(value));
}

TEST(SignedDistance, OfAHalfPlaneGrowsByOneAPixel) {
  const std::vector<double> distance = signed_distance(drawn(3, 6, [](int, int x) { return x < 2; }));
  EXPECT_EQ(std::vector<double>(distance.begin(), distance.begin() + 6),
            (std::vector<double>{-1.5, -0.5, 0.5, 1.5, 2.5, 3.5}));
}

}  // namespace
}  // namespace nodulus::traits
