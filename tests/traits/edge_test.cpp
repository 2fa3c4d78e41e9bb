#include "nodulus/traits/edge.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "tests/traits/drawn.h"

namespace nodulus::traits {
namespace {

using test::disc;
using test::drawn;
using test::ellipse;
using test::pi;

template <typename Value>
std::vector<std::int16_t> painted(int size, const Value& value) {
  std::vector<std::int16_t> hu(static_cast<std::size_t>(size * size));
  for (int y = 0; y < size; ++y) {
    for (int x = 0; x < size; ++x) {
      hu[static_cast<std::size_t>(y * size + x)] = static_cast<std::int16_t>(std::lround(value(y, x)));
    }
  }
  return hu;
}

/// A disc whose density falls from `inner` to `outer` over `width` pixels about radius r.
std::vector<std::int16_t> soft_disc(int size, double r, double inner, double outer, double width) {
  return painted(size, [=](int y, int x) {
    const double away = std::hypot(y - size / 2, x - size / 2);
    const double part = std::clamp((away - r) / width + 0.5, 0.0, 1.0);
    return inner + part * (outer - inner);
  });
}

TEST(OutwardNormals, OfADiscPointAwayFromItsCentre) {
  const Region region = disc(32.3, 31.6, 12);
  const std::vector<BorderEdge> border = outer_border(region);
  const std::vector<Point> normals = outward_normals(region, border);
  double sum = 0;
  for (std::size_t i = 0; i < border.size(); ++i) {
    const double dy = border[i].middle().y - 32.3;
    const double dx = border[i].middle().x - 31.6;
    const double cosine = (normals[i].y * dy + normals[i].x * dx) / std::hypot(dy, dx);
    EXPECT_GT(cosine, std::cos(20 * pi / 180));
    sum += cosine;
  }
  EXPECT_GT(sum / static_cast<double>(border.size()), std::cos(8 * pi / 180));
}

TEST(MarginSharpness, OfARampIsItsSlope) {
  for (const double width : {4.0, 6.0, 8.0}) {
    for (const double spacing : {0.5, 0.8}) {
      const std::vector<std::int16_t> hu = soft_disc(64, 16, 40, -860, width);
      const double expected = 900 / (width * spacing);
      const Edge edge = measure_edge({hu, 64, 64, spacing}, disc(32, 32, 16));
      EXPECT_NEAR(edge.margin_sharpness, expected, 0.03 * expected) << width << " pixels of " << spacing << " mm";
    }
  }
}

TEST(MarginSharpness, FindsTheSlopeBesideTheOutline) {
  const std::vector<std::int16_t> hu = soft_disc(64, 16, 40, -860, 4);
  for (const double r : {15.0, 17.0}) {
    EXPECT_NEAR(measure_edge({hu, 64, 64, 1}, disc(32, 32, r)).margin_sharpness, 225, 9) << r;
  }
}

TEST(MarginSharpness, OfAStraightEdgeDoesNotDependOnItsAngle) {
  for (const double angle : {0.0, 0.2, 0.5, pi / 4, 1.0}) {
    const auto away = [angle](double y, double x) {
      return (x - 31.5) * std::cos(angle) + (y - 31.5) * std::sin(angle);
    };
    const std::vector<std::int16_t> hu =
        painted(64, [&](int y, int x) { return std::clamp(-400 - 100 * away(y, x), -800.0, 0.0); });
    const Region half = drawn(64, 64, [&](int y, int x) { return away(y, x) < 0; });
    EXPECT_NEAR(measure_edge({hu, 64, 64, 1}, half).margin_sharpness, 100, 3) << angle;
  }
}

TEST(MarginSharpness, SkipsWhatWasNotMeasured) {
  std::vector<std::int16_t> hu = soft_disc(64, 16, 40, -860, 6);
  for (std::size_t i = 0; i < hu.size(); ++i) {
    if (i % 64 < 30) hu[i] = -2048;  // a cliff that is none
  }
  const Region right = drawn(64, 64, [](int y, int x) { return x >= 30 && std::hypot(y - 32, x - 32) <= 16; });
  EXPECT_NEAR(measure_edge({hu, 64, 64, 1, -2048}, right).margin_sharpness, 150, 5);
}

TEST(MarginSharpness, DoesNotReadPaddingFartherOut) {
  const std::vector<std::int16_t> hu =
      painted(64, [](int y, int x) { return std::hypot(y - 32, x - 32) < 10 ? 0.0 : -2048.0; });
  EXPECT_EQ(measure_edge({hu, 64, 64, 1, -2048}, disc(32, 32, 8)).margin_sharpness, 0);
}

TEST(MarginSharpness, NeedsABorderThatTheImageShows) {
  const std::vector<std::int16_t> hu(100, 0);
  const Region all = drawn(10, 10, [](int, int) { return true; });
  EXPECT_TRUE(std::isnan(measure_edge({hu, 10, 10, 1}, all).margin_sharpness));
  EXPECT_TRUE(std::isnan(measure_edge({hu, 10, 10, 1}, all).air_around));
  EXPECT_TRUE(std::isnan(measure_edge({hu, 10, 10, 1}, disc(5, 5, 0.4, 10)).margin_sharpness));
}

TEST(EdgeCoreContrast, IsTheDifferenceOfCoreAndShell) {
  // 1 mm pixels: the outermost one is the shell, and the core begins at half of the depth of about 14 mm.
  const std::vector<std::int16_t> hu = painted(64, [](int y, int x) {
    const double away = std::hypot(y - 32, x - 32);
    return away < 5 ? 100.0 : away > 12 && away < 16 ? -150.0 : -20.0;
  });
  const Region nodule = disc(32, 32, 14);
  const double expected = [&] {
    double core = 0;
    int count = 0;
    for (int y = 0; y < 64; ++y) {
      for (int x = 0; x < 64; ++x) {
        if (std::hypot(y - 32, x - 32) > 7.1) continue;
        core += std::hypot(y - 32, x - 32) < 5 ? 100 : -20;
        ++count;
      }
    }
    return core / count + 150;
  }();
  EXPECT_NEAR(measure_edge({hu, 64, 64, 1}, nodule).edge_core_contrast, expected, 6);
}

TEST(EdgeCoreContrast, NeedsACore) {
  const std::vector<std::int16_t> hu(400, 0);
  EXPECT_TRUE(std::isnan(measure_edge({hu, 20, 20, 0.7}, disc(10, 10, 1, 20)).edge_core_contrast));
  EXPECT_EQ(measure_edge({hu, 20, 20, 0.7}, disc(10, 10, 6, 20)).edge_core_contrast, 0);
}

TEST(AirAround, IsTheShareOfTheRing) {
  const Region nodule = disc(32, 32, 8);
  // Air to the right of the centre, soft tissue to the left.
  const std::vector<std::int16_t> hu = painted(64, [](int, int x) { return x > 32 ? -850.0 : 40.0; });
  EXPECT_NEAR(measure_edge({hu, 64, 64, 1}, nodule).air_around, 0.5, 0.04);
  // The ring is 2 to 5 mm away: air nearer and farther is not asked for.
  const auto around = [](double near, double far) {
    return painted(64, [=](int y, int x) {
      const double away = std::hypot(y - 32, x - 32) - 8;
      return away > near && away < far ? -850.0 : 0.0;
    });
  };
  EXPECT_EQ(measure_edge({around(1, 6), 64, 64, 1}, nodule).air_around, 1);
  EXPECT_EQ(measure_edge({around(6, 30), 64, 64, 1}, nodule).air_around, 0);
  EXPECT_EQ(measure_edge({around(-9, 1), 64, 64, 1}, nodule).air_around, 0);
  // -700 HU is not below -700.
  const std::vector<std::int16_t> grey(64 * 64, -700);
  EXPECT_EQ(measure_edge({grey, 64, 64, 1}, nodule).air_around, 0);
}

TEST(AirAround, LeavesPaddingOut) {
  const Region nodule = disc(32, 32, 8);
  const std::vector<std::int16_t> hu = painted(64, [](int y, int x) {
    return x > 32 ? -2048.0 : y > 32 ? -850.0 : 40.0;
  });
  EXPECT_NEAR(measure_edge({hu, 64, 64, 1, -2048}, nodule).air_around, 0.5, 0.05);
}

}  // namespace
}  // namespace nodulus::traits
