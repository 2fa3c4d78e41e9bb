#include "nodulus/lidc/cluster.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "nodulus/lidc/nodule.h"
#include "nodulus/lidc/shape.h"
#include "xml_builder.h"

namespace nodulus::lidc {
namespace {

using namespace test;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

/// Pixels of 0.5 mm, slices 2 mm apart, from z = -100 to 100: every gap below is a sum of those.
ScanGeometry scan() {
  ScanGeometry geometry;
  geometry.column_spacing_mm = geometry.row_spacing_mm = 0.5;
  geometry.slice_spacing_mm = 2;
  geometry.assumed = false;
  for (int z = -100; z <= 100; z += 2) geometry.slices.push_back({uid_at(z), static_cast<double>(z)});
  return geometry;
}

std::vector<Cluster> clusters_of(const std::vector<std::string>& sessions, const ClusterRule& rule = {}) {
  std::string xml;
  for (const std::string& marks : sessions) xml += session(marks);
  return cluster_marks(reading_of(message(xml)), scan(), rule);
}

std::string big(const std::string& id, double z, int x0, int y0, int x1, int y1) {
  return nodule(id, ratings() + roi(z, around(x0, y0, x1, y1)));
}

TEST(ClusterMarks, PointsMatchUpToTheGapBetweenTheirPixels) {
  // 6 pixels of 0.5 mm lie between columns 10 and 17: 3 mm.
  EXPECT_EQ(clusters_of({small_nodule("a", 0, 10, 10), small_nodule("b", 0, 17, 10)}).size(), 1u);
  EXPECT_EQ(clusters_of({small_nodule("a", 0, 10, 10), small_nodule("b", 0, 18, 10)}).size(), 2u);
  ClusterRule rule;
  rule.gap_mm = 0;
  EXPECT_EQ(clusters_of({small_nodule("a", 0, 10, 10), small_nodule("b", 0, 11, 11)}, rule).size(), 1u);
  EXPECT_EQ(clusters_of({small_nodule("a", 0, 10, 10), small_nodule("b", 0, 12, 10)}, rule).size(), 2u);
}

TEST(ClusterMarks, SlicesAreAsThickAsTheirSpacing) {
  // Slices 2 mm apart touch; between z = 0 and z = 4 lies one slice of 2 mm, between 0 and 6 lie 4 mm.
  EXPECT_EQ(clusters_of({small_nodule("a", 0, 10, 10), small_nodule("b", 4, 10, 10)}).size(), 1u);
  EXPECT_EQ(clusters_of({small_nodule("a", 0, 10, 10), small_nodule("b", 6, 10, 10)}).size(), 2u);
  // 2 mm along z and 2.5 mm across (5 pixels between) are 3.2 mm.
  EXPECT_EQ(clusters_of({small_nodule("a", 0, 10, 10), small_nodule("b", 4, 16, 10)}).size(), 2u);
  EXPECT_EQ(clusters_of({small_nodule("a", 0, 10, 10), small_nodule("b", 4, 14, 10)}).size(), 1u);
}

TEST(ClusterMarks, OutlinesMatchByTheirSurfacesNotTheirCentres) {
  EXPECT_EQ(clusters_of({big("a", 0, 10, 10, 60, 60), small_nodule("b", 0, 66, 35)}).size(), 1u);
  EXPECT_EQ(clusters_of({big("a", 0, 10, 10, 60, 60), small_nodule("b", 0, 68, 35)}).size(), 2u);
  EXPECT_EQ(clusters_of({big("a", 0, 10, 10, 60, 60), small_nodule("b", 0, 35, 35)}).size(), 1u) << "deep inside";
}

TEST(ClusterMarks, NeverTwoMarksOfOneSession) {
  const auto clusters = clusters_of({small_nodule("a", 0, 10, 10) + small_nodule("b", 0, 12, 10),
                                     small_nodule("c", 0, 13, 10) + small_nodule("d", 0, 11, 12)});
  for (const Cluster& cluster : clusters) {
    for (std::size_t i = 1; i < cluster.size(); ++i) EXPECT_LT(cluster[i - 1].session, cluster[i].session);
  }
  // b-c touch and come first; a-d is then what is left.
  EXPECT_THAT(clusters, UnorderedElementsAre(Cluster{{0, 1}, {1, 0}}, Cluster{{0, 0}, {1, 1}}));
}

TEST(ClusterMarks, OfOverlappingOutlinesTheBetterOverlapComesFirst) {
  // The second reader saw two lesions where the first saw the larger one.
  const auto clusters = clusters_of(
      {big("whole", 0, 10, 10, 30, 30), big("most of it", 0, 10, 10, 26, 30) + big("edge", 0, 29, 10, 44, 30)});
  EXPECT_THAT(clusters, UnorderedElementsAre(Cluster{{0, 0}, {1, 0}}, Cluster{{1, 1}}));
}

TEST(ClusterMarks, LesionsChainThroughReaders) {
  // a and c are 4 mm apart, b lies between and is within 3 mm of both.
  const auto clusters =
      clusters_of({small_nodule("a", 0, 10, 10), small_nodule("b", 0, 14, 10), small_nodule("c", 0, 19, 10), ""});
  EXPECT_THAT(clusters, ElementsAre(Cluster{{0, 0}, {1, 0}, {2, 0}}));
}

TEST(ClusterMarks, NonNodulesJoinWhatTheyLieAt) {
  const auto clusters =
      clusters_of({big("a", 0, 10, 10, 20, 20), non_nodule("b", 0, 15, 15), non_nodule("c", 40, 15, 15)});
  EXPECT_THAT(clusters, ElementsAre(Cluster{{0, 0}, {1, 0}}, Cluster{{2, 0}}));
}

TEST(ClusterMarks, AReadersPointWithinTheirOwnOutlineIsNoLesion) {
  const std::string own = big("a", 0, 10, 10, 20, 20) + small_nodule("again", 0, 15, 15);
  EXPECT_EQ(clusters_of({own}).size(), 1u);
  EXPECT_EQ(clusters_of({own, small_nodule("b", 0, 15, 15)}).size(), 1u);
  EXPECT_EQ(clusters_of({own, small_nodule("b", 0, 15, 15), small_nodule("c", 0, 15, 14)}).size(), 1u);
  EXPECT_EQ(clusters_of({big("a", 0, 10, 10, 20, 20) + small_nodule("beside", 0, 21, 15)}).size(), 2u);
  // Where other readers match the second outline, it is a lesion: none of the two is left out.
  const std::string two = big("a", 0, 10, 10, 30, 30) + big("b", 0, 10, 10, 29, 30);
  EXPECT_EQ(clusters_of({two}).size(), 1u);
  EXPECT_EQ(clusters_of({two, big("c", 0, 10, 10, 30, 30) + big("d", 0, 10, 10, 29, 30)}).size(), 2u);
}

TEST(ClusterMarks, DoNotDependOnTheOrderOfSessionsAndMarks) {
  std::mt19937 random(3);
  const auto pick = [&random](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
  for (int round = 0; round < 40; ++round) {
    // Names say reader and mark, so that groups can be compared when the order changes.
    std::vector<std::vector<std::string>> marks(4);
    for (int s = 0; s < 4; ++s) {
      for (int m = 0; m < 8; ++m) {
        const std::string id = std::to_string(s) + "." + std::to_string(m);
        const int z = 2 * pick(6), x = 10 + pick(40), y = 10 + pick(40);
        marks[static_cast<std::size_t>(s)].push_back(pick(3) == 0   ? big(id, z, x, y, x + 2 + pick(6), y + 2 + pick(6))
                                                     : pick(2) == 0 ? small_nodule(id, z, x, y)
                                                                    : non_nodule(id, z, x, y));
      }
    }
    const auto named_groups = [](const std::vector<std::vector<std::string>>& of_sessions) {
      std::string xml;
      for (const auto& one : of_sessions) {
        std::string all;
        for (const std::string& mark : one) all += mark;
        xml += session(all);
      }
      const Reading reading = reading_of(message(xml));
      std::vector<std::vector<std::string>> groups;
      for (const Cluster& cluster : cluster_marks(reading, scan())) {
        groups.emplace_back();
        for (const MarkRef& ref : cluster) {
          groups.back().push_back(
              reading.sessions[static_cast<std::size_t>(ref.session)].marks[static_cast<std::size_t>(ref.mark)].id);
        }
        std::sort(groups.back().begin(), groups.back().end());
      }
      return groups;
    };
    const auto expected = named_groups(marks);
    std::shuffle(marks.begin(), marks.end(), random);
    for (auto& one : marks) std::shuffle(one.begin(), one.end(), random);
    ASSERT_EQ(named_groups(marks), expected) << "round " << round << ": the order of lesions too";
  }
}

TEST(ClusterMarks, OnlyTheFirstRoundOnTheScanStands) {
  std::string xml;
  for (int i = 0; i < 4; ++i) xml += session(small_nodule("n", 0, 10 + i, 10));
  for (int i = 0; i < 4; ++i) xml += session(small_nodule("n", 50, 10 + i, 10));
  const Reading reading = reading_of(message(xml));
  EXPECT_THAT(cluster_marks(reading, scan()), ElementsAre(Cluster{{0, 0}, {1, 0}, {2, 0}, {3, 0}}));
  const NoduleList list = find_nodules(reading, scan());
  EXPECT_EQ(list.nodules.size(), 1u);
  ASSERT_EQ(list.left_out.size(), 4u);
  EXPECT_EQ(list.left_out[0].reason, "session of another scan");
  // With the other scan's series it is the second round that stands.
  ScanGeometry other = scan();
  other.slices = {{uid_at(50), 50}};
  EXPECT_THAT(cluster_marks(reading, other), ElementsAre(Cluster{{4, 0}, {5, 0}, {6, 0}, {7, 0}}));
}

TEST(MarkShapes, MarksOutsideTheSeriesAreListed) {
  const Reading reading =
      reading_of(message(session(small_nodule("on no slice", 1.25, 10, 10) +
                                 nodule("half", ratings() + roi(0, around(5, 5, 9, 9)) + roi(1, around(5, 5, 9, 9))) +
                                 small_nodule("off the image", 0, 600, 10) + small_nodule("good", 0, 50, 50))));
  std::vector<Reject> left_out;
  const auto shapes = mark_shapes(reading, scan(), &left_out);
  ASSERT_EQ(shapes.size(), 2u);
  EXPECT_EQ(shapes[0].voxels, 25);
  ASSERT_EQ(left_out.size(), 3u);
  EXPECT_EQ(left_out[0].reason, "mark outside the series");
  EXPECT_THAT(left_out[0].where, ::testing::HasSubstr("made.xml, session 1, small_nodule \"on no slice\""));
  EXPECT_EQ(left_out[1].reason, "mark outside the series");
  EXPECT_EQ(left_out[2].reason, "mark outside the image");
}

TEST(GapMm, IsTheNearestPairOfVoxels) {
  // Against all pairs of voxels, on shapes with holes and several slices.
  std::mt19937 random(5);
  const auto pick = [&random](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
  const ScanGeometry geometry = scan();
  int apart = 0;
  for (int round = 0; round < 60; ++round) {
    const auto some = [&] {
      std::string rois;
      const int z = 2 * pick(8);
      for (int i = 0; i <= pick(3); ++i) {
        const int x = 10 + pick(25), y = 10 + pick(25);
        rois += roi(z + 2 * i, around(x, y, x + pick(7), y + pick(7)));
      }
      return session(nodule("n", ratings() + rois));
    };
    const auto shapes = mark_shapes(reading_of(message(some() + some())), geometry, nullptr);
    ASSERT_EQ(shapes.size(), 2u);
    double least = 1e9;
    for (const ShapeSlice& p : shapes[0].slices) {
      for (const ShapeSlice& q : shapes[1].slices) {
        for (int i = 0; i < 60 * 60; ++i) {
          for (int j = 0; j < 60 * 60 && p.mask.at(i % 60, i / 60) != 0; ++j) {
            if (q.mask.at(j % 60, j / 60) == 0) continue;
            const double dx = std::max(0, std::abs(i % 60 - j % 60) - 1) * 0.5;
            const double dy = std::max(0, std::abs(i / 60 - j / 60) - 1) * 0.5;
            const double dz = std::max(0.0, std::abs(p.z_mm - q.z_mm) - 2);
            least = std::min(least, std::sqrt(dx * dx + dy * dy + dz * dz));
          }
        }
      }
    }
    EXPECT_NEAR(gap_mm(shapes[0], shapes[1], geometry, 1000), least, 1e-12);
    if (least > 0) {
      ++apart;
      EXPECT_GT(gap_mm(shapes[0], shapes[1], geometry, least * 0.999), 1e9) << "beyond the limit";
    }
  }
  EXPECT_GT(apart, 20);
}

}  // namespace
}  // namespace nodulus::lidc
