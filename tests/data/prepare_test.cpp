#include "nodulus/data/prepare.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <map>
#include <set>
#include <sstream>

#include "nodulus/core/error.h"
#include "nodulus/core/manifest.h"
#include "nodulus/data/dataset.h"
#include "nodulus/dicom/order.h"
#include "nodulus/dicom/slice.h"
#include "nodulus/lidc/nodule.h"
#include "tests/support/expect_error.h"
#include "tests/support/temporary_folder.h"

namespace nodulus::data {
namespace {

namespace fs = std::filesystem;
using nodulus::test::expect_error;
using nodulus::test::read_all;
using nodulus::test::write_all;

/// The bundled part of LIDC-IDRI-0001: 43 slices around its nodule, which all four readers marked.
fs::path bundled() { return fs::path(NODULUS_SOURCE_DIR) / "data" / "lidc-idri-0001"; }

const std::string series_uid = "1.3.6.1.4.1.14519.5.2.1.6279.6001.179049373636438705059720603192";

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  EXPECT_EQ(from.size(), to.size());  // of equal length, so that DICOM's own lengths stay right
  for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
  return text;
}

/// Another subject with the same images: patient and series renamed in every file.
void make_subject(const fs::path& folder, int number, bool with_xml = true) {
  const std::string patient = "LIDC-IDRI-000" + std::to_string(number);
  const std::string uid = series_uid.substr(0, series_uid.size() - 1) + std::to_string(number);
  for (const auto& entry : fs::directory_iterator(bundled())) {
    if (!entry.is_regular_file()) continue;
    const bool xml = entry.path().extension() == ".xml";
    if (!xml && entry.path().extension() != ".dcm") continue;
    if (xml && !with_xml) continue;
    const std::string bytes = replaced(replaced(read_all(entry.path()), "LIDC-IDRI-0001", patient), series_uid, uid);
    write_all(folder / patient / entry.path().filename(), bytes);
  }
}

/// Every file but the manifest, by name.
std::map<std::string, std::string> content(const fs::path& folder) {
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().filename() != "manifest.json") files[entry.path().filename()] = read_all(entry.path());
  }
  return files;
}

/// Kills the process once `after` series are finished.
class KillingMonitor final : public Monitor {
 public:
  explicit KillingMonitor(std::int64_t after) : after_(after) {}
  void note(std::string_view) override {}
  void warn(std::string_view) override {}
  void progress(const Progress& progress) override {
    if (progress.stage == "preparing" && progress.done >= after_) std::raise(SIGKILL);
  }
  [[nodiscard]] bool stop_requested() const override { return false; }

 private:
  std::int64_t after_;
};

/// Asks to stop once `after` series are finished.
class StoppingMonitor final : public Monitor {
 public:
  void note(std::string_view) override {}
  void warn(std::string_view) override {}
  void progress(const Progress& progress) override { stop_ = stop_ || progress.stage == "preparing"; }
  [[nodiscard]] bool stop_requested() const override { return stop_; }

 private:
  bool stop_ = false;
};

class PrepareTest : public testing::Test {
 protected:
  PrepareOptions options(const std::string& raw, const std::string& out) const {
    PrepareOptions result;
    result.raw = {folder_ / raw};
    result.out = folder_ / out;
    return result;
  }
  nodulus::test::TemporaryFolder folder_;
  SilentMonitor monitor_;
};

TEST_F(PrepareTest, PatchesAreTheScansOwnPixelsAroundTheConsensus) {
  PrepareOptions options;
  options.raw = {bundled()};
  options.out = folder_ / "d";
  options.threads = 2;
  const PrepareResult result = prepare(options, monitor_);
  const Dataset dataset = Dataset::open(folder_ / "d");
  EXPECT_EQ(result.series, 1);
  EXPECT_EQ(result.lesions.at_least_3mm_by_all, 1);
  EXPECT_EQ(result.counts.images, dataset.size());
  EXPECT_EQ(result.slices_decoded, dataset.size());
  EXPECT_EQ(dataset.info().sources, std::vector<Source>{lidc_source()});

  // The same by hand: order, find, cut.
  const dicom::Scan scan = dicom::scan({bundled()}, {}, monitor_);
  const auto ordering = dicom::order_slices(scan.series.at(0));
  const auto& series = std::get<dicom::OrderedSeries>(ordering);
  const auto read = lidc::read_reading(scan.xml_files.at(0));
  const auto& reading = std::get<lidc::Reading>(read);
  const lidc::NoduleList found = lidc::find_nodules(reading, lidc::series_geometry(series));
  std::int64_t i = 0;
  for (const lidc::Nodule& nodule : found.nodules) {
    if (nodule.size_class != lidc::SizeClass::nodule) continue;
    for (const lidc::NoduleSlice& slice : nodule.slices) {
      if (slice.consensus.count() == 0) continue;
      ASSERT_LT(i, dataset.size());
      const Item& item = dataset.item(i);
      EXPECT_EQ(item.patient, "LIDC-IDRI-0001");
      EXPECT_EQ(item.sop_uid, slice.sop_uid);
      EXPECT_EQ(item.nodule, lidc::nodule_id(series_uid, nodule));
      EXPECT_NEAR(item.z_mm, slice.z_mm, 1e-3);
      EXPECT_NEAR(item.spacing_mm, 0.703125, 1e-6);
      EXPECT_EQ(dataset.label(i, "malignancy"), nodule.characteristics[8].most_frequent);
      EXPECT_EQ(dataset.label(i, "readers"), 4);
      EXPECT_EQ(dataset.label(i, "consensus_at"), 2);
      const dicom::Slice decoded = dicom::read_slice(series.slices[static_cast<std::size_t>(slice.slice)]);
      const int left = static_cast<int>(std::floor(nodule.centroid_px[0] + 0.5)) - 32;
      const int top = static_cast<int>(std::floor(nodule.centroid_px[1] + 0.5)) - 32;
      for (int y = 0; y < 64; ++y) {
        for (int x = 0; x < 64; ++x) {
          const auto at = static_cast<std::size_t>(64 * y + x);
          const int column = left + x;
          const int row = top + y;
          ASSERT_EQ(dataset.image(i)[at], decoded.hu[static_cast<std::size_t>(row * 512 + column)]);
          ASSERT_EQ(dataset.mask(i)[at], slice.readers.at(column, row));
        }
      }
      ++i;
    }
  }
  EXPECT_EQ(i, dataset.size());
  EXPECT_GT(i, 3);
}

TEST_F(PrepareTest, OneRunAddingAndResumingGiveTheSameBytes) {
  // Subject 2 alone at first; the others arrive later, before and behind it.
  make_subject(folder_ / "raw", 2);
  (void)prepare(options("raw", "added"), monitor_);
  for (const int number : {1, 3}) make_subject(folder_ / "raw", number);
  PrepareOptions whole = options("raw", "whole");
  whole.threads = 2;
  EXPECT_EQ(prepare(whole, monitor_).series, 3);
  const auto expected = content(folder_ / "whole");
  EXPECT_EQ(Dataset::open(folder_ / "whole").info().counts.patients, 3);

  PrepareOptions more = options("raw", "added");
  more.add = true;
  const PrepareResult added = prepare(more, monitor_);
  EXPECT_EQ(added.series_reused, 1);
  EXPECT_EQ(added.slices_decoded, 2 * added.counts.images / 3);
  EXPECT_TRUE(content(folder_ / "added") == expected);

  // Killed after one series, then after one more, then left alone.
  for (int round = 0; round < 2; ++round) {
    const pid_t child = ::fork();
    if (child == 0) {
      KillingMonitor killing(1);
      (void)prepare(options("raw", "killed"), killing);
      ::_exit(0);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status));
    EXPECT_FALSE(fs::exists(folder_ / "killed"));
  }
  const PrepareResult resumed = prepare(options("raw", "killed"), monitor_);
  EXPECT_EQ(resumed.series_reused, 2);
  EXPECT_TRUE(content(folder_ / "killed") == expected);
  EXPECT_FALSE(fs::exists(folder_ / "killed.partial"));
}

TEST_F(PrepareTest, AStoppedRunKeepsWhatIsDoneAndOtherOptionsAreNotMixedIn) {
  for (const int number : {1, 2}) make_subject(folder_ / "raw", number);
  StoppingMonitor stopping;
  expect_error([&] { (void)prepare(options("raw", "d"), stopping); }, ErrorCode::stopped, {"goes on"});
  EXPECT_FALSE(fs::exists(folder_ / "d"));
  PrepareOptions other = options("raw", "d");
  other.size = 32;
  expect_error([&] { (void)prepare(other, monitor_); }, ErrorCode::exists,
               {"d.partial", "'size'", "32", "64", "--force"});
  EXPECT_EQ(prepare(options("raw", "d"), monitor_).series_reused, 1);
  PrepareOptions added = options("raw", "d");
  added.add = true;
  added.size = 32;
  expect_error([&] { (void)prepare(added, monitor_); }, ErrorCode::usage, {"'size'", "32", "64"});
  other.force = true;
  EXPECT_EQ(prepare(other, monitor_).series_reused, 0);
  EXPECT_EQ(Dataset::open(folder_ / "d").info().height, 32);
}

TEST_F(PrepareTest, OnlyTheLesionsAskedForGetImages) {
  PrepareOptions all = options("", "all");
  all.raw = {bundled()};
  (void)prepare(all, monitor_);
  const CsvTable lesions = CsvTable::read(folder_ / "all/nodules.csv");  // every lesion, whatever has images
  const std::map<std::string, std::string> table_names{
      {"nodule", ">=3mm"}, {"small_nodule", "<3mm"}, {"non_nodule", "non-nodule"}};
  int round = 0;
  for (const auto& [size_class, table_name] : table_names) {
    for (const int min_readers : {1, 2, 3}) {
      PrepareOptions some = all;
      some.out = folder_ / std::to_string(round++);
      some.size_classes = {size_class};
      some.min_readers = min_readers;
      std::set<std::string> expected;
      for (std::size_t row = 0; row < lesions.rows(); ++row) {
        if (lesions.text(row, "size_class") == table_name && lesions.integer(row, "readers") >= min_readers)
          expected.insert(lesions.text(row, "nodule_id"));
      }
      if (expected.empty()) {
        expect_error([&] { (void)prepare(some, monitor_); }, ErrorCode::bad_input, {"no lesion fits"});
        continue;
      }
      (void)prepare(some, monitor_);
      const Dataset dataset = Dataset::open(some.out);
      std::set<std::string> found;
      for (std::int64_t i = 0; i < dataset.size(); ++i) {
        found.insert(dataset.item(i).nodule);
        EXPECT_EQ(dataset.item(i).labels[dataset.label_column("size_class")], size_class);
        const auto mask = dataset.mask(i);
        const bool outlined = std::any_of(mask.begin(), mask.end(), [](std::uint8_t readers) { return readers > 0; });
        EXPECT_EQ(outlined, size_class == "nodule");
      }
      EXPECT_EQ(found, expected) << size_class << ", " << min_readers << " readers";
    }
  }
}

TEST_F(PrepareTest, APreviewCountsAndWritesNothing) {
  for (const int number : {1, 2}) make_subject(folder_ / "raw", number, number == 1);
  const PreparePreview preview = preview_prepare(options("raw", "d"), monitor_);
  EXPECT_EQ(preview.series, 2);
  EXPECT_EQ(preview.with_reading, 1);
  EXPECT_EQ(preview.reused, 0);
  EXPECT_EQ(preview.slices, 86);
  EXPECT_EQ(preview.rejects, (std::map<std::string, int>{{"no reading", 1}}));
  EXPECT_FALSE(fs::exists(folder_ / "d"));
  EXPECT_FALSE(fs::exists(folder_ / "d.partial"));
  (void)prepare(options("raw", "d"), monitor_);
  make_subject(folder_ / "raw", 2);
  PrepareOptions more = options("raw", "d");
  more.add = true;
  EXPECT_EQ(preview_prepare(more, monitor_).reused, 1);
}

TEST_F(PrepareTest, SlicesLargestAndSpacing) {
  PrepareOptions one = options("", "one");
  one.raw = {bundled()};
  one.slices = "largest";
  one.spacing_mm = 0.5;
  one.size = 128;
  (void)prepare(one, monitor_);
  const Dataset dataset = Dataset::open(folder_ / "one");
  ASSERT_EQ(dataset.size(), 1);
  EXPECT_EQ(dataset.item(0).spacing_mm, 0.5);
  // The area in mm2 does not depend on the pixels it is counted in.
  int pixels = 0;
  for (const std::uint8_t readers : dataset.mask(0)) pixels += readers >= 2;
  const double area = dataset.label(0, "area_mm2").value();
  EXPECT_NEAR(pixels * 0.25, area, 0.05 * area);

  PrepareOptions slices = options("", "slices");
  slices.raw = {bundled()};
  slices.content = "slice";
  slices.size = 512;
  slices.size_classes = {"nodule", "small_nodule", "non_nodule"};  // so that some slice shows two
  (void)prepare(slices, monitor_);
  const Dataset whole = Dataset::open(folder_ / "slices");
  EXPECT_GT(whole.size(), 3);
  EXPECT_EQ(whole.info().content, "slice");
  std::set<std::string> lesions;
  bool several = false;
  for (std::int64_t i = 0; i < whole.size(); ++i) {
    several = several || whole.item(i).nodule.find(';') != std::string::npos;
    std::stringstream names(whole.item(i).nodule);
    for (std::string name; std::getline(names, name, ';');) lesions.insert(name);
  }
  EXPECT_TRUE(several);
  EXPECT_EQ(whole.info().counts.nodules, static_cast<std::int64_t>(lesions.size()));
  slices.out = folder_ / "other";
  slices.size = 256;
  expect_error([&] { (void)prepare(slices, monitor_); }, ErrorCode::bad_input, {"slice of another size"});
  slices.spacing_mm = 1;
  expect_error([&] { (void)prepare(slices, monitor_); }, ErrorCode::usage, {"patches alone"});
}

TEST_F(PrepareTest, WhatIsMissingIsNamedAndNothingIsLeft) {
  fs::create_directory(folder_ / "raw");
  expect_error([&] { (void)prepare(options("none", "d"), monitor_); }, ErrorCode::not_found, {"none"});
  write_all(folder_ / "raw/a.txt", "no DICOM");
  write_all(folder_ / "raw/b.dcm", "");
  expect_error([&] { (void)prepare(options("raw", "d"), monitor_); }, ErrorCode::bad_input,
               {"raw", "expected CT series, found none", "2 files", "1 empty file", "1 not DICOM"});
  make_subject(folder_ / "bare", 1, false);
  expect_error([&] { (void)prepare(options("bare", "d"), monitor_); }, ErrorCode::bad_input,
               {"reading files", "1 no reading"});
  std::set<std::string> left;
  for (const auto& entry : fs::directory_iterator(folder_.path())) left.insert(entry.path().filename());
  EXPECT_EQ(left, (std::set<std::string>{"raw", "bare"}));
}

TEST_F(PrepareTest, RejectsAreListedAndDoNotStopTheRun) {
  make_subject(folder_ / "raw", 1);
  make_subject(folder_ / "raw", 2, false);
  write_all(folder_ / "raw/broken.xml", "<LidcReadMessage><ResponseHeader>");
  write_all(folder_ / "raw/notes.txt", "notes");
  const PrepareResult result = prepare(options("raw", "d"), monitor_);
  EXPECT_EQ(result.series, 1);
  EXPECT_EQ(result.rejects.at("no reading"), 1);
  int listed = 0;
  for (const auto& [reason, count] : result.rejects) listed += count;
  EXPECT_EQ(CsvTable::read(folder_ / "d/rejects.csv").rows(), static_cast<std::size_t>(listed));
  EXPECT_GE(listed, 3);
  EXPECT_EQ(Dataset::open(folder_ / "d").info().rejects, result.rejects);
}

TEST_F(PrepareTest, AnExistingTargetIsRefusedBeforeAnyWork) {
  write_all(folder_ / "d/thesis.txt", "years of work");
  PrepareOptions forced = options("raw", "d");
  expect_error([&] { (void)prepare(forced, monitor_); }, ErrorCode::exists, {"/d'"});
  forced.force = true;
  expect_error([&] { (void)prepare(forced, monitor_); }, ErrorCode::exists, {"/d'", "manifest.json"});
}

TEST_F(PrepareTest, AnnotationsNeedNoImages) {
  make_subject(folder_ / "raw", 1);
  for (const auto& entry : fs::directory_iterator(folder_ / "raw/LIDC-IDRI-0001")) {
    if (entry.path().extension() == ".dcm") fs::remove(entry.path());
  }
  AnnotationsOptions annotations;
  annotations.raw = {folder_ / "raw"};
  annotations.out = folder_ / "a";
  const AnnotationsResult result = prepare_annotations(annotations, monitor_);
  EXPECT_EQ(result.readings, 1);
  EXPECT_EQ(result.lesions.at_least_3mm_by_all, 1);
  const CsvTable nodules = CsvTable::read(folder_ / "a/nodules.csv");
  EXPECT_EQ(nodules.rows(), static_cast<std::size_t>(result.lesions.nodules + result.lesions.non_nodules));
  EXPECT_EQ(nodules.text(0, "spacing_assumed"), "1");
  EXPECT_EQ(read_manifest(folder_ / "a", "annotations", 1).command, "prepare");
  annotations.raw = {folder_ / "a"};
  annotations.out = folder_ / "b";
  expect_error([&] { (void)prepare_annotations(annotations, monitor_); }, ErrorCode::bad_input, {"reading files"});
}

}  // namespace
}  // namespace nodulus::data
