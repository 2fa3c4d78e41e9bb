#include "nodulus/data/inspect.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/data/fixtures.h"
#include "tests/support/expect_error.h"
#include "tests/support/temporary_folder.h"

namespace nodulus::data {
namespace {

TEST(Inspect, CountsWhatIsThere) {
  const nodulus::test::TemporaryFolder folder;
  test::make_dataset(folder / "d", 10, 8);
  SilentMonitor monitor;
  InspectOptions options;
  options.dataset = folder / "d";
  options.out = folder / "look";
  options.images = 4;
  options.window_hu = WindowHu{63, 500};
  const Inspection result = inspect(options, monitor);
  EXPECT_EQ(result.hu_min, 0);
  EXPECT_EQ(result.hu_max, 19 * 7 + 63);
  // Image k holds k * 7 + 0..63: below 63 lie 63 pixels of image 0, 56 of image 1, ... 7 of image 8.
  EXPECT_DOUBLE_EQ(result.below_window, (63 + 56 + 49 + 42 + 35 + 28 + 21 + 14 + 7) / 1280.0);
  EXPECT_EQ(result.above_window, 0);
  std::int64_t pixels = 0;
  for (const std::int64_t count : result.hu_histogram) pixels += count;
  EXPECT_EQ(pixels, 20 * 64);
  // Readers 0 to 4 in turn on half of each image.
  EXPECT_EQ(result.pixels_by_readers, (std::array<std::int64_t, 5>{20 * 32 + 4 * 32, 128, 128, 128, 128}));
  const LabelFigures& malignancy = result.labels[1];
  EXPECT_EQ(malignancy.known, 13);
  std::int64_t items = 0;
  for (const auto& [value, by_split] : malignancy.by_value) items += by_split[0] + by_split[1] + by_split[2];
  EXPECT_EQ(items, 13);
  EXPECT_EQ(result.spacing_mm, (std::array<double, 3>{0.7, 0.7, 0.7}));
  EXPECT_EQ(result.shown.size(), 4u);
  for (const std::int64_t item : result.shown) {  // the larger mask of the nodule's two images
    EXPECT_NE(item % 5, 0);
  }
  EXPECT_THAT(text_of(result), testing::HasSubstr("5 highly suspicious"));
  EXPECT_THAT(text_of(result), testing::HasSubstr("63 to 500 HU"));
  const Json json = read_json(folder / "look/inspect.json");
  EXPECT_EQ(json["counts"]["images"], 20);
  EXPECT_EQ(json["hu"]["window"], (Json{63, 500}));
  EXPECT_EQ(json["synthetic"], false);
  EXPECT_TRUE(std::filesystem::exists(folder / "look/contact_sheet.png"));
  EXPECT_TRUE(std::filesystem::exists(folder / "look/hu_histogram.png"));
  nodulus::test::expect_error([&] { (void)inspect(options, monitor); }, ErrorCode::exists, {"look"});
}

TEST(Inspect, PicturesOfGeneratedImagesSaySo) {
  const nodulus::test::TemporaryFolder folder;
  SilentMonitor monitor;
  for (const bool synthetic : {true, false}) {
    InspectOptions options;
    options.dataset = test::make_dataset(folder / (synthetic ? "generated" : "real"), 2, 8, true, synthetic);
    options.out = folder / (synthetic ? "look-generated" : "look-real");
    const Inspection result = inspect(options, monitor);
    EXPECT_EQ(result.synthetic, synthetic);
    EXPECT_EQ(text_of(result).find("SYNTHETIC") != std::string::npos, synthetic);
    EXPECT_EQ(read_manifest(options.out, "inspection", 1).synthetic, synthetic);
    for (const char* picture : {"contact_sheet.png", "hu_histogram.png"}) {
      const std::string bytes = nodulus::test::read_all(options.out / picture);
      EXPECT_EQ(bytes.find("Synthetic") != std::string::npos, synthetic) << picture;
    }
  }
}

}  // namespace
}  // namespace nodulus::data
