#include "nodulus/core/contact_sheet.h"

#include <gtest/gtest.h>

#include <array>

#include "nodulus/core/error.h"

namespace nodulus {
namespace {

TEST(ContactSheet, PlacesCellsWindowsGrayAndDrawsOutlines) {
  const std::vector<std::int16_t> dark(16, -2000);
  const std::vector<std::int16_t> half(16, -300);  // the middle of [-1000, 400]
  std::vector<std::uint8_t> mask(16, 0);
  mask[5] = mask[6] = mask[9] = mask[10] = 4;  // the middle 2 x 2
  const std::vector<SheetCell> cells{{dark, {}}, {half, mask}, {dark, {}}};
  SheetOptions options;
  options.columns = 2;
  options.scale = 3;
  options.gap = 2;
  options.outlines = {{4, {255, 0, 0}}};
  const Picture sheet = contact_sheet(cells, 4, 4, options);
  EXPECT_EQ(sheet.width, 2 * 12 + 3 * 2);
  EXPECT_EQ(sheet.height, 2 * 12 + 3 * 2);
  const auto rgb = [&](int x, int y) { return Rgb{sheet.at(x, y)[0], sheet.at(x, y)[1], sheet.at(x, y)[2]}; };
  EXPECT_EQ(rgb(0, 0), options.background);
  EXPECT_EQ(rgb(2, 2), (Rgb{0, 0, 0}));
  EXPECT_EQ(rgb(16, 2), (Rgb{128, 128, 128}));
  EXPECT_EQ(rgb(16 + 3, 2 + 3), (Rgb{255, 0, 0}));      // the region's corner pixel
  EXPECT_EQ(rgb(16 + 5, 2 + 5), (Rgb{128, 128, 128}));  // inside it
  EXPECT_EQ(rgb(16 + 2, 2 + 3), (Rgb{128, 128, 128}));  // just outside
  EXPECT_EQ(rgb(16, 16), options.background);           // the empty fourth cell
}

TEST(ContactSheet, IsALandscapeWithFewCellsEmpty) {
  const std::vector<std::int16_t> image(16, 0);
  SheetOptions options;
  options.scale = 1;
  options.gap = 0;
  for (const auto& [count, columns, rows] :
       std::vector<std::array<int, 3>>{{1, 1, 1}, {2, 2, 1}, {24, 6, 4}, {48, 8, 6}, {64, 8, 8}, {7, 4, 2}}) {
    const std::vector<SheetCell> cells(static_cast<std::size_t>(count), SheetCell{image, {}});
    const Picture sheet = contact_sheet(cells, 4, 4, options);
    EXPECT_EQ(sheet.width, 4 * columns) << count;
    EXPECT_EQ(sheet.height, 4 * rows) << count;
  }
}

TEST(ContactSheet, RefusesCellsOfAnotherSize) {
  const std::vector<std::int16_t> image(12, 0);
  const std::vector<SheetCell> cells{{image, {}}};
  EXPECT_THROW((void)contact_sheet(cells, 4, 4), Error);
  EXPECT_THROW((void)contact_sheet({}, 4, 4), Error);
}

}  // namespace
}  // namespace nodulus
