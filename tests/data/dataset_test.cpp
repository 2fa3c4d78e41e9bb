#include "nodulus/data/dataset.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "nodulus/core/artifact.h"
#include "nodulus/data/dataset_copy.h"
#include "tests/data/fixtures.h"
#include "tests/support/expect_error.h"
#include "tests/support/temporary_folder.h"

namespace nodulus::data {
namespace {

namespace fs = std::filesystem;
using nodulus::test::expect_error;
using nodulus::test::read_all;
using nodulus::test::write_all;

class DatasetTest : public testing::Test {
 protected:
  void replace(const std::string& file, const std::string& from, const std::string& to) {
    std::string text = read_all(folder_ / file);
    const std::size_t at = text.find(from);
    ASSERT_NE(at, std::string::npos) << from;
    write_all(folder_ / file, text.replace(at, from.size(), to));
  }
  void refused(const std::vector<std::string>& parts) {
    expect_error([&] { (void)Dataset::open(folder_ / "d"); }, ErrorCode::bad_input, parts);
  }
  nodulus::test::TemporaryFolder folder_;
};

TEST_F(DatasetTest, ATableThatWasChangedIsRefused) {
  test::make_dataset(folder_ / "d", 20, 8);
  replace("d/items.csv", ",train,", ",test,");  // still well-formed
  refused({"items.csv", "was changed since"});
}

TEST_F(DatasetTest, ReadsBackWhatWasWritten) {
  test::make_dataset(folder_ / "d", 20, 8);
  const Dataset dataset = Dataset::open(folder_ / "d");
  ASSERT_EQ(dataset.size(), 40);
  EXPECT_EQ(dataset.info().counts.images, 40);
  EXPECT_EQ(dataset.info().counts.patients, 20);
  EXPECT_EQ(dataset.info().counts.nodules, 20);
  EXPECT_EQ(dataset.info().rejects.at("not DICOM"), 1);
  EXPECT_EQ(dataset.info().sources, std::vector<Source>{lidc_source()});
  EXPECT_EQ(dataset.info().labels[1], lidc_characteristics()[8]);
  EXPECT_EQ(dataset.item(5).patient, "P2");
  EXPECT_EQ(dataset.item(5).z_mm, 12.5);
  EXPECT_EQ(dataset.item(5).labels[2], "a, \"b\"");
  EXPECT_EQ(dataset.image(5)[9], 44);
  EXPECT_EQ(dataset.mask(8)[0], 3);
  EXPECT_EQ(dataset.mask(8)[4], 0);
  EXPECT_EQ(dataset.label(1, "malignancy"), 2);
  EXPECT_EQ(dataset.label(0, "malignancy"), std::nullopt);
  EXPECT_EQ(dataset.nodules().rows(), 20u);
  expect_error([&] { (void)dataset.label(0, "malignacy"); }, ErrorCode::usage,
               {"'malignacy'", "did you mean 'malignancy'"});
  expect_error([&] { (void)dataset.label(0, "note"); }, ErrorCode::bad_input, {"item 0", "'note'", "a number"});
  std::size_t in_splits = 0;
  for (const Split split : {Split::train, Split::val, Split::test}) in_splits += dataset.items_of(split).size();
  EXPECT_EQ(in_splits, 40u);
}

TEST_F(DatasetTest, TakesOneMoreLabel) {
  test::make_dataset(folder_ / "d", 6, 8);
  const Dataset before = Dataset::open(folder_ / "d");
  const Label label{"group", "category", "a made-up group", {{1, "one"}, {2, "two"}}};
  std::vector<std::string> values;
  for (std::int64_t i = 0; i < before.size(); ++i) values.push_back(i % 3 == 0 ? "" : std::to_string(i % 3));
  SilentMonitor monitor;
  const auto write = [&](const Label& what) {
    ArtifactWriter artifact(folder_ / "e", "dataset", false);
    write_with_label(before, what, values, artifact.path(), monitor);
    Manifest manifest;
    manifest.kind = "dataset";
    write_manifest(artifact.path(), manifest);
    artifact.commit();
  };
  write(label);
  const Dataset after = Dataset::open(folder_ / "e");
  ASSERT_EQ(after.size(), before.size());
  EXPECT_EQ(after.info().labels.back(), label);
  EXPECT_EQ(after.label(0, "group"), std::nullopt);
  EXPECT_EQ(after.label(5, "group"), 2);
  EXPECT_EQ(after.item(5).labels[2], before.item(5).labels[2]);
  EXPECT_EQ(after.items_of_ancestor(before.hash()), before.size());
  EXPECT_EQ(after.info().rejects, before.info().rejects);
  EXPECT_EQ(after.nodules().rows(), before.nodules().rows());
  EXPECT_EQ(after.info().files.at("images.npy"), before.info().files.at("images.npy"));
  EXPECT_EQ(after.info().files.at("masks.npy"), before.info().files.at("masks.npy"));
  fs::remove_all(folder_ / "e");
  expect_error([&] { write({"malignancy", "number", "", {}}); }, ErrorCode::usage, {"'malignancy' already"});
}

TEST_F(DatasetTest, TheHashIsOfTheContentAlone) {
  test::make_dataset(folder_ / "d", 3, 8);
  test::make_dataset(folder_ / "e", 3, 8);
  test::make_dataset(folder_ / "f", 4, 8);
  EXPECT_EQ(Dataset::open(folder_ / "d").hash(), Dataset::open(folder_ / "e").hash());
  EXPECT_NE(Dataset::open(folder_ / "d").hash(), Dataset::open(folder_ / "f").hash());
}

TEST_F(DatasetTest, FilesThatDisagreeAreNamed) {
  test::make_dataset(folder_ / "d", 3, 8);
  replace("d/items.csv", "P2,", "P2,,");
  refused({"items.csv, line 6", "fields"});
  replace("d/items.csv", "P2,,", "P2,");
  replace("d/items.csv", ",train,", ",trane,");
  refused({"items.csv", "column 'split'", "'trane'"});
}

TEST_F(DatasetTest, ATruncatedOrForeignSetIsRefused) {
  expect_error([&] { (void)Dataset::open(folder_ / "d"); }, ErrorCode::not_found, {"/d'"});
  test::make_dataset(folder_ / "d", 3, 8);
  const std::string items = read_all(folder_ / "d/items.csv");
  write_all(folder_ / "d/items.csv", items.substr(0, items.rfind("P2,")));
  refused({"images.npy", "expected shape (5, 8, 8), found (6, 8, 8)"});
  write_all(folder_ / "d/items.csv", items);
  replace("d/dataset.json", "\"version\": 1", "\"version\": 2");
  refused({"dataset.json", "schema.version", "expected 1, found 2"});
  replace("d/dataset.json", "\"version\": 2", "\"version\": 1");
  replace("d/dataset.json", "\"window_hu\"", "\"window\"");
  refused({"dataset.json", "'window_hu'", "nothing"});
  replace("d/dataset.json", "\"window\"", "\"window_hu\"");
  replace("d/dataset.json", "\"name\": \"note\"", "\"name\": \"nodes\"");
  refused({"items.csv", "expected a column 'nodes'", "did you mean"});
}

TEST_F(DatasetTest, ALabelCannotTakeAnothersColumn) {
  DatasetInfo info;
  info.height = info.width = 1;
  info.labels = {{"patient", "text", "", {}}};
  expect_error([&] { DatasetWriter writer(folder_.path(), info, {"patient"}); }, ErrorCode::bad_input, {"'patient'"});
}

TEST(Split, DependsOnThePatientAloneAndNoPatientCrosses) {
  // u = 0xba7816bf8f01cfea / 2^64 = 0.728395...: the published SHA-256 of "abc"
  EXPECT_EQ(split_of("abc", {0.7283, 0.00001}), Split::test);
  EXPECT_EQ(split_of("abc", {0.7283, 0.001}), Split::val);
  EXPECT_EQ(split_of("abc", {0.7284, 0.1}), Split::train);
  std::map<Split, int> patients;
  for (int i = 0; i < 10000; ++i) {
    const std::string patient = "LIDC-IDRI-" + std::to_string(i);
    const Split split = split_of(patient);
    EXPECT_EQ(split, split_of(std::string(patient)));
    ++patients[split];
  }
  // Five standard deviations of a binomial count of 10,000.
  EXPECT_NEAR(patients[Split::train], 8000, 5 * 40);
  EXPECT_NEAR(patients[Split::val], 1000, 5 * 30);
  EXPECT_NEAR(patients[Split::test], 1000, 5 * 30);
  EXPECT_THROW(check(SplitRule{0.9, 0.2}), Error);
}

TEST_F(DatasetTest, EveryItemOfAPatientIsInOneSplit) {
  test::make_dataset(folder_ / "d", 60, 2);
  const Dataset dataset = Dataset::open(folder_ / "d");
  std::map<std::string, Split> seen;
  for (std::int64_t i = 0; i < dataset.size(); ++i) {
    const auto [entry, fresh] = seen.emplace(dataset.item(i).patient, dataset.item(i).split);
    EXPECT_EQ(entry->second, dataset.item(i).split);
  }
  EXPECT_EQ(seen.size(), 60u);
}

}  // namespace
}  // namespace nodulus::data
