#include "nodulus/lidc/nodule.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "nodulus/lidc/table.h"
#include "xml_builder.h"

namespace nodulus::lidc {
namespace {

using namespace test;
using ::testing::ElementsAre;

ScanGeometry oblong_scan() {
  ScanGeometry geometry;
  geometry.column_spacing_mm = 0.6;
  geometry.row_spacing_mm = 0.8;
  geometry.slice_spacing_mm = 2;
  geometry.origin_mm = {-150, -160};
  geometry.assumed = false;
  for (int z = -100; z <= 100; z += 2) geometry.slices.push_back({uid_at(z), static_cast<double>(z)});
  return geometry;
}

TEST(Summarize, MedianModeAndSpread) {
  const CharacteristicSummary three = summarize({3, 5, 3});
  EXPECT_EQ(three.median, 3);
  EXPECT_EQ(three.most_frequent, 3);
  EXPECT_NEAR(three.spread, std::sqrt(8.0 / 9.0), 1e-12);
  EXPECT_THAT(three.values, ElementsAre(3, 5, 3));
  EXPECT_EQ(summarize({1, 2, 4, 5}).median, 3);
  EXPECT_EQ(summarize({4}).spread, 0);
}

TEST(Summarize, TiesGoToTheValueNearestTheMeanThenToTheLarger) {
  EXPECT_EQ(summarize({1, 1, 4, 4}).most_frequent, 4) << "both 1.5 from the mean 2.5";
  EXPECT_EQ(summarize({1, 4}).most_frequent, 4);
  EXPECT_EQ(summarize({1, 4, 5}).most_frequent, 4) << "mean 3.33";
  EXPECT_EQ(summarize({2, 2, 5, 5, 1}).most_frequent, 2) << "mean 3, 2 is nearer than 5";
  EXPECT_EQ(summarize({2, 3, 4, 5}).most_frequent, 4) << "mean 3.5";
}

TEST(Summarize, ReadersWithoutAValueDoNotCount) {
  const CharacteristicSummary some = summarize({0, 2, 0, 4});
  EXPECT_EQ(some.median, 3);
  EXPECT_EQ(some.spread, 1);
  EXPECT_THAT(some.values, ElementsAre(0, 2, 0, 4));
  const CharacteristicSummary none = summarize({0, 0});
  EXPECT_EQ(none.most_frequent, 0);
  EXPECT_EQ(none.median, 0);
}

TEST(FindNodules, ABlockHasTheVolumeExtentAndCentreOfABlock) {
  // 10 x 5 pixels on three slices.
  std::string rois;
  for (const double z : {4, 6, 8}) rois += roi(z, around(100, 50, 109, 54));
  const Reading reading = reading_of(message(session(nodule("n", ratings() + rois))));
  const NoduleList list = find_nodules(reading, oblong_scan());
  EXPECT_TRUE(list.left_out.empty());
  ASSERT_EQ(list.nodules.size(), 1u);
  const Nodule& nodule = list.nodules[0];
  EXPECT_EQ(nodule.size_class, SizeClass::nodule);
  EXPECT_NEAR(nodule.volume_mm3, 10 * 0.6 * 5 * 0.8 * 3 * 2, 1e-9);
  EXPECT_NEAR(nodule.diameter_mm, std::hypot(10 * 0.6, 5 * 0.8), 1e-9);
  EXPECT_NEAR(std::numbers::pi / 6 * std::pow(nodule.equivalent_diameter_mm, 3), nodule.volume_mm3, 1e-9);
  EXPECT_NEAR(nodule.centroid_px[0], 104.5, 1e-12);
  EXPECT_NEAR(nodule.centroid_px[1], 52, 1e-12);
  EXPECT_NEAR(nodule.centroid_px[2], 53, 1e-12) << "slice 0 is at -100 mm";
  EXPECT_NEAR(nodule.centroid_mm[0], -150 + 104.5 * 0.6, 1e-9);
  EXPECT_NEAR(nodule.centroid_mm[1], -160 + 52 * 0.8, 1e-9);
  EXPECT_NEAR(nodule.centroid_mm[2], 6, 1e-12);
  ASSERT_EQ(nodule.slices.size(), 3u);
  EXPECT_EQ(nodule.slices[0].sop_uid, uid_at(4));
  EXPECT_EQ(nodule.slices[0].slice, 52);
  EXPECT_EQ(nodule.characteristics[8].most_frequent, 4);
}

TEST(FindNodules, ABallMeasuresAsABall) {
  // Radius 12 mm; slices drawn as an LIDC reader would: an outline along the first pixels outside.
  const ScanGeometry geometry = oblong_scan();
  std::string rois;
  for (double z = -10; z <= 10; z += 2) {
    const double radius = std::sqrt(12.0 * 12.0 - z * z);
    Points right, left;  // Rows of a disc: the outline runs one pixel beyond each row's ends.
    const int top = static_cast<int>(std::floor(radius / 0.8));
    for (int row = -top - 1; row <= top + 1; ++row) {
      const double chord = radius * radius - row * 0.8 * row * 0.8;
      const int half = chord < 0 ? -1 : static_cast<int>(std::floor(std::sqrt(chord) / 0.6));
      right.emplace_back(200 + half + 1, 200 + row);
      left.emplace_back(200 - half - 1, 200 + row);
    }
    right.insert(right.end(), left.rbegin(), left.rend());
    rois += roi(z, right);
  }
  const NoduleList list = find_nodules(reading_of(message(session(nodule("ball", ratings() + rois)))), geometry);
  ASSERT_EQ(list.nodules.size(), 1u);
  EXPECT_NEAR(list.nodules[0].equivalent_diameter_mm, 24, 24 * 0.01);
  EXPECT_NEAR(list.nodules[0].diameter_mm, 24, 1.0) << "corner to corner: up to a pixel's diagonal more";
  EXPECT_NEAR(list.nodules[0].centroid_mm[2], 0, 1e-9);
}

TEST(FindNodules, ConsensusIsHalfOfThoseWhoOutlined) {
  const auto reader = [](int x1) { return session(nodule("n", ratings() + roi(0, around(10, 10, x1, 19)))); };
  // Readers to column 19, 24, 29 and one who only saw a point: half of three outlines are two.
  const Reading reading =
      reading_of(message(reader(19) + reader(24) + reader(29) + session(small_nodule("p", 0, 15, 15))));
  const NoduleList list = find_nodules(reading, oblong_scan());
  ASSERT_EQ(list.nodules.size(), 1u);
  const Nodule& nodule = list.nodules[0];
  EXPECT_EQ(nodule.readers, 4);
  EXPECT_EQ(nodule.readers_nodule, 3);
  EXPECT_EQ(nodule.readers_small, 1);
  EXPECT_EQ(nodule.readers_outlining, 3);
  EXPECT_EQ(nodule.readers_possible, 4);
  ASSERT_EQ(nodule.slices.size(), 1u);
  EXPECT_EQ(nodule.slices[0].consensus.count(), 15 * 10);
  EXPECT_EQ(nodule.slices[0].readers.count(), 20 * 10);
  EXPECT_EQ(nodule.slices[0].readers.count(3), 10 * 10);
  EXPECT_EQ(nodule.characteristics[0].values.size(), 3u);
}

TEST(FindNodules, OutlinesThatShareNoPixelStillMakeANodule) {
  const auto reader = [](int x0) { return session(nodule("n", ratings() + roi(0, around(x0, 10, x0 + 3, 13)))); };
  const NoduleList list = find_nodules(reading_of(message(reader(10) + reader(15) + reader(20))), oblong_scan());
  ASSERT_EQ(list.nodules.size(), 1u);
  EXPECT_EQ(list.nodules[0].slices[0].consensus.count(), 3 * 16);
}

TEST(FindNodules, SlicesThatTooFewReadersOutlinedHaveNoConsensus) {
  const std::string middle = roi(0, around(10, 10, 14, 14));
  const std::string end = roi(2, around(10, 10, 14, 14));
  const Reading reading =
      reading_of(message(session(nodule("a", ratings() + middle + end)) + session(nodule("b", ratings() + middle)) +
                         session(nodule("c", ratings() + middle))));
  const NoduleList list = find_nodules(reading, oblong_scan());
  ASSERT_EQ(list.nodules.size(), 1u);
  ASSERT_EQ(list.nodules[0].slices.size(), 2u);
  EXPECT_FALSE(list.nodules[0].slices[0].consensus.empty());
  EXPECT_TRUE(list.nodules[0].slices[1].consensus.empty());
  EXPECT_EQ(list.nodules[0].slices[1].readers.count(), 25);
  EXPECT_NEAR(list.nodules[0].volume_mm3, 25 * 0.6 * 0.8 * 2, 1e-9);
}

TEST(FindNodules, SizeClassesAndPoints) {
  const Reading reading =
      reading_of(message(session(small_nodule("a", 0, 10, 10) + non_nodule("x", 20, 10, 10)) +
                         session(small_nodule("b", 0, 12, 10)) + session(non_nodule("c", 0, 13, 10))));
  const NoduleList list = find_nodules(reading, oblong_scan());
  ASSERT_EQ(list.nodules.size(), 2u);
  EXPECT_EQ(list.nodules[0].size_class, SizeClass::small_nodule);
  EXPECT_EQ(list.nodules[0].readers, 3);
  EXPECT_EQ(list.nodules[0].centroid_px[0], 11) << "of the two who called it a nodule";
  EXPECT_EQ(list.nodules[0].diameter_mm, 0);
  EXPECT_TRUE(list.nodules[0].slices.empty());
  EXPECT_EQ(list.nodules[1].size_class, SizeClass::non_nodule);
  EXPECT_EQ(list.nodules[1].number, 2);
}

TEST(FindNodules, NumbersFollowTheBodyNotTheFile) {
  const auto at = [](int z, int x, int y) { return small_nodule(std::to_string(z), z, x, y); };
  for (const std::string& marks : {at(4, 9, 9) + at(-2, 9, 50) + at(-2, 50, 9) + at(-2, 9, 9),
                                   at(-2, 9, 9) + at(-2, 50, 9) + at(4, 9, 9) + at(-2, 9, 50)}) {
    std::vector<std::array<double, 3>> centres;
    for (const Nodule& one : find_nodules(reading_of(message(session(marks))), oblong_scan()).nodules) {
      centres.push_back({one.centroid_mm[2], one.centroid_px[1], one.centroid_px[0]});
    }
    EXPECT_THAT(centres, ElementsAre(std::array<double, 3>{-2, 9, 9}, std::array<double, 3>{-2, 9, 50},
                                     std::array<double, 3>{-2, 50, 9}, std::array<double, 3>{4, 9, 9}));
  }
}

TEST(NoduleTable, EveryColumnIsFilledFromTheNodule) {
  const auto reader = [](const std::vector<int>& values) {
    return session(nodule("n", ratings(values) + roi(0, around(10, 10, 19, 19))));
  };
  const Reading reading = reading_of(message(reader({5, 1, 6, 4, 3, 2, 1, 5, 4}) + reader({3, 1, 6, 4, 3, 2, 1, 5, 2}) +
                                             session(non_nodule("odd, \"id\"", 0, 15, 15)) + session("")));
  const ScanGeometry geometry = oblong_scan();
  const NoduleList list = find_nodules(reading, geometry);
  ASSERT_EQ(list.nodules.size(), 1u);
  const auto columns = nodule_columns();
  const auto row = nodule_row("LIDC-IDRI-0001", reading, geometry, list.nodules[0]);
  ASSERT_EQ(row.size(), columns.size());
  const auto field = [&](const std::string& column) {
    const auto found = std::find(columns.begin(), columns.end(), column);
    return found == columns.end() ? "no such column" : row[static_cast<std::size_t>(found - columns.begin())];
  };
  EXPECT_EQ(field("nodule_id"), "1.2.840.1-001");
  EXPECT_EQ(field("patient"), "LIDC-IDRI-0001");
  EXPECT_EQ(field("size_class"), ">=3mm");
  EXPECT_EQ(field("readers"), "3");
  EXPECT_EQ(field("readers_nodule"), "2");
  EXPECT_EQ(field("readers_non_nodule"), "1");
  EXPECT_EQ(field("readers_possible"), "4");
  EXPECT_EQ(field("centroid_column_px"), "14.5");
  EXPECT_EQ(field("diameter_mm"), "10");
  EXPECT_EQ(field("volume_mm3"), "96");
  EXPECT_EQ(field("slices"), "1");
  EXPECT_EQ(field("column_spacing_mm"), "0.6");
  EXPECT_EQ(field("spacing_assumed"), "0");
  EXPECT_EQ(field("marks"), "1:n;2:n;3:odd, \"id\"");
  EXPECT_EQ(field("subtlety"), "5") << "a tie, both as near to the mean: the larger";
  EXPECT_EQ(field("subtlety_median"), "4");
  EXPECT_EQ(field("subtlety_spread"), "1");
  EXPECT_EQ(field("subtlety_values"), "5;3");
  EXPECT_EQ(field("malignancy_values"), "4;2");
}

TEST(NoduleTable, PointsLeaveWhatIsNotKnownEmpty) {
  const Reading reading = reading_of(message(session(small_nodule("n", 0, 10, 10))));
  const ScanGeometry geometry = assumed_geometry(reading);
  const NoduleList list = find_nodules(reading, geometry);
  ASSERT_EQ(list.nodules.size(), 1u);
  const auto columns = nodule_columns();
  const auto row = nodule_row("", reading, geometry, list.nodules[0]);
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (columns[i] == "diameter_mm" || columns[i] == "volume_mm3" || columns[i] == "malignancy") {
      EXPECT_EQ(row[i], "");
    }
    if (columns[i] == "spacing_assumed") {
      EXPECT_EQ(row[i], "1");
    }
  }
}

TEST(LesionCounts, CountAsArmatoDoes) {
  const std::string by_four = nodule("n", ratings() + roi(0, around(10, 10, 19, 19)));
  std::string xml;
  for (int i = 0; i < 4; ++i) {
    xml += session(by_four + (i == 0 ? small_nodule("s", 40, 9, 9) : "") + (i == 1 ? non_nodule("x", 60, 9, 9) : "") +
                   (i < 3 ? nodule("t", ratings() + roi(80, around(10, 10, 19, 19))) : small_nodule("t", 80, 15, 15)));
  }
  LesionCounts counts;
  counts.add(find_nodules(reading_of(message(xml)), oblong_scan()).nodules);
  EXPECT_EQ(counts.scans, 1);
  EXPECT_EQ(counts.nodules, 3);
  EXPECT_EQ(counts.at_least_3mm, 2);
  EXPECT_EQ(counts.at_least_3mm_by_all, 1);
  EXPECT_EQ(counts.non_nodules, 1);
}

}  // namespace
}  // namespace nodulus::lidc
