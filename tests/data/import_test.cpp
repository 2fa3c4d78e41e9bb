#include "nodulus/data/import.h"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>

#include "nodulus/core/csv.h"
#include "nodulus/core/png.h"
#include "nodulus/data/dataset.h"
#include "nodulus/data/entries.h"
#include "nodulus/data/export_images.h"
#include "nodulus/data/loader.h"
#include "nodulus/data/picture_reader.h"
#include "nodulus/data/zip_writer.h"
#include "tests/data/fixtures.h"
#include "tests/support/expect_error.h"
#include "tests/support/temporary_folder.h"

namespace nodulus::data {
namespace {

namespace fs = std::filesystem;
using nodulus::test::expect_error;
using nodulus::test::read_all;
using nodulus::test::write_all;

std::string text_of(const std::vector<std::uint8_t>& bytes) { return {bytes.begin(), bytes.end()}; }

/// Pixel i is first + i.
Picture ramp(int width, int height, int first) {
  Picture picture(width, height, 1);
  for (std::size_t i = 0; i < picture.pixels.size(); ++i)
    picture.pixels[i] = static_cast<std::uint8_t>(first + static_cast<int>(i));
  return picture;
}

/// A ustar archive, put together by hand (POSIX 1003.1-1988, section 10.1.1).
std::string tar(const std::vector<std::pair<std::string, std::string>>& files) {
  std::string archive;
  for (const auto& [name, bytes] : files) {
    std::string header(512, '\0');
    header.replace(0, name.size(), name);
    header.replace(100, 7, "0000644");
    header.replace(108, 7, "0000000");
    header.replace(116, 7, "0000000");
    char size[13];
    std::snprintf(size, sizeof size, "%011o", static_cast<unsigned>(bytes.size()));
    header.replace(124, 11, size);
    header.replace(136, 11, "00000000000");
    header.replace(148, 8, "        ");
    header[156] = '0';
    header.replace(257, 5, "ustar");
    header.replace(263, 2, "00");
    unsigned sum = 0;
    for (const char c : header) sum += static_cast<unsigned char>(c);
    char checksum[8];
    std::snprintf(checksum, sizeof checksum, "%06o", sum);
    header.replace(148, 6, checksum);
    header[154] = '\0';
    archive += header + bytes + std::string((512 - bytes.size() % 512) % 512, '\0');
  }
  return archive + std::string(1024, '\0');
}

class ImportTest : public testing::Test {
 protected:
  ImportTest() {
    options_.source = folder_ / "source";
    options_.out = folder_ / "out";
  }
  void put(const std::string& name, const std::string& bytes) { write_all(folder_ / "source" / name, bytes); }
  Dataset import() {
    options_.force = true;
    SilentMonitor monitor;
    result_ = import_pictures(options_, monitor);
    return Dataset::open(options_.out);
  }
  void refused(ErrorCode code, const std::vector<std::string>& parts) {
    SilentMonitor monitor;
    expect_error([&] { (void)import_pictures(options_, monitor); }, code, parts);
    for (const auto& entry : fs::directory_iterator(folder_.path())) {
      EXPECT_NE(entry.path().filename().string()[0], '.') << entry.path();  // nothing half there
    }
  }
  /// Files of a table's set: two patients, masks, HU from gain and offset.
  std::vector<std::pair<std::string, std::string>> tabled() {
    return {{"images/a.png", text_of(encode_png(ramp(4, 4, 0)))},
            {"readers/a.png", text_of(encode_png(Picture(4, 4, 1, 3)))},
            {"images/b.png", text_of(encode_png(ramp(4, 4, 100)))},
            {"readers/b.png", text_of(encode_png(Picture(4, 4, 1, 1)))},
            {"items.csv",
             "file,patient,nodule,hu_gain,hu_offset,spacing_mm,readers,internalStructure,note\n"
             "b.png,LIDC-IDRI-0002,n1,8.5,-1000,0.7,3,1,x\n"
             "a.png,LIDC-IDRI-0001,n1,2,-500,0.6,4,,\"y, z\"\n"}};
  }
  nodulus::test::TemporaryFolder folder_;
  ImportOptions options_;
  ImportResult result_;
};

TEST_F(ImportTest, AFolderAZipAndATarGiveTheSameSet) {
  std::vector<std::string> hashes;
  for (const auto& [name, bytes] : tabled()) put(name, bytes);
  const Dataset dataset = import();
  ASSERT_EQ(dataset.size(), 2);
  EXPECT_EQ(dataset.item(0).patient, "LIDC-IDRI-0002");  // the table's order
  EXPECT_EQ(dataset.image(0)[3], static_cast<std::int16_t>(std::lround(8.5 * 103 - 1000)));
  EXPECT_EQ(dataset.image(1)[3], -494);
  EXPECT_EQ(dataset.mask(0)[5], 1);
  EXPECT_EQ(dataset.mask(1)[5], 3);
  EXPECT_EQ(dataset.label(0, "readers"), 3);
  EXPECT_EQ(dataset.label(0, "internal_structure"), 1);
  EXPECT_EQ(dataset.label(1, "internal_structure"), std::nullopt);
  EXPECT_EQ(dataset.item(1).labels[dataset.label_column("note")], "y, z");
  EXPECT_EQ(dataset.info().sources, std::vector<Source>{lidc_source()});
  EXPECT_EQ(dataset.nodules().rows(), 2u);
  hashes.push_back(dataset.hash());

  ZipWriter zip(folder_ / "s.zip", false);
  for (const auto& [name, bytes] : tabled())
    zip.add(name, {reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
  zip.close();
  options_.source = folder_ / "s.zip";
  hashes.push_back(import().hash());
  auto files = tabled();
  std::reverse(files.begin(), files.end());
  for (auto& file : files) file.first = "./top/" + file.first;
  write_all(folder_ / "s.tar", tar(files));
  options_.source = folder_ / "s.tar";
  options_.threads = 2;
  hashes.push_back(import().hash());
  EXPECT_EQ(hashes[1], hashes[0]);
  EXPECT_EQ(hashes[2], hashes[0]);
}

TEST_F(ImportTest, WithoutATableTheAssumedMappingIsStated) {
  put("b.png", text_of(encode_png(ramp(4, 4, 240))));
  put("a.jpg", text_of(encode_jpeg(std::vector<std::uint8_t>(16, 128), 4, 4, 100, "")));
  put("c.png", text_of(encode_png(Picture16{4, 4, std::vector<std::uint16_t>(16, 65535)})));
  options_.window_hu = {-1000, 275};  // 5 HU a grey level of 8 bits
  const Dataset dataset = import();
  ASSERT_EQ(dataset.size(), 3);
  EXPECT_EQ(dataset.image(0)[0], -360);
  EXPECT_EQ(dataset.image(1)[15], 275);
  EXPECT_EQ(dataset.image(2)[7], 275);
  EXPECT_FALSE(dataset.info().masks);
  EXPECT_NE(dataset.info().hu_note.find("assumed: grey 0 is -1000 HU"), std::string::npos) << dataset.info().hu_note;
  EXPECT_NE(dataset.item(0).patient, dataset.item(1).patient);
}

TEST_F(ImportTest, TheCutIsCentral) {
  put("a.png", text_of(encode_png(ramp(6, 6, 0))));
  put("b.png", text_of(encode_png(ramp(8, 6, 0))));
  put("c.png", text_of(encode_png(ramp(3, 6, 0))));
  options_.size = 4;
  options_.window_hu = {0, 255};
  const Dataset dataset = import();
  ASSERT_EQ(dataset.size(), 2);
  EXPECT_EQ(dataset.image(0)[0], 7);
  EXPECT_EQ(dataset.image(1)[0], 10);
  EXPECT_EQ(result_.rejects.at("smaller than the cut"), 1);
}

/// What an import says on the way.
class KeepsWarnings final : public Monitor {
 public:
  void note(std::string_view) override {}
  void warn(std::string_view line) override { said += std::string(line) + "\n"; }
  void progress(const Progress& progress) override { last_done = progress.done; }
  [[nodiscard]] bool stop_requested() const override { return false; }
  std::string said;
  std::int64_t last_done = 0;
};

TEST_F(ImportTest, TheMostCommonSizeIsTheRuleNotTheFirst) {
  put("a.png", text_of(encode_png(ramp(5, 4, 0))));
  put("b.png", text_of(encode_png(ramp(4, 4, 10))));
  put("c.png", text_of(encode_png(ramp(4, 4, 20))));
  options_.window_hu = {0, 255};
  KeepsWarnings monitor;
  result_ = import_pictures(options_, monitor);
  const Dataset dataset = Dataset::open(options_.out);
  ASSERT_EQ(dataset.size(), 2);
  EXPECT_EQ(dataset.image(0)[15], 25);
  EXPECT_EQ(dataset.image(1)[0], 20);
  EXPECT_EQ((std::map<std::string, int>{{"wrong size", 1}}), result_.rejects);
  EXPECT_EQ(monitor.last_done, 3);
  const CsvTable rejects = CsvTable::read(options_.out / "rejects.csv");
  EXPECT_EQ(rejects.text(0, "where"), "a.png");
  EXPECT_NE(rejects.text(0, "detail").find("expected 4x4, found 5x4"), std::string::npos);
}

TEST_F(ImportTest, ATableThatHardlyFitsIsSaid) {
  for (const char* name : {"a.png", "b.png", "c.png"}) put(name, text_of(encode_png(ramp(4, 4, 0))));
  put("items.csv", "file,patient\na.png,P1\n");
  KeepsWarnings monitor;
  (void)import_pictures(options_, monitor);
  EXPECT_NE(monitor.said.find("items.csv and the pictures hardly fit: 1 match, left out are 2 not in the table"),
            std::string::npos)
      << monitor.said;
  put("items.csv", "file,patient\na.png,P1\nb.png,P2\nc.png,P3\n");
  KeepsWarnings content;
  options_.force = true;
  (void)import_pictures(options_, content);
  EXPECT_EQ(content.said, "");
}

TEST_F(ImportTest, APreviewCountsAndWritesNothing) {
  for (const auto& [name, bytes] : tabled()) put(name, bytes);
  put("images/c.png", text_of(encode_png(ramp(4, 4, 0))));
  SilentMonitor monitor;
  const ImportPreview preview = preview_import(options_, monitor);
  EXPECT_EQ(preview.images, 2);
  EXPECT_TRUE(preview.masks);
  EXPECT_EQ(preview.rejects, (std::map<std::string, int>{{"not in the table", 1}}));
  EXPECT_FALSE(fs::exists(options_.out));
}

TEST_F(ImportTest, UnusablePicturesAreRejectedByName) {
  const std::string good = text_of(encode_png(ramp(4, 4, 0)));
  put("a.png", good);
  put("colour.png", [] {
    Picture picture(4, 4, 3);
    picture.pixels[1] = 9;
    return text_of(encode_png(picture));
  }());
  put("cut.png", good.substr(0, good.size() / 2));
  put("empty.png", "");
  put("large.png", text_of(encode_png(ramp(5, 4, 0))));
  put("text.jpg", "this is text");
  std::string damaged = good;
  damaged[damaged.size() - 20] = static_cast<char>(damaged[damaged.size() - 20] ^ 0x55);
  put("flipped.png", damaged);
  const std::string jpeg = text_of(encode_jpeg(std::vector<std::uint8_t>(16, 128), 4, 4, 90, ""));
  put("half.jpg", jpeg.substr(0, jpeg.size() / 2));
  put("bad.npy", "\x93NUMPY");
  const Dataset dataset = import();
  EXPECT_EQ(dataset.size(), 1);
  const std::map<std::string, int> expected{{"colour image", 1},  {"damaged JPEG", 1},  {"damaged PNG", 2},
                                            {"damaged array", 1}, {"not a picture", 2}, {"wrong size", 1}};
  EXPECT_EQ(result_.rejects, expected);
  const CsvTable rejects = CsvTable::read(options_.out / "rejects.csv");
  EXPECT_EQ(rejects.rows(), 8u);
  EXPECT_EQ(rejects.text(0, "where"), "bad.npy");
}

TEST_F(ImportTest, GrayStoredAsColourIsGray) {
  Picture picture(2, 2, 3, 77);
  put("a.png", text_of(encode_png(picture)));
  options_.window_hu = {0, 255};
  EXPECT_EQ(import().image(0)[3], 77);
}

TEST_F(ImportTest, TableAndFilesMustAgree) {
  for (const auto& [name, bytes] : tabled()) put(name, bytes);
  put("items.csv", "file,hu_gain,hu_offset\na.png,1,0\na.png,1,0\nnone.png,1,0\n");
  (void)import();
  const std::map<std::string, int> expected{{"named twice", 1}, {"file missing", 1}, {"not in the table", 1}};
  EXPECT_EQ(result_.rejects, expected);
  fs::remove_all(options_.out);
  put("items.csv", "flie,hu_gain,hu_offset\na.png,1,0\n");
  refused(ErrorCode::bad_input,
          {"items.csv", "expected a column 'file'", "found flie, hu_gain, hu_offset", "did you mean 'flie'"});
  put("items.csv", "file,hu_gain\na.png,1\n");
  refused(ErrorCode::bad_input, {"items.csv", "expected a column 'hu_offset'", "found file, hu_gain"});
  put("items.csv", "file,hu_gain,hu_offset\na.png,one,0\n");
  refused(ErrorCode::bad_input, {"items.csv, line 2, column 'hu_gain'", "'one'"});
}

TEST_F(ImportTest, MasksHoldReaderCounts) {
  for (const auto& [name, bytes] : tabled()) put(name, bytes);
  put("readers/a.png", text_of(encode_png(Picture(4, 4, 1, 9))));
  EXPECT_EQ(import().size(), 1);
  EXPECT_EQ(result_.rejects.at("mask value"), 1);
  put("readers/a.png", text_of(encode_png(Picture(4, 4, 1, 255))));
  EXPECT_EQ(import().mask(1)[0], 4);
  fs::remove(folder_ / "source/readers/a.png");
  EXPECT_EQ(import().size(), 1);
  EXPECT_EQ(result_.rejects.at("mask missing"), 1);
}

TEST_F(ImportTest, PathsOutOfAnArchiveAndDuplicatesAreRejected) {
  const std::string good = text_of(encode_png(ramp(4, 4, 0)));
  write_all(folder_ / "s.tar",
            tar({{"a.png", good}, {"../b.png", good}, {"/c.png", good}, {"d/../../e.png", good}, {"a.png", good}}));
  options_.source = folder_ / "s.tar";
  EXPECT_EQ(import().size(), 1);
  const std::map<std::string, int> expected{{"duplicate name", 1}, {"path escapes the archive", 3}};
  EXPECT_EQ(result_.rejects, expected);
  EXPECT_FALSE(fs::exists(folder_ / "b.png"));
  EXPECT_FALSE(escapes("a/..b/c.png"));
}

TEST_F(ImportTest, NothingUsableIsAnErrorAndLeavesNothing) {
  refused(ErrorCode::not_found, {"source"});
  fs::create_directory(folder_ / "source");
  refused(ErrorCode::bad_input, {"source", "PNG, JPEG or .npy", "none"});
  put("a.png", "no picture");
  refused(ErrorCode::bad_input, {"no picture could be used", "1 not a picture", "the first: a.png: "});
  EXPECT_FALSE(fs::exists(options_.out));
  write_all(folder_ / "s.zip", "no zip");
  options_.source = folder_ / "s.zip";
  refused(ErrorCode::bad_input, {"s.zip", "expected a folder, a zip or a tar"});
  write_all(folder_ / "s.zip", "");
  refused(ErrorCode::bad_input, {"s.zip", "expected a folder, a zip or a tar"});
}

TEST_F(ImportTest, AnArchiveThatBreaksOffIsAnError) {
  const std::string whole = tar(tabled());
  write_all(folder_ / "s.tar", whole.substr(0, 700));
  options_.source = folder_ / "s.tar";
  refused(ErrorCode::bad_input, {"s.tar"});
}

TEST_F(ImportTest, AnExistingTargetStays) {
  put("a.png", text_of(encode_png(ramp(4, 4, 0))));
  const std::string before = import().hash();
  options_.force = false;
  put("b.png", text_of(encode_png(ramp(4, 4, 5))));
  refused(ErrorCode::exists, {"out", "--force"});
  EXPECT_EQ(Dataset::open(options_.out).hash(), before);
}

TEST_F(ImportTest, WhatIsExportedComesBack) {
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

TEST_F(ImportTest, StyleGansZipGoesOutAndComesIn) {
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
               {"items.csv", "'malignancy'", "whole number"});
  EXPECT_EQ(import().label(3, "class"), 4);  // the old zip is whole
}

TEST_F(ImportTest, PicturesOfGeneratedImagesSaySo) {
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
      fs::remove(exported.out / "manifest.json");
      EXPECT_EQ(import().synthetic(), synthetic) << format;  // by the pictures alone
      const std::string outline = read_all(exported.out / "readers" / "000000.png");
      EXPECT_EQ(outline.find("Synthetic") != std::string::npos, synthetic) << format;
      const std::string bytes = read_all(exported.out / "images" / (format == "jpeg" ? "000000.jpg" : "000000.png"));
      EXPECT_EQ(bytes.find("Synthetic") != std::string::npos, synthetic) << format;
    }
  }
}

TEST_F(ImportTest, TwoMaskFoldersAreNotGuessedBetween) {
  for (const auto& [name, bytes] : tabled()) put(name, bytes);
  put("masks/a.png", text_of(encode_png(Picture(4, 4, 1, 2))));
  refused(ErrorCode::usage, {"'masks'", "'readers'", "--masks"});
  options_.masks = "readers";
  refused(ErrorCode::bad_input, {"items.csv, line 3", "'a.png' may be 'images/a.png' or 'masks/a.png'"});
  put("items.csv", "file,patient\nimages/a.png,P\n");
  EXPECT_EQ(import().mask(0)[0], 3);
}

TEST_F(ImportTest, GeneratedOutlinesComeBackAsTheConsensus) {
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

TEST_F(ImportTest, StyleGansLabelsMayBeMissing) {
  put("dataset.json", "{\"labels\": null}");
  put("00000/img00000000.png", text_of(encode_png(ramp(4, 4, 0))));
  EXPECT_EQ(import().size(), 1);
  put("dataset.json", "{\"labels\": [[\"00000/img00000000.png\", \"two\"]]}");
  fs::remove_all(options_.out);
  refused(ErrorCode::bad_input, {"dataset.json", "'labels'", "numbers"});
}

}  // namespace
}  // namespace nodulus::data
