#include "nodulus/data/patch.h"

#include <gtest/gtest.h>

#include <cmath>

namespace nodulus::data {
namespace {

constexpr int rows = 20;
constexpr int columns = 30;

/// HU = 3 * column - 7 * row: linear, so that bilinear interpolation is exact.
std::vector<std::int16_t> plane() {
  std::vector<std::int16_t> hu;
  for (int y = 0; y < rows; ++y) {
    for (int x = 0; x < columns; ++x) hu.push_back(static_cast<std::int16_t>(30 * x - 70 * y));
  }
  return hu;
}

TEST(CutPatch, CopiesPixelsAroundTheCentre) {
  PatchFrame frame;
  frame.size = 4;
  frame.center_column = 10.4;
  frame.center_row = 7.6;
  const auto patch = cut_patch(plane(), rows, columns, frame);
  for (int y = 0; y < 4; ++y) {
    for (int x = 0; x < 4; ++x) {
      EXPECT_EQ(patch[static_cast<std::size_t>(4 * y + x)], 30 * (8 + x) - 70 * (6 + y));
    }
  }
}

TEST(CutPatch, BeyondTheEdgeIsPadding) {
  PatchFrame frame;
  frame.size = 6;
  frame.center_column = 29;
  frame.center_row = 0;
  const auto patch = cut_patch(plane(), rows, columns, frame);
  const auto mask = cut_mask([](int, int) { return std::uint8_t{3}; }, rows, columns, frame);
  for (int y = 0; y < 6; ++y) {
    for (int x = 0; x < 6; ++x) {
      const auto at = static_cast<std::size_t>(6 * y + x);
      const bool on_slice = x <= 3 && y >= 3;
      EXPECT_EQ(patch[at], on_slice ? 30 * (26 + x) - 70 * (y - 3) : -2048);
      EXPECT_EQ(mask[at], on_slice ? 3 : 0);
    }
  }
}

TEST(CutPatch, ResamplesALinearRampExactly) {
  PatchFrame frame;
  frame.size = 8;
  frame.center_column = 12.25;
  frame.center_row = 9.5;
  frame.column_spacing_mm = 0.8;
  frame.row_spacing_mm = 0.5;
  frame.spacing_mm = 0.4;
  const auto patch = cut_patch(plane(), rows, columns, frame);
  for (int y = 0; y < 8; ++y) {
    for (int x = 0; x < 8; ++x) {
      const double column = 12.25 + (x - 3.5) * 0.5;
      const double row = 9.5 + (y - 3.5) * 0.8;
      EXPECT_NEAR(patch[static_cast<std::size_t>(8 * y + x)], 30 * column - 70 * row, 0.5001);
    }
  }
}

TEST(CutPatch, PaddingOfTheScanIsNeverMixedIn) {
  std::vector<std::int16_t> hu(100, 50);
  for (std::size_t i = 0; i < 100; i += 10) std::fill_n(hu.begin() + static_cast<std::ptrdiff_t>(i), 5, -2048);
  PatchFrame frame;
  frame.size = 12;
  frame.center_column = frame.center_row = 4.5;
  frame.spacing_mm = 0.37;
  for (const std::int16_t value : cut_patch(hu, 10, 10, frame)) EXPECT_TRUE(value == 50 || value == -2048) << value;
}

TEST(CutMask, IsTheNearestPixel) {
  PatchFrame frame;
  frame.size = 9;
  frame.center_column = 12;
  frame.center_row = 9;
  frame.spacing_mm = 0.3;  // a slice's pixel is 1 mm
  const auto mask =
      cut_mask([](int column, int row) { return static_cast<std::uint8_t>(column == 12 && row == 9 ? 4 : 0); }, rows,
               columns, frame);
  for (int y = 0; y < 9; ++y) {
    for (int x = 0; x < 9; ++x) {
      const bool inside = std::abs((x - 4) * 0.3) < 0.5 && std::abs((y - 4) * 0.3) < 0.5;
      EXPECT_EQ(mask[static_cast<std::size_t>(9 * y + x)], inside ? 4 : 0);
    }
  }
}

}  // namespace
}  // namespace nodulus::data
