#include "nodulus/dicom/scan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "nodulus/core/error.h"
#include "nodulus/dicom/order.h"
#include "tests/dicom/fixtures.h"

namespace nodulus::dicom {
namespace {

Scan scan_fixtures(int threads = 1) {
  SilentMonitor monitor;
  ScanOptions options;
  options.threads = threads;
  return scan({fixture("scan")}, options, monitor);
}

TEST(Scan, FindsTheSeriesWhateverFilesAreCalled) {
  const Scan found = scan_fixtures();
  ASSERT_EQ(found.series.size(), 1u);
  EXPECT_EQ(found.series[0].files.size(), 6u);
  EXPECT_EQ(found.series[0].slices, 6);
  EXPECT_EQ(found.slices, 6);
  EXPECT_EQ(found.series[0].patient_id, "LIDC-IDRI-0001");
  EXPECT_TRUE(std::is_sorted(found.series[0].files.begin(), found.series[0].files.end()));
}

TEST(Scan, CountsWhatIsLeftOutByReason) {
  const Scan found = scan_fixtures();
  EXPECT_EQ(count_by_reason(found.rejects), (std::map<std::string, int>{{"localizer", 1},
                                                                        {"reformat", 1},
                                                                        {"derived image", 1},
                                                                        {"other modality", 1},
                                                                        {"secondary capture", 1},
                                                                        {"empty file", 1},
                                                                        {"truncated", 1},
                                                                        {"not DICOM", 1},
                                                                        {"DICOMDIR", 1}}));
  // Every file is a slice, a reject or XML; the link back to the folder adds none.
  EXPECT_EQ(found.files, 6 + 9 + 1);
}

TEST(Scan, HandsXmlBackByContent) {
  EXPECT_THAT(scan_fixtures().xml_files, testing::ElementsAre(testing::EndsWith("scan/marks")));
}

TEST(Scan, DoesNotDependOnThreadsOrOnRootsGivenTwice) {
  const Scan one = scan_fixtures(1);
  const Scan four = scan_fixtures(4);
  SilentMonitor monitor;
  const Scan twice = scan({fixture("scan"), fixture("scan/0"), fixture("scan/1/1.txt")}, {}, monitor);
  for (const Scan* other : {&four, &twice}) {
    ASSERT_EQ(other->series.size(), 1u);
    EXPECT_EQ(other->series[0].files, one.series[0].files);
    EXPECT_EQ(other->files, one.files);
    ASSERT_EQ(other->rejects.size(), one.rejects.size());
    for (std::size_t i = 0; i < one.rejects.size(); ++i) EXPECT_EQ(other->rejects[i].where, one.rejects[i].where);
  }
}

TEST(Scan, SingleFilesAreRootsToo) {
  SilentMonitor monitor;
  const Scan found = scan({bundled_slice()}, {}, monitor);
  ASSERT_EQ(found.series.size(), 1u);
  EXPECT_EQ(found.slices, 1);
}

TEST(Scan, DerivedImagesStayWhereAskedFor) {
  SilentMonitor monitor;
  ScanOptions options;
  options.accept_derived = true;
  const auto counts = count_by_reason(scan({fixture("scan")}, options, monitor).rejects);
  EXPECT_FALSE(counts.contains("derived image"));
  EXPECT_FALSE(counts.contains("reformat"));
  EXPECT_TRUE(counts.contains("localizer"));
}

TEST(Scan, ImagesThatHaveNoHuAreLeftOut) {
  SilentMonitor monitor;
  const Scan found = scan({fixture("bad")}, {}, monitor);
  EXPECT_TRUE(found.series.empty());
  EXPECT_EQ(count_by_reason(found.rejects),
            (std::map<std::string, int>{{"not an image in HU", 4}, {"no pixel data", 1}, {"truncated", 1}}));
}

TEST(Scan, AMissingRootIsAnError) {
  SilentMonitor monitor;
  try {
    scan({fixture("nowhere")}, {}, monitor);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::not_found);
    EXPECT_THAT(error.what(), testing::HasSubstr("nowhere"));
  }
}

TEST(Scan, StopsWhenAsked) {
  class Impatient : public Monitor {
    void note(std::string_view) override {}
    void warn(std::string_view) override {}
    void progress(const Progress&) override {}
    [[nodiscard]] bool stop_requested() const override { return true; }
  } monitor;
  try {
    scan({fixture("scan")}, {}, monitor);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::stopped);
  }
}

// From the folder to the order: instance numbers run the other way, names in no way at all.
TEST(Scan, SeriesIsOrderedByPosition) {
  const Scan found = scan_fixtures();
  const Ordering ordering = order_slices(found.series.at(0));
  ASSERT_TRUE(std::holds_alternative<OrderedSeries>(ordering));
  const auto& ordered = std::get<OrderedSeries>(ordering);
  ASSERT_EQ(ordered.slices.size(), 6u);
  for (std::size_t i = 0; i < 6; ++i) {
    EXPECT_DOUBLE_EQ(ordered.z_mm[i], -102.5 + 2.5 * static_cast<double>(i));
    EXPECT_EQ(ordered.slices[i].position_mm[2], ordered.z_mm[i]);
    EXPECT_EQ(ordered.slices[i].instance_number, static_cast<int>(i) + 1);
  }
  EXPECT_DOUBLE_EQ(ordered.slice_spacing_mm, 2.5);
  EXPECT_TRUE(ordered.regular());
  EXPECT_TRUE(ordered.findings.empty());
}

}  // namespace
}  // namespace nodulus::dicom
