#include "nodulus/traits/shape.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "tests/traits/drawn.h"

namespace nodulus::traits {
namespace {

using test::disc;
using test::drawn;
using test::ellipse;
using test::mean_shape;
using test::pi;
using test::star;

Region square(int side) {
  return drawn(side + 10, side + 10, [=](int y, int x) { return y >= 5 && y < side + 5 && x >= 5 && x < side + 5; });
}

/// Perimeter of an ellipse, by Ramanujan's second formula (1914).
double ellipse_perimeter(double a, double b) {
  const double h = (a - b) * (a - b) / ((a + b) * (a + b));
  return pi * (a + b) * (1 + 3 * h / (10 + std::sqrt(4 - 3 * h)));
}

TEST(Shape, OfADiscIsThatDiscs) {
  for (const double r : {3.0, 4.0, 7.0, 12.0, 20.0}) {
    const Shape mean = mean_shape([r](double y, double x, double) { return disc(32 + y, 32 + x, r); });
    EXPECT_NEAR(mean.area, pi * r * r, 0.01 * pi * r * r) << r;
    EXPECT_NEAR(mean.equivalent_diameter, 2 * r, 0.01 * 2 * r) << r;
    EXPECT_NEAR(mean.longest_diameter, 2 * r, 0.04 * 2 * r) << r;
    EXPECT_NEAR(mean.perimeter, 2 * pi * r, 0.015 * 2 * pi * r) << r;
    EXPECT_GT(mean.circularity, 0.95) << r;
    EXPECT_GT(mean.elongation, 0.94) << r;
    EXPECT_LT(mean.spiculation, 0.03) << r;
    EXPECT_LT(mean.lobulation, 0.02) << r;
  }
}

TEST(Shape, OfAnEllipseIsRoundInAllButItsAxes) {
  for (const double b : {3.0, 5.0, 8.0, 14.0}) {
    const double a = 2 * b;
    const Shape mean =
        mean_shape([=](double y, double x, double angle) { return ellipse(48 + y, 48 + x, a, b, angle); });
    const double perimeter = ellipse_perimeter(a, b);
    EXPECT_NEAR(mean.longest_diameter, 2 * a, 0.02 * 2 * a) << b;
    EXPECT_NEAR(mean.perimeter, perimeter, 0.01 * perimeter) << b;
    EXPECT_NEAR(mean.elongation, 0.5, 0.01) << b;
    EXPECT_NEAR(mean.circularity, 4 * pi * pi * a * b / (perimeter * perimeter), 0.02) << b;
    EXPECT_LT(mean.spiculation, 0.03) << b;
    EXPECT_LT(mean.lobulation, 0.025) << b;
  }
}

TEST(Shape, OfASquareAlongTheGrid) {
  const Shape shape = measure_shape(square(20), 0.5);
  EXPECT_EQ(shape.area, 100);
  EXPECT_NEAR(shape.equivalent_diameter, 2 * std::sqrt(100 / pi), 1e-12);
  EXPECT_NEAR(shape.perimeter, 0.5 * (76 * 0.980 - 4 * 0.091 + pi), 1e-12);  // corner count: 4 % short of 40
  // The ends are the first edges beside two opposite corners; smoothing moves them by an eighth along and inwards.
  EXPECT_NEAR(shape.longest_diameter, 0.5 * std::hypot(19.75, 18.75), 1e-12);
  EXPECT_NEAR(shape.circularity, pi / 4, 0.07);
  EXPECT_NEAR(shape.elongation, 1, 1e-12);
  EXPECT_LT(shape.lobulation, 0.002);
}

TEST(Shape, OfASquareAcrossTheGridHasOddStepsAlone) {
  const Region diamond = drawn(15, 15, [](int y, int x) { return std::abs(y - 7) + std::abs(x - 7) <= 5; });
  EXPECT_NEAR(measure_shape(diamond, 1).perimeter, 20 * 1.406 - 4 * 0.091 + pi, 1e-12);
}

TEST(Shape, OfARectangleHasItsSidesRatioAsElongation) {
  // Second moments of w x h pixels: w² / 12 and h² / 12, the pixels' own 1/12 included, so the ratio is exact.
  const Region bar = drawn(20, 40, [](int y, int x) { return y >= 8 && y < 11 && x >= 5 && x < 35; });
  EXPECT_NEAR(measure_shape(bar, 1).elongation, 3.0 / 30, 1e-12);
}

TEST(Shape, OfAStarDeviatesFromItsEllipseAsTheCurveDoes) {
  for (const double depth : {0.1, 0.2, 0.3}) {
    // The edges of pixels lie along the border as |dx| + |dy| of the curve.
    double weight = 0;
    double sum = 0;
    double squares = 0;
    const auto at = [&](double angle) { return 1 + depth * std::cos(5 * angle); };
    constexpr int kSteps = 100000;
    for (int k = 0; k < kSteps; ++k) {
      const double from = 2 * pi * k / kSteps;
      const double to = 2 * pi * (k + 1) / kSteps;
      const double length = std::abs(at(to) * std::cos(to) - at(from) * std::cos(from)) +
                            std::abs(at(to) * std::sin(to) - at(from) * std::sin(from));
      weight += length;
      sum += length * at(from);
      squares += length * at(from) * at(from);
    }
    const double expected = std::sqrt(squares / weight - sum * sum / (weight * weight)) / (sum / weight);
    const double found =
        mean_shape([&](double y, double x, double) { return star(48 + y, 48 + x, 24, depth, 5); }).spiculation;
    EXPECT_NEAR(found, expected, 0.005) << depth;
  }
}

TEST(Shape, OfAStarLeavesPartOfItsHullEmpty) {
  const double depth = 0.3;
  const double r = 24;
  std::vector<Point> curve;
  for (int k = 0; k < 1000; ++k) {
    const double angle = 2 * pi * k / 1000;
    const double away = r * (1 + depth * std::cos(5 * angle));
    curve.push_back({away * std::sin(angle), away * std::cos(angle)});
  }
  const double expected = 1 - polygon_area(curve) / polygon_area(convex_hull(curve));
  const double found =
      mean_shape([&](double y, double x, double) { return star(48 + y, 48 + x, r, depth, 5); }).lobulation;
  EXPECT_NEAR(found, expected, 0.015);
}

TEST(Shape, IsTheSameInMillimetresWhateverTheUnit) {
  const Region region = star(40, 41, 15, 0.2, 4);
  const Shape one = measure_shape(region, 1);
  const Shape half = measure_shape(region, 0.5);
  EXPECT_NEAR(half.area, one.area / 4, 1e-9);
  EXPECT_NEAR(half.longest_diameter, one.longest_diameter / 2, 1e-9);
  EXPECT_NEAR(half.perimeter, one.perimeter / 2, 1e-9);
  EXPECT_EQ(half.circularity, one.circularity);
  EXPECT_EQ(half.spiculation, one.spiculation);
  EXPECT_EQ(half.lobulation, one.lobulation);
}

TEST(Shape, OfASinglePixelHasASizeAndNoForm) {
  const Shape shape = measure_shape(disc(5, 5, 0.4, 11), 0.7);
  EXPECT_NEAR(shape.area, 0.49, 1e-12);
  EXPECT_NEAR(shape.perimeter, pi * 0.7, 1e-12);
  EXPECT_EQ(shape.elongation, 1);
  EXPECT_TRUE(std::isnan(shape.circularity));
  EXPECT_TRUE(std::isnan(shape.spiculation));
  EXPECT_TRUE(std::isnan(shape.lobulation));
}

TEST(Shape, OfNothingIsNotANumber) {
  const Shape shape = measure_shape(drawn(4, 4, [](int, int) { return false; }), 1);
  EXPECT_TRUE(std::isnan(shape.area));
  EXPECT_TRUE(std::isnan(shape.elongation));
  EXPECT_TRUE(std::isnan(shape.lobulation));
}

TEST(Shape, AtTheImagesBorderIsThatOfTheVisiblePart) {
  const Region cut = drawn(10, 10, [](int, int) { return true; });
  const Shape whole = measure_shape(square(10), 1);
  const Shape at_border = measure_shape(cut, 1);
  EXPECT_EQ(at_border.area, whole.area);
  EXPECT_EQ(at_border.perimeter, whole.perimeter);
  EXPECT_EQ(at_border.lobulation, whole.lobulation);
}

TEST(ConvexHull, KeepsCornersAlone) {
  const std::vector<Point> hull = convex_hull({{0, 0}, {0, 4}, {4, 4}, {4, 0}, {2, 2}, {0, 2}, {1, 3}});
  EXPECT_EQ(hull.size(), 4U);
  EXPECT_EQ(polygon_area(hull), 16);
  EXPECT_TRUE(convex_hull({}).empty());
}

TEST(SmoothedBorder, KeepsStraightLinesAndCutsCorners) {
  const std::vector<BorderEdge> border = outer_border(square(6));
  const std::vector<Point> once = smoothed_border(border, 1);
  EXPECT_EQ(once[2].y, border[2].middle().y);
  EXPECT_EQ(once[2].x, border[2].middle().x);
  EXPECT_EQ(once[0].y, border[0].middle().y + 0.125);
}

}  // namespace
}  // namespace nodulus::traits
