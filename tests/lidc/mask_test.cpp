#include "nodulus/lidc/mask.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <numbers>
#include <random>
#include <set>
#include <vector>

#include "nodulus/lidc/geometry.h"

namespace nodulus::lidc {
namespace {

using Edge = std::vector<Pixel>;
using PixelSet = std::set<Pixel>;

PixelSet pixels_of(const PixelMask& mask, int least = 1) {
  PixelSet pixels;
  for (int y = mask.y0; y < mask.y0 + mask.height; ++y) {
    for (int x = mask.x0; x < mask.x0 + mask.width; ++x) {
      if (mask.at(x, y) >= least) pixels.insert({x, y});
    }
  }
  return pixels;
}

PixelSet block(int x0, int y0, int x1, int y1) {
  PixelSet pixels;
  for (int y = y0; y <= y1; ++y) {
    for (int x = x0; x <= x1; ++x) pixels.insert({x, y});
  }
  return pixels;
}

/// Whether the pixel's centre lies on the segment: distance to the ends sums up to the length.
bool on_segment(Pixel p, Pixel a, Pixel b) {
  const auto length = [](Pixel u, Pixel v) { return std::hypot(u.x - v.x, u.y - v.y); };
  return std::abs(length(a, p) + length(p, b) - length(a, b)) < 1e-9;
}

/// Independent of the code under test: the winding number as the sum of the angles under which the edges are seen.
PixelSet by_angles(const Edge& edge) {
  PixelSet pixels;
  for (int y = -2; y < 40; ++y) {
    for (int x = -2; x < 40; ++x) {
      double turned = 0;
      bool on_outline = false;
      for (std::size_t i = 0; i < edge.size(); ++i) {
        const Pixel a = edge[i], b = edge[(i + 1) % edge.size()];
        if (on_segment({x, y}, a, b)) on_outline = true;
        const double ax = a.x - x, ay = a.y - y, bx = b.x - x, by = b.y - y;
        turned += std::atan2(ax * by - ay * bx, ax * bx + ay * by);
      }
      if (!on_outline && std::abs(turned) > std::numbers::pi) pixels.insert({x, y});
    }
  }
  return pixels;
}

/// Independent again, for outlines of single steps that do not cross themselves: what a flood from outside does not
/// reach without stepping on the outline.
PixelSet by_flood(const Edge& edge) {
  constexpr int kSize = 64, kShift = 8;
  const PixelSet wall(edge.begin(), edge.end());
  PixelSet outside;
  std::vector<Pixel> open = {{-kShift, -kShift}};
  while (!open.empty()) {
    const Pixel p = open.back();
    open.pop_back();
    if (p.x < -kShift || p.y < -kShift || p.x >= kSize || p.y >= kSize) continue;
    if (wall.count(p) > 0 || !outside.insert(p).second) continue;
    for (const Pixel& step : {Pixel{1, 0}, Pixel{-1, 0}, Pixel{0, 1}, Pixel{0, -1}})
      open.push_back({p.x + step.x, p.y + step.y});
  }
  PixelSet inside;
  for (int y = -kShift; y < kSize; ++y) {
    for (int x = -kShift; x < kSize; ++x) {
      if (wall.count({x, y}) == 0 && outside.count({x, y}) == 0) inside.insert({x, y});
    }
  }
  return inside;
}

/// The edge map that LIDC would give for a star-shaped region: the first pixels outside it, in order of their angle.
Edge first_pixels_outside(const PixelSet& region, double cx, double cy) {
  PixelSet rim;
  for (const Pixel& p : region) {
    for (const Pixel& step : {Pixel{1, 0}, Pixel{-1, 0}, Pixel{0, 1}, Pixel{0, -1}}) {
      const Pixel next{p.x + step.x, p.y + step.y};
      if (region.count(next) == 0) rim.insert(next);
    }
  }
  Edge edge(rim.begin(), rim.end());
  std::sort(edge.begin(), edge.end(), [cx, cy](const Pixel& a, const Pixel& b) {
    return std::atan2(a.y - cy, a.x - cx) < std::atan2(b.y - cy, b.x - cx);
  });
  return edge;
}

TEST(EnclosedPixels, ARectanglesOutlineIsNotPartOfIt) {
  const Edge corners = {{2, 3}, {8, 3}, {8, 7}, {2, 7}};
  EXPECT_EQ(pixels_of(enclosed_pixels(corners)), block(3, 4, 7, 6));
  const PixelMask mask = enclosed_pixels(corners);
  EXPECT_EQ(mask.count(), 15);
  EXPECT_EQ(mask.x0, 3);
  EXPECT_EQ(mask.y0, 4);
  EXPECT_EQ(mask.width, 5);
  EXPECT_EQ(mask.height, 3);
}

TEST(EnclosedPixels, GivesBackTheDiscsThatTheOutlineWasDrawnAround) {
  for (double radius = 0.5; radius < 14; radius += 0.37) {
    PixelSet disc;
    for (const Pixel& p : block(0, 0, 35, 35)) {
      if (std::hypot(p.x - 17, p.y - 17) <= radius) disc.insert(p);
    }
    const Edge edge = first_pixels_outside(disc, 17, 17);
    EXPECT_EQ(pixels_of(enclosed_pixels(edge)), disc) << radius;
    EXPECT_EQ(by_flood(edge), disc) << radius;
  }
}

TEST(EnclosedPixels, AgreesWithTheSumOfAnglesForAnyPolygon) {
  std::mt19937 random(20);
  for (int round = 0; round < 400; ++round) {
    Edge edge(3 + random() % 12);
    for (Pixel& p : edge) p = {static_cast<int>(random() % 36), static_cast<int>(random() % 36)};
    ASSERT_EQ(pixels_of(enclosed_pixels(edge)), by_angles(edge)) << "round " << round;
    std::reverse(edge.begin(), edge.end());
    ASSERT_EQ(pixels_of(enclosed_pixels(edge)), by_angles(edge)) << "the other way round";
    std::rotate(edge.begin(), edge.begin() + 1, edge.end());
    ASSERT_EQ(pixels_of(enclosed_pixels(edge)), by_angles(edge)) << "from another corner";
  }
}

TEST(EnclosedPixels, OpenTwiceDrawnAndBacktrackingOutlines) {
  const Edge ring = {{2, 2}, {8, 2}, {8, 8}, {2, 8}};
  const PixelSet inside = block(3, 3, 7, 7);
  Edge closed = ring;
  closed.push_back(ring.front());
  EXPECT_EQ(pixels_of(enclosed_pixels(closed)), inside);
  Edge twice = ring;
  twice.insert(twice.end(), ring.begin(), ring.end());
  EXPECT_EQ(pixels_of(enclosed_pixels(twice)), inside) << "even-odd would make it empty";
  Edge spur = {{2, 2}, {8, 2}, {8, 5}, {12, 5}, {8, 5}, {8, 8}, {2, 8}};
  EXPECT_EQ(pixels_of(enclosed_pixels(spur)), inside) << "out and back along the same pixels encloses nothing";
  Edge gap = {{2, 2}, {8, 2}, {8, 8}, {2, 8}, {2, 5}};
  EXPECT_EQ(pixels_of(enclosed_pixels(gap)), inside) << "the last point is joined to the first";
}

TEST(EnclosedPixels, TwoLoopsThatTouchAreBothInside) {
  const Edge eight = {{5, 5}, {1, 5}, {1, 1}, {5, 1}, {5, 5}, {9, 5}, {9, 9}, {5, 9}};
  PixelSet both = block(2, 2, 4, 4);
  both.merge(block(6, 6, 8, 8));
  EXPECT_EQ(pixels_of(enclosed_pixels(eight)), both);
}

TEST(EnclosedPixels, AHoleReachedThroughAChannelIsOutside) {
  // Around the nodule, in through a channel one pixel wide, around the hole the other way, out again.
  const Edge keyhole = {{0, 0}, {12, 0}, {12, 12}, {6, 12}, {6, 8},  {8, 8},
                        {8, 4}, {4, 4},  {4, 8},   {6, 8},  {6, 12}, {0, 12}};
  PixelSet expected = block(1, 1, 11, 11);
  for (const Pixel& p : block(4, 4, 8, 8)) expected.erase(p);
  for (const Pixel& p : block(6, 8, 6, 12)) expected.erase(p);
  EXPECT_EQ(pixels_of(enclosed_pixels(keyhole)), expected);
}

TEST(EnclosedPixels, ThinOutlinesEncloseNothing) {
  EXPECT_TRUE(enclosed_pixels(Edge{}).empty());
  EXPECT_TRUE(enclosed_pixels(Edge{{4, 4}}).empty());
  EXPECT_TRUE(enclosed_pixels(Edge{{4, 4}, {9, 4}}).empty());
  EXPECT_TRUE(enclosed_pixels(Edge{{4, 4}, {5, 4}, {5, 5}, {4, 5}}).empty());
  EXPECT_TRUE(enclosed_pixels(Edge{{4, 4}, {5, 5}, {6, 6}, {5, 5}}).empty());
  EXPECT_TRUE(enclosed_pixels(Edge(7, Pixel{3, 3})).empty());
}

TEST(FillOutline, WhereNothingIsEnclosedTheOutlineStandsForItself) {
  EXPECT_EQ(pixels_of(fill_outline(Edge{{4, 4}})), block(4, 4, 4, 4));
  EXPECT_EQ(pixels_of(fill_outline(Edge{{4, 4}, {5, 4}, {5, 5}, {4, 5}})), block(4, 4, 5, 5));
  EXPECT_EQ(pixels_of(fill_outline(Edge{{4, 4}, {8, 4}})), block(4, 4, 8, 4));
  EXPECT_EQ(pixels_of(fill_outline(Edge{{4, 4}, {8, 6}})), (PixelSet{{4, 4}, {6, 5}, {8, 6}})) << "centres on the line";
  EXPECT_EQ(pixels_of(fill_outline(Edge{{5, 4}, {6, 5}, {5, 6}, {4, 5}})), block(5, 5, 5, 5)) << "encloses one pixel";
  EXPECT_TRUE(fill_outline(Edge{}).empty());
}

TEST(ReaderMask, HolesAreTakenOutAndPartsAdded) {
  const auto outline = [](bool inclusion, Edge edge) { return Outline{"1.2", 0, inclusion, std::move(edge)}; };
  const Outline body = outline(true, {{0, 0}, {20, 0}, {20, 20}, {0, 20}});
  const Outline part = outline(true, {{18, 18}, {26, 18}, {26, 26}, {18, 26}});
  const Outline hole = outline(false, {{5, 5}, {9, 5}, {9, 9}, {5, 9}});
  const Outline one_pixel_hole = outline(false, {{15, 4}, {16, 5}, {15, 6}, {14, 5}});
  const Outline point_hole = outline(false, {{12, 12}});
  PixelSet expected = block(1, 1, 19, 19);
  expected.merge(block(19, 19, 25, 25));
  for (const Pixel& p : block(6, 6, 8, 8)) expected.erase(p);
  expected.erase({15, 5});
  expected.erase({12, 12});
  const std::vector<const Outline*> outlines = {&hole, &body, &point_hole, &part, &one_pixel_hole};
  EXPECT_EQ(pixels_of(reader_mask(outlines)), expected) << "whatever order they come in";
  const Outline all = outline(false, {{-1, -1}, {30, -1}, {30, 30}, {-1, 30}});
  const std::vector<const Outline*> wiped = {&body, &all};
  EXPECT_TRUE(reader_mask(wiped).empty());
}

TEST(CountMasks, CountsReadersAndConsensusTakesHalfOfThem) {
  const auto rectangle = [](int x0, int y0, int x1, int y1) {
    return enclosed_pixels(Edge{{x0 - 1, y0 - 1}, {x1 + 1, y0 - 1}, {x1 + 1, y1 + 1}, {x0 - 1, y1 + 1}});
  };
  const std::vector<PixelMask> masks = {rectangle(0, 0, 9, 9), rectangle(2, 0, 9, 9), rectangle(4, 0, 9, 9), {}};
  const PixelMask counts = count_masks(masks);
  EXPECT_EQ(counts.at(0, 0), 1);
  EXPECT_EQ(counts.at(3, 5), 2);
  EXPECT_EQ(counts.at(9, 9), 3);
  EXPECT_EQ(counts.at(10, 9), 0);
  EXPECT_EQ(pixels_of(consensus(counts, 1)), block(0, 0, 9, 9));
  EXPECT_EQ(pixels_of(consensus(counts, 2)), block(0, 0, 9, 9)) << "one of two is half";
  EXPECT_EQ(pixels_of(consensus(counts, 3)), block(2, 0, 9, 9)) << "one of three is not";
  EXPECT_EQ(pixels_of(consensus(counts, 4)), block(2, 0, 9, 9));
  EXPECT_TRUE(consensus(counts, 7).empty());
  EXPECT_TRUE(count_masks({}).empty());
}

}  // namespace
}  // namespace nodulus::lidc
