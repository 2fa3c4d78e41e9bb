#include "nodulus/data/export_images.h"

#include <gtest/gtest.h>

#include <map>

#include "nodulus/core/csv.h"
#include "nodulus/core/manifest.h"
#include "nodulus/core/npy.h"
#include "nodulus/data/loader.h"
#include "tests/data/fixtures.h"
#include "tests/data/import_fixture.h"

namespace nodulus::data {
namespace {

namespace fs = std::filesystem;
using nodulus::test::expect_error;
using nodulus::test::read_all;

using ExportTest = ImportTest;

TEST_F(ExportTest, WhatIsExportedComesBack) {
  SilentMonitor monitor;
  const Dataset original = Dataset::open(test::make_dataset(folder_ / "original", 5, 8));
  for (const auto& [format, tolerance] :
       std::map<std::string, double>{{"png16", 0}, {"npy", 0}, {"png8", 3.25}, {"jpeg", 40}}) {
    ExportOptions exported;
    exported.source = folder_ / "original";
    exported.out = folder_ / ("pictures-" + format);
    exported.format = format;
    exported.quality = 100;
    EXPECT_EQ(export_images(exported, monitor).images, 10);
    options_.source = exported.out;
    const Dataset back = import();
    ASSERT_EQ(back.size(), 10) << format;
    for (std::int64_t i = 0; i < 10; ++i) {
      EXPECT_EQ(back.item(i).patient, original.item(i).patient);
      EXPECT_EQ(back.label(i, "malignancy"), original.label(i, "malignancy"));
      for (std::size_t p = 0; p < 64; ++p) {
        EXPECT_NEAR(back.image(i)[p], original.image(i)[p], tolerance) << format;
        EXPECT_EQ(back.mask(i)[p], original.mask(i)[p]) << format;
      }
    }
  }
}

TEST_F(ExportTest, StyleGansZipGoesOutAndComesIn) {
  SilentMonitor monitor;
  const Dataset original = Dataset::open(test::make_dataset(folder_ / "original", 5, 8));
  ExportOptions exported;
  exported.source = folder_ / "original";
  exported.out = folder_ / "s.zip";
  exported.format = "stylegan2-ada";
  exported.label = "readers";
  KeepsWarnings warned;
  EXPECT_FALSE(export_images(exported, warned).masks);  // the format has no place for them
  EXPECT_NE(warned.said.find("no patients"), std::string::npos);
  options_.source = exported.out;
  const Dataset back = import();
  ASSERT_EQ(back.size(), 10);
  EXPECT_EQ(back.item(0).patient, "00000/img00000000.png");
  EXPECT_EQ(back.label(3, "class"), 4);
  EXPECT_NEAR(back.image(3)[9], original.image(3)[9], 3.25);
  expect_error([&] { (void)export_images(exported, monitor); }, ErrorCode::exists, {"s.zip", "--force"});
  ExportOptions misnamed = exported;
  misnamed.out = folder_ / "folder";
  expect_error([&] { (void)export_images(misnamed, monitor); }, ErrorCode::usage, {".zip", "folder'"});
  exported.label = "malignancy";  // unknown for some
  exported.force = true;
  expect_error([&] { (void)export_images(exported, monitor); }, ErrorCode::bad_input,
               {"items.csv", "'malignancy'", "number"});
  EXPECT_EQ(import().label(3, "class"), 4);  // the old zip is whole
}

TEST_F(ExportTest, PicturesOfGeneratedImagesSaySo) {
  SilentMonitor monitor;
  for (const bool synthetic : {true, false}) {
    const fs::path set = folder_ / (synthetic ? "generated" : "real");
    test::make_dataset(set, 1, 8, true, synthetic);
    for (const std::string format : {"png8", "png16", "jpeg", "npy", "stylegan2-ada"}) {
      ExportOptions exported;
      exported.source = set;
      exported.out = set.string() + format + (format == "stylegan2-ada" ? ".zip" : "");
      exported.format = format;
      EXPECT_EQ(export_images(exported, monitor).synthetic, synthetic);
      options_.source = exported.out;
      EXPECT_EQ(import().synthetic(), synthetic) << format;  // the mark comes back in
      if (format == "npy" || format == "stylegan2-ada") continue;
      const std::string outline = read_all(exported.out / "readers" / "000000.png");
      EXPECT_EQ(outline.find("Synthetic") != std::string::npos, synthetic) << format;
      fs::remove(exported.out / "manifest.json");
      fs::remove_all(exported.out / "readers");
      EXPECT_EQ(import().synthetic(), synthetic) << format;  // by the pictures' own marks
      const std::string bytes = read_all(exported.out / "images" / (format == "jpeg" ? "000000.jpg" : "000000.png"));
      EXPECT_EQ(bytes.find("Synthetic") != std::string::npos, synthetic) << format;
    }
  }
}

TEST_F(ExportTest, GeneratedOutlinesComeBackAsTheConsensus) {
  // What generate writes, in small: two images with outlines of 0 and 1, no labels.
  const fs::path images = folder_ / "images";
  fs::create_directory(images);
  NpyWriter pixels(images / "images.npy", NpyType::int16, {2, 2});
  NpyWriter outlines(images / "masks.npy", NpyType::uint8, {2, 2});
  CsvWriter items(images / "items.csv", {"file", "model", "seed"});
  for (int i = 0; i < 2; ++i) {
    pixels.append(std::span<const std::int16_t>(std::vector<std::int16_t>{-800, 40, 40, -800}));
    outlines.append(std::span<const std::uint8_t>(std::vector<std::uint8_t>{0, 1, 1, 0}));
    items.row(std::vector<std::string>{"", "run", std::to_string(i)});
  }
  pixels.close();
  outlines.close();
  items.close();
  Manifest manifest;
  manifest.kind = "images";
  manifest.synthetic = true;
  write_manifest(images, manifest);
  ExportOptions exported;
  exported.source = images;
  exported.out = folder_ / "pictures";
  SilentMonitor monitor;
  (void)export_images(exported, monitor);
  options_.source = exported.out;
  options_.split = {1, 0};
  const Dataset back = import();
  EXPECT_TRUE(back.synthetic());
  const Loader loader(back, {.mask_channel = true});
  std::vector<float> out(8);
  loader.batch(std::vector<std::uint64_t>{0}, out);
  EXPECT_EQ(std::vector<float>(out.begin() + 4, out.end()), (std::vector<float>{-1, 1, 1, -1}));
  exported.split = "train";
  exported.out = folder_ / "other";
  expect_error([&] { (void)export_images(exported, monitor); }, ErrorCode::usage, {"has no splits", "'train'"});
}

}  // namespace
}  // namespace nodulus::data
