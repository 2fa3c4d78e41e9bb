#include "nodulus/lidc/geometry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "nodulus/lidc/table.h"
#include "xml_builder.h"

namespace nodulus::lidc {
namespace {

using namespace test;

TEST(AssumedGeometry, SliceSpacingIsTheUsualStepWithinMarks) {
  std::string rois;
  for (const double z : {1.25, 2.5, 3.75, 6.25}) rois += roi(z, around(5, 5, 9, 9));  // One slice skipped.
  const Reading reading = reading_of(message(session(nodule("n", ratings() + rois) + small_nodule("s", 30, 4, 4))));
  const ScanGeometry geometry = assumed_geometry(reading);
  EXPECT_TRUE(geometry.assumed);
  EXPECT_NEAR(geometry.slice_spacing_mm, 1.25, 1e-12);
  EXPECT_EQ(geometry.column_spacing_mm, kAssumedPixelSpacingMm);
  ASSERT_EQ(geometry.slices.size(), 5u);
  EXPECT_EQ(geometry.slices[0].z_mm, 1.25);
  EXPECT_EQ(geometry.slices[4].sop_uid, uid_at(30));
}

TEST(AssumedGeometry, WithoutAMarkOnTwoSlicesTheSpacingIsAssumedToo) {
  const Reading reading = reading_of(message(session(small_nodule("s", 30, 4, 4) + small_nodule("t", 90, 4, 4))));
  EXPECT_EQ(assumed_geometry(reading).slice_spacing_mm, kAssumedSliceSpacingMm);
  EXPECT_EQ(assumed_geometry(reading, 0.5).row_spacing_mm, 0.5);
  EXPECT_TRUE(assumed_geometry(reading_of(message(session("")))).slices.empty());
}

TEST(AssumedGeometry, OfSeveralPositionsOfAnImageTheMostFrequentCounts) {
  std::string wrong = small_nodule("typo", 30, 4, 4);
  wrong.replace(wrong.find("30.000000"), 9, "-140.8500");
  const Reading reading =
      reading_of(message(session(wrong) + session(small_nodule("a", 30, 4, 4)) + session(small_nodule("b", 30, 4, 4))));
  const ScanGeometry geometry = assumed_geometry(reading);
  ASSERT_EQ(geometry.slices.size(), 1u);
  EXPECT_EQ(geometry.slices[0].z_mm, 30);
}

TEST(SeriesGeometry, TakesSpacingOriginAndSlicesFromTheSeries) {
  dicom::OrderedSeries series;
  series.slice_spacing_mm = 2.5;
  for (int i = 0; i < 3; ++i) {
    dicom::SliceHeader header;
    header.sop_uid = "1.2." + std::to_string(i);
    header.columns = 512;
    header.rows = 256;
    header.spacing_mm = {0.8, 0.6};
    header.position_mm = {-160, -170, i * 2.5};
    series.slices.push_back(header);
    series.z_mm.push_back(i * 2.5);
  }
  const ScanGeometry geometry = series_geometry(series);
  EXPECT_FALSE(geometry.assumed);
  EXPECT_EQ(geometry.row_spacing_mm, 0.8) << "PixelSpacing gives rows first";
  EXPECT_EQ(geometry.column_spacing_mm, 0.6);
  EXPECT_EQ(geometry.slice_spacing_mm, 2.5);
  EXPECT_EQ(geometry.columns, 512);
  EXPECT_EQ(geometry.rows, 256);
  EXPECT_EQ(geometry.origin_mm, (std::array<double, 2>{-160, -170}));
  const SliceIndex index(geometry);
  EXPECT_EQ(index.find("1.2.1", 0), 1);
  EXPECT_EQ(index.find("1.2.9", 0), -1);
}

TEST(SliceIndex, FramesOfOneImageAreToldApartByPosition) {
  ScanGeometry geometry;
  geometry.slices = {{"1.2", 0}, {"1.2", 2.5}, {"1.2", 5}};
  EXPECT_EQ(SliceIndex(geometry).find("1.2", 2.4), 1);
}

/// The bundled reading of LIDC-IDRI-0001. Its counts are those that TCIA publishes for the subject (the collection's
/// table of nodule counts: 4 nodules, 1 of them >= 3 mm, 3 of them < 3 mm); all four readers outlined the large one.
TEST(BundledReading, HasThePublishedCounts) {
  const std::filesystem::path file = std::filesystem::path(NODULUS_SOURCE_DIR) / "data/lidc-idri-0001/069.xml";
  const auto result = read_reading(file);
  ASSERT_TRUE(std::holds_alternative<Reading>(result)) << std::get<Reject>(result).detail;
  const auto& reading = std::get<Reading>(result);
  EXPECT_EQ(reading.series_uid, "1.3.6.1.4.1.14519.5.2.1.6279.6001.179049373636438705059720603192");
  EXPECT_EQ(reading.sessions.size(), 4u);
  EXPECT_TRUE(reading.left_out.empty());
  ScanGeometry geometry = assumed_geometry(reading);
  EXPECT_NEAR(geometry.slice_spacing_mm, 2.5, 1e-9);
  geometry.column_spacing_mm = geometry.row_spacing_mm = 0.703125;
  const NoduleList list = find_nodules(reading, geometry);
  LesionCounts counts;
  counts.add(list.nodules);
  EXPECT_EQ(counts.nodules, 4);
  EXPECT_EQ(counts.at_least_3mm, 1);
  EXPECT_EQ(counts.at_least_3mm_by_all, 1);
  for (const Nodule& lesion : list.nodules) {
    if (lesion.size_class != SizeClass::nodule) continue;
    EXPECT_EQ(lesion.characteristics[8].values, (std::vector<int>{5, 5, 5, 4}));
    EXPECT_EQ(lesion.characteristics[8].most_frequent, 5);
    EXPECT_EQ(lesion.characteristics[6].values, (std::vector<int>{4, 5, 3, 5}));
    EXPECT_GT(lesion.diameter_mm, lesion.equivalent_diameter_mm);
    // Pixels that two of the four readers hold, slice by slice, as scipy's binary_fill_holes makes them of the edge
    // maps.
    std::vector<std::int64_t> pixels;
    for (const NoduleSlice& slice : lesion.slices) pixels.push_back(slice.consensus.count());
    EXPECT_THAT(pixels, ::testing::ElementsAre(262, 665, 790, 924, 889, 785, 660, 453, 0));
  }
}

}  // namespace
}  // namespace nodulus::lidc
