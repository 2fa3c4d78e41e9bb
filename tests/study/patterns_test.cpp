#include "nodulus/study/patterns.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <numeric>
#include <set>

#include "nodulus/core/seed.h"
#include "nodulus/study/groups.h"
#include "tests/study/fixture.h"
#include "tests/support/expect_error.h"
#include "tests/support/temporary_folder.h"

namespace nodulus::study {
namespace {

using ::testing::Each;
using ::testing::Gt;
using ::testing::HasSubstr;

/// `each` points about every centre, a deviation of 1 in both directions; point i is of centre i % centres.
Points blobs(const std::vector<std::pair<double, double>>& centres, std::size_t each, std::uint64_t seed) {
  Points points{each * centres.size(), 2, {}};
  std::vector<float> normal(points.count * 2);
  RandomStream(seed).fill_normal(normal);
  for (std::size_t i = 0; i < points.count; ++i) {
    points.values.push_back(centres[i % centres.size()].first + static_cast<double>(normal[2 * i]));
    points.values.push_back(centres[i % centres.size()].second + static_cast<double>(normal[2 * i + 1]));
  }
  return points;
}

/// Three points a patient.
std::vector<std::size_t> patients_of(std::size_t points) {
  std::vector<std::size_t> unit(points);
  for (std::size_t i = 0; i < points; ++i) unit[i] = i / 3;
  return unit;
}

TEST(Groups, AreThoseThatWerePlanted) {
  const Points points = blobs({{0, 0}, {12, 0}, {0, 12}, {12, 12}}, 50, 1);
  GroupingOptions options;
  options.most = 8;
  options.resamplings = 20;
  SilentMonitor monitor;
  const Grouping found = find_groups(points, patients_of(points.count), options, monitor);
  EXPECT_EQ(found.trial().k, 4U);
  EXPECT_TRUE(found.stable);
  EXPECT_THAT(found.trial().jaccard, Each(Gt(0.99)));
  EXPECT_GT(found.trial().silhouette, found.trials.front().silhouette);
  for (std::size_t i = 4; i < points.count; ++i)
    EXPECT_EQ(found.groups.of_point[i], found.groups.of_point[i % 4]) << "point " << i;
  EXPECT_EQ(std::set<int>(found.groups.of_point.begin(), found.groups.of_point.end()).size(), 4U);
  options.threads = 3;
  const Grouping again = find_groups(points, patients_of(points.count), options, monitor);
  EXPECT_EQ(again.groups.of_point, found.groups.of_point);
  EXPECT_EQ(again.trial().jaccard, found.trial().jaccard);
}

TEST(Groups, ThatAreNotThereAreCalledUnstable) {
  const Points points = blobs({{0, 0}}, 120, 2);
  GroupingOptions options;
  options.least = 5;
  options.most = 8;
  options.resamplings = 20;
  SilentMonitor monitor;
  const Grouping found = find_groups(points, patients_of(points.count), options, monitor);
  EXPECT_FALSE(found.stable);
  for (const GroupTrial& trial : found.trials) EXPECT_LE(trial.least_jaccard(), found.trial().least_jaccard());
}

TEST(Groups, HaveTheSilhouetteOfTheDefinition) {
  const Points points{4, 1, {0, 1, 10, 11}};
  GroupingOptions options;
  options.wanted = 2;
  options.resamplings = 2;
  SilentMonitor monitor;
  const std::vector<std::size_t> unit{0, 1, 2, 3};
  const Grouping found = find_groups(points, unit, options, monitor);
  // A point's own group is 1 away, the other 10.5 or 9.5 on average.
  EXPECT_NEAR(found.trial().silhouette, ((10.5 - 1) / 10.5 + (9.5 - 1) / 9.5) / 2, 1e-12);
  EXPECT_NEAR(found.groups.within, 1.0, 1e-12);
  options.wanted = 5;
  nodulus::test::expect_error([&] { find_groups(points, unit, options, monitor); }, ErrorCode::usage, {"5", "found 4"});
}

TEST(Groups, OfPatientsAreDrawnTogether) {
  // One patient's three points are a group of their own: where the patient is not drawn it is not found again.
  Points points = blobs({{0, 0}, {20, 0}}, 30, 3);
  for (int i = 0; i < 3; ++i) points.values.insert(points.values.end(), {100.0 + i, 100.0});
  points.count += 3;
  GroupingOptions options;
  options.wanted = 3;
  options.resamplings = 200;
  SilentMonitor monitor;
  const Grouping found = find_groups(points, patients_of(points.count), options, monitor);
  ASSERT_EQ(found.groups.of_point.back(), 2);
  // A patient of 21 is drawn with probability 1 - (20/21)^21.
  EXPECT_NEAR(found.trial().jaccard[2], 0.641, 0.09);
}

TEST(Patterns, AreToldInWordsAndGivenToEveryImage) {
  const nodulus::test::TemporaryFolder folder;
  std::vector<test::Row> rows = test::plain_rows(60);
  GroupedNodules nodules;
  nodules.points.dimensions = 1;
  for (int k = 0; k < 60; ++k) {
    test::Row& row = rows[static_cast<std::size_t>(k)];
    const bool large = k % 3 == 0;
    row.mask = test::disc((large ? 9 : 4) + 0.1 * (k % 7), 4);
    row.image = test::noise(static_cast<std::uint64_t>(k), large ? 100 : -600, 60);
    row.item.labels[1] = large ? "5" : std::to_string(1 + k % 2);
    nodules.items.push_back(k);
    nodules.points.values.push_back((large ? 10 : 0) + 0.01 * k);
  }
  nodules.points.count = 60;
  rows.push_back(rows[3]);  // the same nodule again, smaller on this image
  rows.back().mask = test::disc(3, 4);
  const auto dataset = data::Dataset::open(test::make(folder / "d", rows));
  SilentMonitor monitor;
  GroupingOptions options;
  options.most = 2;
  options.resamplings = 10;
  Patterns found = find_patterns(dataset, measure_all(dataset, 1, monitor), nodules, 4, options, monitor);
  ASSERT_EQ(found.patterns.size(), 2U);
  EXPECT_THAT(found.patterns[0].words, HasSubstr("small"));
  EXPECT_THAT(found.patterns[1].words, HasSubstr("large"));
  EXPECT_EQ(found.patterns[0].nodules, 40);
  EXPECT_EQ(found.patterns[1].nodules, 20);
  EXPECT_EQ(found.patterns[1].images, 21);
  EXPECT_EQ(found.of_item[60], 2);
  EXPECT_EQ(found.of_item[8], 1);  // of the val split, which the grouping has not seen
  ASSERT_FALSE(found.patterns[1].labels.empty());
  EXPECT_EQ(found.patterns[1].labels[0].name, "malignancy");
  EXPECT_EQ(found.patterns[1].labels[0].above, 1.0);
  EXPECT_EQ(found.patterns[1].labels[0].median, 5.0);
  // About 28.5, the mean in training.
  EXPECT_THAT(found.patterns[1].typical, ::testing::UnorderedElementsAre(24, 27, 30, 33));
  for (const Distinction& trait : found.patterns[1].traits) EXPECT_GE(std::abs(trait.above - 0.5), 0.25) << trait.name;
  const data::Label label = pattern_label(found, "pattern");
  EXPECT_EQ(label.type, "category");
  ASSERT_EQ(label.values.size(), 2U);
  EXPECT_EQ(label.values[1].second, found.patterns[1].words);
  found.dataset = "d|e";
  EXPECT_THAT(page_of(found), HasSubstr("# Patterns of d\\|e"));
  EXPECT_EQ(json_of(found)["patterns"][1]["nodules"], 20);
  EXPECT_FALSE(pattern_sheet(dataset, found, 16).pixels.empty());
}

}  // namespace
}  // namespace nodulus::study
