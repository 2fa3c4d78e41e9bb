#include "nodulus/study/contribute.h"

#include <gmock/gmock.h>

#include <algorithm>

#include "tests/study/fixture.h"
#include "tests/support/expect_error.h"
#include "tests/support/temporary_folder.h"

namespace nodulus::study {
namespace {

using nodulus::test::expect_error;
using ::testing::ElementsAre;

/// Thirty lung nodules, and another source's images of another organ: patients K0 to K5 with a kind that is new.
class Contribution : public ::testing::Test {
 protected:
  Contribution() {
    test::make(folder_ / "lung", test::plain_rows(30));
    options_.dataset = folder_ / "lung";
    options_.added = {{folder_ / "kidney", "their scans"}};
    options_.out = folder_ / "grown";
    options_.source = {"clinic-2", "CC BY 4.0", "A made-up clinic.", ""};
    for (int k = 0; k < 6; ++k) {
      test::Row row = test::plain_row(100 + k);
      row.item.patient = "K" + std::to_string(k);
      row.item.labels[2] = "renal cyst";
      row.image = test::noise(static_cast<std::uint64_t>(1000 + k), 10, 20);
      rows_.push_back(row);
    }
  }
  ContributeResult add() {
    std::filesystem::remove_all(folder_ / "kidney");
    test::make(folder_ / "kidney", rows_);
    return contribute(options_, monitor_);
  }
  void refused(ErrorCode code, const std::vector<std::string>& parts) {
    expect_error([&] { add(); }, code, parts);
    EXPECT_FALSE(std::filesystem::exists(folder_ / "grown"));
  }

  nodulus::test::TemporaryFolder folder_;
  SilentMonitor monitor_;
  ContributeOptions options_;
  std::vector<test::Row> rows_;
};

TEST_F(Contribution, ComesAfterWhatIsThere) {
  const ContributeResult result = add();
  EXPECT_EQ(result.added.images, 6);
  EXPECT_EQ(result.added.patients, 6);
  EXPECT_THAT(result.new_labels, ElementsAre("source"));
  const auto before = data::Dataset::open(folder_ / "lung");
  const auto grown = data::Dataset::open(folder_ / "grown");
  ASSERT_EQ(grown.size(), 36);
  for (std::int64_t i = 0; i < 30; ++i) {
    EXPECT_EQ(grown.item(i).patient, before.item(i).patient);
    EXPECT_EQ(grown.item(i).split, before.item(i).split);
    EXPECT_TRUE(std::equal(grown.image(i).begin(), grown.image(i).end(), before.image(i).begin()));
    EXPECT_EQ(grown.item(i).labels.back(), "LIDC-IDRI");
  }
  EXPECT_EQ(grown.item(33).patient, "K3");
  EXPECT_EQ(grown.item(33).labels, (std::vector<std::string>{"4", "4", "renal cyst", "clinic-2"}));
  EXPECT_EQ(grown.item(33).split, data::split_of("K3", grown.info().split));
  ASSERT_EQ(grown.info().sources.size(), 2U);
  EXPECT_EQ(grown.info().sources[1], options_.source);
  EXPECT_EQ(grown.items_of_ancestor(before.hash()), 30);
  EXPECT_EQ(grown.items_of_ancestor(grown.hash()), 36);
  EXPECT_EQ(grown.items_of_ancestor("another"), 0);
  EXPECT_EQ(grown.nodules().rows(), before.nodules().rows() + 7);
}

TEST_F(Contribution, GrowsAgainAndInPlace) {
  add();
  const auto once = data::Dataset::open(folder_ / "grown");
  const std::string first = once.hash();
  options_.dataset = options_.out;
  options_.force = true;
  expect_error([&] { add(); }, ErrorCode::usage, {"'clinic-2' already"});
  options_.source.name = "clinic-3";
  for (std::size_t k = 0; k < rows_.size(); ++k) {
    rows_[k].item.patient = "M" + std::to_string(k);
    rows_[k].image = test::noise(2000 + k);
  }
  add();
  const auto twice = data::Dataset::open(folder_ / "grown");
  EXPECT_EQ(twice.size(), 42);
  EXPECT_EQ(twice.items_of_ancestor(first), 36);
  EXPECT_EQ(twice.items_of_ancestor(data::Dataset::open(folder_ / "lung").hash()), 30);
  EXPECT_EQ(twice.item(40).labels.back(), "clinic-3");
}

TEST_F(Contribution, WhatIsThereAlreadyIsLeftOutAndNamed) {
  rows_[0].image = test::plain_row(7).image;
  std::reverse(rows_[0].image.begin(), rows_[0].image.end());  // half a turn
  rows_[1].image.assign(rows_[1].image.size(), 40);
  rows_[2].item.labels[1] = "7";
  rows_[3].item.labels[1] = "4.5";  // between two steps: a mean of readers
  const ContributeResult result = add();
  EXPECT_EQ(result.added.images, 3);
  EXPECT_EQ(result.rejects, (std::map<std::string, int>{{"duplicate", 1}, {"flat", 1}, {"label off its scale", 1}}));
  const std::string listed = nodulus::test::read_all(folder_ / "grown" / "rejects.csv");
  EXPECT_THAT(listed, ::testing::HasSubstr("item 0 (K0),duplicate,\"like item 7 of patient P7, correlation 1.000\""));
  EXPECT_THAT(listed, ::testing::HasSubstr("malignancy = 7"));
}

TEST_F(Contribution, PatientsOfOneNameMustBeToldApart) {
  rows_[0].item.patient = "P8";  // in val there
  refused(ErrorCode::usage, {"both data sets: 1 patient (P8)", "--patients same or --patients other"});
  options_.patients = "same";
  add();
  auto grown = data::Dataset::open(folder_ / "grown");
  EXPECT_EQ(grown.item(30).patient, "P8");
  EXPECT_EQ(grown.item(30).split, data::Split::val);
  EXPECT_EQ(grown.item(30).nodule, "clinic-2/n");
  std::filesystem::remove_all(folder_ / "grown");
  options_.patients = "other";
  add();
  grown = data::Dataset::open(folder_ / "grown");
  EXPECT_EQ(grown.item(30).patient, "clinic-2/P8");
  EXPECT_EQ(grown.item(30).split, data::split_of("clinic-2/P8", grown.info().split));
  EXPECT_EQ(grown.item(30).nodule, "n");
}

TEST_F(Contribution, GreyLevelsAreNoHounsfieldUnits) {
  for (test::Row& row : rows_)
    for (std::int16_t& value : row.image) value = static_cast<std::int16_t>(std::clamp<int>(value + 128, 0, 255));
  refused(ErrorCode::bad_input, {"Hounsfield units", "grey levels"});
}

TEST_F(Contribution, LabelsMustGoTogether) {
  test::make(folder_ / "kidney", rows_);
  const auto change = [&](const std::string& from, const std::string& to) {
    const auto file = folder_ / "kidney" / "dataset.json";
    std::string text = nodulus::test::read_all(file);
    ASSERT_NE(text.find(from), std::string::npos);
    nodulus::test::write_all(file, text.replace(text.find(from), from.size(), to));
  };
  change("\"highly suspicious\"", "\"surely\"");
  expect_error([&] { contribute(options_, monitor_); }, ErrorCode::bad_input,
               {"'malignancy'", "5 is 'highly suspicious'", "found 'surely'"});
  change("\"surely\"", "\"highly suspicious\", \"6\": \"surely\"");
  expect_error([&] { contribute(options_, monitor_); }, ErrorCode::bad_input, {"'malignancy'", "the step 6 (surely)"});
  change("\"rating\"", "\"number\"");
  expect_error([&] { contribute(options_, monitor_); }, ErrorCode::bad_input,
               {"'malignancy'", "expected the type rating, found number"});
}

TEST_F(Contribution, WithoutNameOrLicenceIsRefused) {
  options_.source.licence = "";
  refused(ErrorCode::usage, {"--licence"});
  options_.source = {"", "CC0", "", ""};
  refused(ErrorCode::usage, {"--name"});
  options_.source.name = "LIDC-IDRI";
  refused(ErrorCode::usage, {"--name", "'LIDC-IDRI' already"});
}

}  // namespace
}  // namespace nodulus::study
