#include "nodulus/data/insertion.h"

#include <gtest/gtest.h>

#include <cmath>

#include "nodulus/dicom/slice.h"
#include "tests/support/expect_error.h"

namespace nodulus::data {
namespace {

constexpr int side = 96;

/// Nine slices of 96x96, 0.7 mm between pixels (0.9 between rows where `uneven`), 2.5 mm between slices.
dicom::OrderedSeries nine_slices(bool uneven = false) {
  std::vector<dicom::SliceHeader> headers;
  for (int i = 0; i < 9; ++i) {
    dicom::SliceHeader h;
    h.path = "slice" + std::to_string(i);
    h.sop_uid = "1.2." + std::to_string(i);
    h.series_uid = "1.9";
    h.rows = h.columns = side;
    h.spacing_mm = {uneven ? 0.9 : 0.7, 0.7};
    h.orientation = {1, 0, 0, 0, 1, 0};
    h.position_mm = {0, 0, 2.5 * i};
    headers.push_back(h);
  }
  return std::get<dicom::OrderedSeries>(dicom::order_headers("1.9", headers));
}

const NoduleBall ball{{33.6, 33.6, 10}, 12};  // the middle of column 48, row 48, slice 4
const PatchScale own_pixels{64, 0.7};

TEST(Insertion, ABallHasTheSectionsOfASphere) {
  const auto sections = sections_of(nine_slices(), ball, own_pixels);
  ASSERT_EQ(sections.size(), 5);  // 2.5 and 5 mm from the middle, not 7.5
  for (std::size_t i = 0; i < sections.size(); ++i) {
    EXPECT_EQ(sections[i].slice, i + 2);
    const double height = 2.5 * (static_cast<double>(i) - 2);
    EXPECT_NEAR(sections[i].diameter_mm, 2 * std::sqrt(36 - height * height), 1e-9);
    EXPECT_GT(sections[i].region_mm, sections[i].diameter_mm / 2);
    EXPECT_NEAR(sections[i].frame.center_column, 48, 1e-9);
  }
  // Between two slices, and smaller than their step: the nearest one has it all the same.
  const auto small = sections_of(nine_slices(), {{33.6, 33.6, 11.2}, 2}, own_pixels);
  ASSERT_EQ(small.size(), 1);
  EXPECT_EQ(small[0].slice, 4);
  EXPECT_EQ(small[0].diameter_mm, 2);
}

TEST(Insertion, WhatDoesNotFitIsRefusedWithTheLargestThatDoes) {
  nodulus::test::expect_error(
      [] {
        (void)sections_of(nine_slices(), {ball.at_mm, 40}, own_pixels);
      },
      ErrorCode::usage, {"diameter", "at most 29.7 mm", "found 40 mm"});
  EXPECT_FALSE(sections_of(nine_slices(), {ball.at_mm, 29.7}, own_pixels).empty());
}

class Blend : public ::testing::TestWithParam<bool> {};
INSTANTIATE_TEST_SUITE_P(Pixels, Blend, ::testing::Bool());

TEST_P(Blend, OnlyPixelsOfTheRegionChange) {
  const bool uneven = GetParam();
  const auto series = nine_slices(uneven);
  const PatchScale scale{64, uneven ? 0.6 : 0.7};
  const NoduleSection section = sections_of(series, ball, scale)[2];
  std::vector<std::int16_t> slice(side * side);
  for (int i = 0; i < side * side; ++i) slice[static_cast<std::size_t>(i)] = static_cast<std::int16_t>(-900 + i % 97);
  const std::size_t padded = 48 * side + 50;
  slice[padded] = dicom::kPaddingHu;
  const std::vector<std::int16_t> before = slice;
  const std::vector<std::int16_t> patch(64 * 64, 40);
  const std::int64_t changed = blend(section, patch, side, side, slice);
  std::int64_t different = 0;
  for (int y = 0; y < side; ++y) {
    for (int x = 0; x < side; ++x) {
      const auto at = static_cast<std::size_t>(y * side + x);
      const double row_mm = (uneven ? 0.9 : 0.7) * y - 33.6;
      const double distance = std::hypot(0.7 * x - 33.6, row_mm);
      different += slice[at] != before[at];
      if (distance >= section.region_mm || at == padded) {
        ASSERT_EQ(slice[at], before[at]) << x << ", " << y;
      } else if (distance <= section.region_mm - section.feather_mm) {
        ASSERT_EQ(slice[at], 40) << x << ", " << y;
      } else {
        ASSERT_GE(slice[at], before[at]) << x << ", " << y;
        ASSERT_LE(slice[at], 40) << x << ", " << y;
      }
    }
  }
  EXPECT_EQ(changed, different);
  const double area = 3.14159 * section.region_mm * section.region_mm / (0.7 * (uneven ? 0.9 : 0.7));
  EXPECT_NEAR(static_cast<double>(changed), area, 0.1 * area);
}

// A patch that was cut out and put back is what was there.
TEST_P(Blend, ThePatchItselfChangesNothing) {
  const bool uneven = GetParam();
  const auto series = nine_slices(uneven);
  const NoduleSection section = sections_of(series, ball, {64, uneven ? 0.6 : 0.7})[2];
  std::vector<std::int16_t> slice(side * side);
  for (int y = 0; y < side; ++y)
    for (int x = 0; x < side; ++x)
      slice[static_cast<std::size_t>(y * side + x)] = static_cast<std::int16_t>(-900 + 5 * x + 3 * y);  // a plane
  const std::vector<std::int16_t> before = slice;
  const auto patch = cut_patch(slice, side, side, section.frame);
  blend(section, patch, side, side, slice);
  for (std::size_t i = 0; i < slice.size(); ++i) ASSERT_NEAR(slice[i], before[i], uneven ? 1 : 0) << i;
}

TEST(Insertion, RegionAndOutlineLieOnOneAnother) {
  const NoduleSection section = sections_of(nine_slices(), ball, own_pixels)[2];
  const std::vector<std::uint8_t> region = region_of(section);
  const std::vector<std::uint8_t> mask = outline_on_slice(section, std::vector<std::uint8_t>(64 * 64, 4), side, side);
  std::size_t in_region = 0;
  std::size_t in_mask = 0;
  for (const std::uint8_t one : region) in_region += one;
  for (const std::uint8_t one : mask) in_mask += one;
  EXPECT_EQ(in_region, in_mask);
  EXPECT_EQ(mask[48 * side + 48], 1);
  EXPECT_EQ(mask[0], 0);
}

}  // namespace
}  // namespace nodulus::data
