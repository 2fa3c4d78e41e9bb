#include "nodulus/study/study.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "nodulus/study/pictures.h"
#include "tests/study/fixture.h"
#include "tests/support/expect_error.h"
#include "tests/support/temporary_folder.h"

namespace nodulus::study {
namespace {

using nodulus::test::expect_error;
using nodulus::test::read_all;
using nodulus::test::TemporaryFolder;

std::vector<std::int64_t> every_item(const data::Dataset& dataset) {
  std::vector<std::int64_t> items(static_cast<std::size_t>(dataset.size()));
  std::iota(items.begin(), items.end(), std::int64_t{0});
  return items;
}

/// The image transposed: mirrored and turned at once.
test::Image transposed(const test::Image& image) {
  test::Image out(image.size());
  for (int y = 0; y < test::side; ++y) {
    for (int x = 0; x < test::side; ++x) {
      out[static_cast<std::size_t>(y * test::side + x)] = image[static_cast<std::size_t>(x * test::side + y)];
    }
  }
  return out;
}

test::Image mirrored(test::Image image) {
  for (int y = 0; y < test::side; ++y) {
    std::reverse(image.begin() + y * test::side, image.begin() + (y + 1) * test::side);
  }
  return image;
}

/// Correlation of two images as the definition has it, best of all poses.
double best_correlation(const test::Image& a, test::Image b) {
  double best = -1;
  for (int pose = 0; pose < 8; ++pose) {
    b = pose % 2 == 0 ? transposed(b) : mirrored(b);  // in turn they lead through all eight
    const auto n = static_cast<double>(a.size());
    const double mean_a = std::accumulate(a.begin(), a.end(), 0.0) / n;
    const double mean_b = std::accumulate(b.begin(), b.end(), 0.0) / n;
    double aa = 0;
    double bb = 0;
    double ab = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
      aa += (a[i] - mean_a) * (a[i] - mean_a);
      bb += (b[i] - mean_b) * (b[i] - mean_b);
      ab += (a[i] - mean_a) * (b[i] - mean_b);
    }
    best = std::max(best, ab / std::sqrt(aa * bb));
  }
  return best;
}

TEST(Duplicates, PlantedPairsAreFoundWithTheirKinship) {
  const TemporaryFolder folder;
  auto rows = test::plain_rows(40);
  rows[9].image = transposed(rows[2].image);  // of a patient in test, from one in train
  rows[9].image[5] += 40;
  rows[20].image = mirrored(rows[10].image);  // of another patient, both in train
  rows.push_back(rows[30]);                   // the same nodule again, a little noisier
  rows.back().image[100] -= 60;
  rows.push_back(rows[31]);  // another nodule of the patient
  rows.back().item.nodule = "m";
  rows.push_back(test::plain_row(50));
  rows.back().image.assign(rows.back().image.size(), -900);
  const auto dataset = data::Dataset::open(test::make(folder / "d", rows));
  SilentMonitor monitor;
  const Duplicates found = find_duplicates(dataset, 0.98, 2, monitor);
  EXPECT_EQ(found.compared, 42);
  EXPECT_EQ(found.flat, 1);
  EXPECT_EQ(found.pairs_by_kinship, (std::array<std::int64_t, 3>{1, 1, 2}));
  EXPECT_EQ(found.across_splits, 1);
  EXPECT_EQ(found.leaks, 2);
  ASSERT_EQ(found.pairs.size(), 4u);
  EXPECT_EQ(found.pairs[0].first, 10);  // leaks first, the most alike of them before
  EXPECT_EQ(found.pairs[0].second, 20);
  EXPECT_NEAR(found.pairs[0].correlation, 1, 1e-6);
  EXPECT_TRUE(found.pairs[0].mirrored);
  EXPECT_EQ(found.pairs[0].turns, 0);
  EXPECT_EQ(found.pairs[1].first, 2);
  EXPECT_EQ(found.pairs[1].second, 9);
  EXPECT_TRUE(found.pairs[1].crosses_split && found.pairs[1].mirrored);
  EXPECT_EQ(found.pairs[1].turns % 2, 1);
  EXPECT_EQ(found.pairs[2].kinship, Kinship::same_patient);
  EXPECT_EQ(found.pairs[3].kinship, Kinship::same_nodule);
  EXPECT_FALSE(found.pairs[3].leak());
}

TEST(Duplicates, NoPairIsMissedForSpeed) {
  const TemporaryFolder folder;
  auto rows = test::plain_rows(32);
  for (std::size_t k = 16; k < rows.size(); ++k) {  // of blocks of 8 x 8: all their difference is in the coarse sketch
    for (std::size_t i = 0; i < rows[k].image.size(); ++i) {
      rows[k].image[i] = rows[k].image[i / test::side / 8 * 8 * test::side + i % test::side / 8 * 8];
    }
  }
  for (std::size_t k = 1; k < rows.size(); ++k) {  // each like the one before, in another pose: many near the threshold
    if (k == 16) continue;
    const test::Image before = k % 2 == 0 ? transposed(rows[k - 1].image) : mirrored(rows[k - 1].image);
    for (std::size_t i = 0; i < before.size(); ++i) {
      rows[k].image[i] = static_cast<std::int16_t>(before[i] + (rows[k].image[i] - before[i]) / 6);
    }
  }
  const auto dataset = data::Dataset::open(test::make(folder / "d", rows));
  SilentMonitor monitor;
  for (const double threshold : {0.98, 0.9, 0.5, 0.2}) {
    std::size_t expected = 0;
    for (std::size_t a = 0; a < rows.size(); ++a) {
      for (std::size_t b = a + 1; b < rows.size(); ++b) {
        expected += best_correlation(rows[a].image, rows[b].image) >= threshold ? 1 : 0;
      }
    }
    EXPECT_GE(expected, 1u);
    EXPECT_EQ(find_duplicates(dataset, threshold, 1, monitor).pairs.size(), expected) << threshold;
  }
  expect_error([&] { (void)find_duplicates(dataset, 0, 1, monitor); }, ErrorCode::usage, {"correlation"});
}

TEST(ClassesOf, ValuesAreCountedBySplitAndNodule) {
  const TemporaryFolder folder;
  auto rows = test::plain_rows(20);
  rows.push_back(rows[19]);  // a second image of the nodule in test
  rows.back().image = test::noise(77);
  rows[0].item.labels[1] = "2.5";  // rounded to 3
  rows[1].item.labels[1] = "";
  const auto dataset = data::Dataset::open(test::make(folder / "d", rows));
  SilentMonitor monitor;
  const auto one = one_image_a_nodule(dataset, measure_all(dataset, 1, monitor));
  EXPECT_EQ(one.size(), 20u);
  const Classes malignancy = classes_of(dataset, dataset.info().labels[1], one);
  ASSERT_EQ(malignancy.classes.size(), 5u);
  EXPECT_EQ(malignancy.classes[4].name, "highly suspicious");
  EXPECT_EQ(malignancy.classes[4].images, (std::array<std::int64_t, 3>{2, 0, 3}));
  EXPECT_EQ(malignancy.classes[4].nodules, (std::array<std::int64_t, 3>{2, 0, 2}));
  EXPECT_EQ(malignancy.classes[2].all_images(), 5);
  EXPECT_EQ(malignancy.of_item[1], -1);
  const Classes kind = classes_of(dataset, dataset.info().labels[2], one);
  ASSERT_EQ(kind.classes.size(), 2u);
  EXPECT_EQ(kind.classes[0].value, "oval");
  EXPECT_EQ(kind.classes[0].all_nodules(), 10);
}

TEST(ClassesOf, TooManyOrBrokenValuesAreNoClasses) {
  const TemporaryFolder folder;
  auto rows = test::plain_rows(12);
  for (std::size_t k = 0; k < rows.size(); ++k) {
    rows[k].item.labels[0] = k == 0 ? "1.5" : "4";
    rows[k].item.labels[2] = "kind " + std::to_string(k);
  }
  const auto dataset = data::Dataset::open(test::make(folder / "d", rows));
  EXPECT_TRUE(classes_of(dataset, dataset.info().labels[0], every_item(dataset)).classes.empty());
  EXPECT_TRUE(classes_of(dataset, dataset.info().labels[2], every_item(dataset)).classes.empty());
}

TEST(CompareShares, ALopsidedSplitIsSeenAndARandomOneIsNot) {
  const TemporaryFolder folder;
  auto rows = test::plain_rows(60);
  for (std::size_t k = 0; k < rows.size(); ++k) rows[k].item.labels[2] = k % 3 == 0 ? "round" : "oval";
  const auto fair = data::Dataset::open(test::make(folder / "fair", rows));
  for (test::Row& row : rows) row.item.split = row.item.labels[1] == "5" ? data::Split::test : data::Split::train;
  const auto unfair = data::Dataset::open(test::make(folder / "unfair", rows));
  for (test::Row& row : rows) row.item.split = data::Split::train;
  const auto whole = data::Dataset::open(test::make(folder / "whole", rows));
  const auto test_of = [](const data::Dataset& dataset, std::size_t label) {
    const auto items = every_item(dataset);
    return compare_shares(dataset, classes_of(dataset, dataset.info().labels[label], items), items, 500, 1);
  };
  EXPECT_NEAR(test_of(unfair, 1)->chi_square, 60, 1e-9);  // n: the split is the class
  EXPECT_NEAR(test_of(unfair, 1)->p, 1.0 / 501, 1e-12);
  EXPECT_GT(test_of(fair, 2)->p, 0.05);
  EXPECT_FALSE(test_of(whole, 1).has_value());
  EXPECT_FALSE(test_of(fair, 0).has_value());  // one class
}

TEST(CompareShares, NodulesOfOnePatientCountAsOneDraw) {
  // Two patients of 30 nodules each, one a class: with two patients in two splits any split is as good as this one.
  const TemporaryFolder folder;
  auto rows = test::plain_rows(60);
  for (std::size_t k = 0; k < rows.size(); ++k) {
    rows[k].item.patient = k < 30 ? "A" : "B";
    rows[k].item.nodule = "n" + std::to_string(k);
    rows[k].item.split = k < 30 ? data::Split::train : data::Split::test;
    rows[k].item.labels[2] = k < 30 ? "round" : "oval";
  }
  const auto dataset = data::Dataset::open(test::make(folder / "d", rows));
  const auto items = every_item(dataset);
  EXPECT_EQ(compare_shares(dataset, classes_of(dataset, dataset.info().labels[2], items), items, 200, 1)->p, 1);
}

TEST(FindRatings, EmptyPlacesAreReadersWithoutARating) {
  const TemporaryFolder folder;
  auto rows = test::plain_rows(2);
  rows[0].malignancy_values = "5;5;;4";
  rows[1].malignancy_values = "1;2";
  const auto dataset = data::Dataset::open(test::make(folder / "d", rows));
  const auto found = find_ratings(dataset, every_item(dataset));
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].name, "malignancy");
  EXPECT_EQ(found[0].table, "nodules.csv");
  ASSERT_EQ(found[0].ratings.readers, 4u);
  ASSERT_EQ(found[0].ratings.subjects(), 2u);  // not the nodule without an image
  const auto first = found[0].ratings.of(0);
  EXPECT_EQ(first[0], 5);
  EXPECT_TRUE(std::isnan(first[2]));
  EXPECT_EQ(first[3], 4);
  EXPECT_TRUE(std::isnan(found[0].ratings.of(1)[2]));
  EXPECT_NE(found[0].patients[0], found[0].patients[1]);
}

TEST(FindRatings, SpacesSeparateTooAndTextIsNoRating) {
  const TemporaryFolder folder;
  auto rows = test::plain_rows(3);
  rows[0].malignancy_values = "5 5 5 4";
  rows[1].malignancy_values = "2";
  rows[2].malignancy_values = "";
  test::MadeOptions named;
  named.values_column = "malignancy_ratings";
  const auto imported = data::Dataset::open(test::make(folder / "imported", rows, named));
  const auto found = find_ratings(imported, every_item(imported));
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].column, "malignancy_ratings");
  EXPECT_EQ(found[0].ratings.subjects(), 2u);
  rows[1].malignancy_values = "2 or 3";
  const auto broken = data::Dataset::open(test::make(folder / "broken", rows, named));
  EXPECT_TRUE(find_ratings(broken, every_item(broken)).empty());
}

TEST(TraitTable, AnUnknownPixelSizeLeavesWhatDoesNotDependOnIt) {
  const TemporaryFolder folder;
  auto rows = test::plain_rows(2);
  rows[1] = rows[0];
  rows[1].item.patient = "Q";
  rows[1].item.spacing_mm = std::numeric_limits<double>::quiet_NaN();
  const auto dataset = data::Dataset::open(test::make(folder / "d", rows));
  SilentMonitor monitor;
  const TraitTable table = measure_all(dataset, 1, monitor);
  const auto& catalog = traits::catalog();
  int known = 0;
  for (std::size_t k = 0; k < catalog.size(); ++k) {
    const double with = table.values[0][k];
    const double without = table.values[1][k];
    if (catalog[k].unit.find("mm") != std::string_view::npos) {
      EXPECT_TRUE(std::isnan(without)) << catalog[k].name;
    } else if (catalog[k].group == "density") {
      EXPECT_TRUE(without == with || std::isnan(with)) << catalog[k].name;
      ++known;
    }
  }
  EXPECT_GT(known, 0);
}

TEST(TraitTable, TheOutlineIsWhereHalfTheReadersAgree) {
  const TemporaryFolder folder;
  auto rows = test::plain_rows(3);
  for (std::size_t k = 0; k < rows.size(); ++k) {
    rows[k].item.labels[0] = k == 0 ? "4" : k == 1 ? "2" : "";
    rows[k].mask.assign(rows[k].mask.size(), 0);
    for (std::size_t i = 100; i < 130; ++i) rows[k].mask[i] = i < 110 ? 2 : 1;
  }
  const auto dataset = data::Dataset::open(test::make(folder / "d", rows));
  SilentMonitor monitor;
  EXPECT_EQ(measure_all(dataset, 1, monitor).outline_px, (std::vector<std::int64_t>{10, 30, 10}));
}

/// Sixty nodules with a few faults, and the study of them.
class StudyTest : public testing::Test {
 protected:
  void SetUp() override {
    rows_ = test::plain_rows(60);
    rows_[9].image = mirrored(rows_[2].image);  // a leak
    rows_[1].item.spacing_mm = std::numeric_limits<double>::quiet_NaN();
    rows_[3].mask.assign(rows_[3].mask.size(), 0);
    rows_[4].mask = test::disc(17, 4);  // to the edge
    for (std::size_t i = 0; i < 64; ++i) rows_[5].image[i] = -2048;
    rows_[6].item.labels[1] = "";
    for (test::Row& row : rows_) {
      if (row.item.labels[1] == "1" && row.item.patient != "P0") row.item.labels[1] = "2";
    }
    options_.dataset = test::make(folder_ / "d", rows_);
    options_.out = folder_ / "study";
    options_.images = 5;
    options_.repeats = 200;
  }

  TemporaryFolder folder_;
  std::vector<test::Row> rows_;
  StudyOptions options_;
  SilentMonitor monitor_;
};

TEST_F(StudyTest, SaysWhatWasPlanted) {
  const Study result = study(options_, monitor_);
  EXPECT_EQ(result.by, "malignancy");
  EXPECT_EQ(result.classes, (std::vector<std::string>{"1", "2", "3", "4", "5"}));
  const auto area = std::find_if(result.traits.begin(), result.traits.end(),
                                 [](const TraitStudy& entry) { return entry.trait.name == "area"; });
  ASSERT_NE(area, result.traits.end());
  EXPECT_EQ(area->all.count, 58);  // one without outline, one of unknown pixel size
  EXPECT_EQ(area->all.missing, 2);
  // 48 nodules of 60 are in train; both that have no area are among them.
  EXPECT_EQ(std::accumulate(area->histogram.first.begin(), area->histogram.first.end(), std::int64_t{0}), 46);
  EXPECT_EQ(std::accumulate(area->histogram.second.begin(), area->histogram.second.end(), std::int64_t{0}), 12);
  ASSERT_TRUE(area->split.has_value());
  EXPECT_EQ(area->split->test, "KS");
  EXPECT_GT(area->split->statistic, 0.3);  // malignancy 4 and 5 alone are held out
  EXPECT_GT(area->spearman, 0.9);
  EXPECT_GT(area->spearman_interval.low, 0.8);
  ASSERT_EQ(area->by_class.size(), 5u);
  const auto pixels = test::disc(2 + 1.5 * 4, 1);
  EXPECT_NEAR(area->by_class[3].quantiles[3], 0.25 * static_cast<double>(std::count(pixels.begin(), pixels.end(), 1)),
              1e-9);
  ASSERT_EQ(result.readers.size(), 1u);
  EXPECT_EQ(result.readers[0].agreement.subjects, 60);
  EXPECT_EQ(result.readers[0].agreement.ratings, 180);
  // The second of three readers differs on 9 nodules of 60: 18 of 180 pairs.
  EXPECT_NEAR(result.readers[0].agreement.same, 1 - 18.0 / 180, 1e-12);
  EXPECT_EQ(result.duplicates.leaks, 1);
  EXPECT_EQ(result.duplicates.across_splits, 1);
  EXPECT_EQ(result.gaps.without_spacing, 1);
  EXPECT_EQ(result.gaps.without_outline, 1);
  EXPECT_EQ(result.gaps.without_mark, 1);
  EXPECT_EQ(result.gaps.cut_outlines, 1);
  EXPECT_EQ(result.gaps.padded_images, 1);
  EXPECT_NEAR(result.gaps.most_padding, 64.0 / 1024, 1e-12);
  EXPECT_NEAR(result.gaps.padding_share, 64.0 / 1024 / 60, 1e-12);
  ASSERT_EQ(result.gaps.small_classes.size(), 1u);
  EXPECT_EQ(result.gaps.small_classes[0].value, "1");
  EXPECT_EQ(result.gaps.small_classes[0].nodules, 1);
  EXPECT_EQ(result.labels[1].unknown, 1);
  ASSERT_EQ(result.notes.size(), 1u);
  EXPECT_THAT(result.notes[0], testing::HasSubstr("pixel size of 1 images"));
}

TEST_F(StudyTest, LeavesAPageFiguresAndPictures) {
  const Study result = study(options_, monitor_);
  const Json json = read_json(options_.out / "study.json");
  EXPECT_EQ(json["schema"], (Json{{"name", "nodulus.study"}, {"version", 1}}));
  EXPECT_EQ(json, json_of(result));
  EXPECT_EQ(json["labels"][1]["classes"][4]["images"]["test"], 6);
  EXPECT_EQ(json["duplicates"]["listed"][0]["items"], (Json{2, 9}));
  EXPECT_TRUE(json["traits"]["rows"][0]["all"]["quantiles"].contains("99.5"));
  EXPECT_EQ(read_manifest(options_.out, "study", 1).seed, std::uint64_t{0});
  const std::string page = read_all(options_.out / "study.md");
  EXPECT_THAT(page, testing::HasSubstr("1 pairs cross patients or splits"));
  EXPECT_THAT(page, testing::HasSubstr("examples-malignancy.png"));
  EXPECT_EQ(page.find(" nan "), std::string::npos);
  for (std::size_t at = page.find("](", 0); at != std::string::npos; at = page.find("](", at + 1)) {
    const std::string picture = page.substr(at + 2, page.find(')', at) - at - 2);
    EXPECT_TRUE(std::filesystem::exists(options_.out / picture)) << picture;
  }
  const CsvTable csv = CsvTable::read(options_.out / "traits.csv");
  EXPECT_EQ(csv.rows(), 60u);
  EXPECT_EQ(csv.text(1, "area"), "");
  EXPECT_EQ(csv.text(3, "outline_px"), "0");
  EXPECT_THAT(text_of(result), testing::HasSubstr("1 leaks"));
  expect_error([&] { (void)study(options_, monitor_); }, ErrorCode::exists, {"study"});
}

TEST_F(StudyTest, TheSeedDecidesAndNotTheThreads) {
  (void)study(options_, monitor_);
  StudyOptions again = options_;
  again.out = folder_ / "again";
  again.threads = 3;
  (void)study(again, monitor_);
  StudyOptions other = options_;
  other.out = folder_ / "other";
  other.seed = 1;
  (void)study(other, monitor_);
  for (const char* file : {"study.json", "study.md", "traits.csv", "examples-malignancy.png"}) {
    EXPECT_EQ(read_all(options_.out / file), read_all(again.out / file)) << file;
  }
  EXPECT_NE(read_all(options_.out / "study.json"), read_all(other.out / "study.json"));
  EXPECT_NE(read_all(options_.out / "examples-malignancy.png"), read_all(other.out / "examples-malignancy.png"));
}

TEST_F(StudyTest, WhatCannotBeSaidIsSaid) {
  test::MadeOptions bare;
  bare.masks = false;
  bare.values_column = "remark";
  bare.synthetic = true;
  options_.dataset = test::make(folder_ / "bare", rows_, bare);
  const Study result = study(options_, monitor_);
  EXPECT_FALSE(result.measured);
  EXPECT_TRUE(result.traits.empty());
  EXPECT_FALSE(std::filesystem::exists(options_.out / "traits.csv"));
  EXPECT_THAT(result.notes, testing::Contains(testing::HasSubstr("no outlines")));
  EXPECT_THAT(result.notes, testing::Contains(testing::HasSubstr("agreement among readers is not known")));
  EXPECT_THAT(read_all(options_.out / "study.md"), testing::HasSubstr("Synthetic"));
  EXPECT_NE(read_all(options_.out / "examples-malignancy.png").find("Synthetic"), std::string::npos);
  EXPECT_TRUE(read_manifest(options_.out, "study", 1).synthetic);
}

TEST_F(StudyTest, WholeSlicesHaveNoTraits) {
  test::MadeOptions slices;
  slices.content = "slice";
  options_.dataset = test::make(folder_ / "slices", rows_, slices);
  EXPECT_THAT(study(options_, monitor_).notes, testing::Contains(testing::HasSubstr("whole slices")));
}

TEST_F(StudyTest, StoppedLeavesNothing) {
  class Stopping final : public Monitor {
   public:
    void note(std::string_view) override {}
    void warn(std::string_view) override {}
    void progress(const Progress&) override {}
    [[nodiscard]] bool stop_requested() const override { return true; }
  } stopping;
  expect_error([&] { (void)study(options_, stopping); }, ErrorCode::stopped, {"nothing was written"});
  EXPECT_FALSE(std::filesystem::exists(options_.out));
}

TEST(SharePicture, TicksAreRoundAndBarsGrowWithTheShares) {
  EXPECT_DOUBLE_EQ(tick_step(0, 10), 1);
  EXPECT_DOUBLE_EQ(tick_step(-3, 42), 5);
  EXPECT_DOUBLE_EQ(tick_step(0, 0.03), 0.005);
  EXPECT_DOUBLE_EQ(tick_step(100, 1900), 200);
  const Picture picture = share_picture({{0, 1, 2}, {30, 10}, {0, 0}});
  ASSERT_GT(picture.width, 0);
  const auto painted = [&](int x) {  // pixels of this column that are not paper
    int count = 0;
    for (int y = 0; y < picture.height; ++y) count += picture.at(x, y)[2] > 100 ? 1 : 0;
    return count;
  };
  EXPECT_GT(painted(picture.width / 4), 2 * painted(3 * picture.width / 4));
  EXPECT_EQ(share_picture({}).width, 0);
}

}  // namespace
}  // namespace nodulus::study
