#include "nodulus/dicom/place.h"

#include <gtest/gtest.h>

#include "nodulus/core/error.h"
#include "tests/support/expect_error.h"

namespace nodulus::dicom {
namespace {

using nodulus::test::expect_error;

/// `count` slices of 40 columns and 30 rows, 0.5 mm between columns and 0.8 mm between rows.
OrderedSeries stack_in_space(const std::array<double, 6>& orientation, double z, double step, int count = 5) {
  std::vector<SliceHeader> headers;
  for (int i = 0; i < count; ++i) {
    SliceHeader h;
    h.path = "slice" + std::to_string(i);
    h.sop_uid = "1.2." + std::to_string(i);
    h.series_uid = "1.9";
    h.columns = 40;
    h.rows = 30;
    h.spacing_mm = {0.8, 0.5};
    h.orientation = orientation;
    h.position_mm = {-10, 20, z + step * i};
    headers.push_back(h);
  }
  return std::get<OrderedSeries>(order_headers("1.9", headers));
}

TEST(Place, APointIsFoundByPositionSpacingAndOrientation) {
  const OrderedSeries series = stack_in_space({1, 0, 0, 0, 1, 0}, 100, 2);
  EXPECT_EQ(nearest_slice(series, {-5, 24, 104.9}), 2U);
  EXPECT_EQ(nearest_slice(series, {-5, 24, 105.1}), 3U);
  const SlicePoint at = on_slice(series.slices[2], {-5, 24, 104.9});
  EXPECT_DOUBLE_EQ(at.column, 10);  // 5 mm of 0.5
  EXPECT_DOUBLE_EQ(at.row, 5);      // 4 mm of 0.8
  EXPECT_NEAR(height_above(series, 2, {-5, 24, 104.9}), 0.9, 1e-9);
}

// A patient lying on the face: rows run to the right, columns to the front, and the normal is still +z.
TEST(Place, TurnedSlicesAreReadTheirWay) {
  const OrderedSeries series = stack_in_space({-1, 0, 0, 0, -1, 0}, 100, 2);
  const SlicePoint at = on_slice(series.slices[1], {-15, 16, 102});
  EXPECT_DOUBLE_EQ(at.column, 10);
  EXPECT_DOUBLE_EQ(at.row, 5);
  EXPECT_EQ(nearest_slice(series, {-15, 16, 102}), 1U);
}

// Rows to the back, columns to the left: x and y change places, and the normal is -z, so that slices go downwards.
TEST(Place, FlippedSlicesAreReadTheirWay) {
  const OrderedSeries series = stack_in_space({0, 1, 0, 1, 0, 0}, 100, 2);
  EXPECT_DOUBLE_EQ(series.normal[2], -1);
  EXPECT_DOUBLE_EQ(series.slices[0].position_mm[2], 108);
  const std::size_t slice = nearest_slice(series, {-6, 25, 106.2});
  EXPECT_EQ(slice, 1U);
  const SlicePoint at = on_slice(series.slices[slice], {-6, 25, 106.2});
  EXPECT_DOUBLE_EQ(at.column, 10);  // 5 mm in y
  EXPECT_DOUBLE_EQ(at.row, 5);      // 4 mm in x
  EXPECT_NEAR(height_above(series, 1, {-6, 25, 106.2}), -0.2, 1e-9);
}

TEST(Place, APointOutsideIsRefusedWithTheVolumesRanges) {
  const OrderedSeries series = stack_in_space({1, 0, 0, 0, 1, 0}, 100, 2);
  const std::string ranges = "x -10.0 to 9.5, y 20.0 to 43.2, z 100.0 to 108.0 mm";
  EXPECT_EQ(nearest_slice(series, {-10.24, 19.7, 99.1}), 0U);  // less than half a pixel and half a step beyond
  EXPECT_EQ(nearest_slice(series, {9.7, 43.5, 108.9}), 4U);
  for (const PatientPoint& point :
       {PatientPoint{-10.3, 30, 104}, PatientPoint{9.8, 30, 104}, PatientPoint{0, 19.5, 104},
        PatientPoint{0, 43.7, 104}, PatientPoint{0, 30, 98.9}, PatientPoint{0, 30, 109.1}})
    expect_error([&] { (void)nearest_slice(series, point); }, ErrorCode::usage, {"--at", ranges});
}

TEST(Place, OtherPlanesThanTheAxialAreRefused) {
  EXPECT_NO_THROW(check_axial(stack_in_space({1, 0, 0, 0, 1, 0}, 100, 2)));
  EXPECT_NO_THROW(check_axial(stack_in_space({0, -1, 0, 1, 0, 0}, 100, 2)));
  for (const std::array<double, 6>& orientation :
       {std::array<double, 6>{1, 0, 0, 0, 0.9962, 0.0872},  // tilted by 5 degrees
        std::array<double, 6>{1, 0, 0, 0, 0, -1}}) {
    OrderedSeries series;
    series.slices.resize(1);
    series.slices[0].path = "slice0";
    series.slices[0].orientation = orientation;
    expect_error([&] { check_axial(series); }, ErrorCode::bad_input, {"expected axial slices", "slice0"});
  }
}

}  // namespace
}  // namespace nodulus::dicom
