#include "nodulus/data/import.h"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>

#include "nodulus/core/csv.h"
#include "nodulus/core/npy.h"
#include "nodulus/data/entries.h"
#include "nodulus/data/picture_reader.h"
#include "nodulus/data/zip_writer.h"
#include "tests/data/import_fixture.h"

namespace nodulus::data {
namespace {

namespace fs = std::filesystem;
using nodulus::test::read_all;
using nodulus::test::write_all;

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

TEST_F(ImportTest, TheSecondPassReadsMasksAndArraysAnew) {
  for (const auto& [name, bytes] : tabled()) put(name, bytes);
  put("images/0.png", text_of(encode_png(ramp(5, 4, 0))));
  put("readers/0.png", text_of(encode_png(Picture(5, 4, 1, 2))));
  put("items.csv", "file,patient,hu_gain,hu_offset\n0.png,P0,1,0\nb.png,P1,1,0\na.png,P2,1,0\n");
  const Dataset dataset = import();
  ASSERT_EQ(dataset.size(), 2);
  EXPECT_EQ(dataset.image(0)[3], 103);
  EXPECT_EQ(dataset.mask(0)[3], 1);
  EXPECT_EQ(dataset.mask(1)[3], 3);

  NpyWriter odd(folder_ / "source/images/0.npy", NpyType::int16, {2, 2});
  odd.append(std::span<const std::int16_t>(std::vector<std::int16_t>(4, 7)));
  odd.close();
  NpyWriter usual(folder_ / "source/images/1.npy", NpyType::int16, {4, 4});
  for (int i = 0; i < 3; ++i)
    usual.append(std::span<const std::int16_t>(std::vector<std::int16_t>(16, static_cast<std::int16_t>(i))));
  usual.close();
  fs::remove_all(folder_ / "source/readers");
  for (const char* file : {"images/0.png", "images/a.png", "images/b.png", "items.csv"})
    fs::remove(folder_ / "source" / file);
  const Dataset arrays = import();
  ASSERT_EQ(arrays.size(), 3);
  EXPECT_EQ(arrays.image(2)[15], 2);
  EXPECT_EQ(result_.rejects, (std::map<std::string, int>{{"wrong size", 1}}));
}

TEST_F(ImportTest, MasksAreFoundByTheirPath) {
  for (const char* patient : {"P1", "P2"}) {
    const std::string name = std::string(patient) + "/000.png";
    put("images/" + name, text_of(encode_png(ramp(4, 4, 0))));
    put("readers/" + name, text_of(encode_png(Picture(4, 4, 1, patient[1] == '1' ? 1 : 3))));
  }
  const Dataset dataset = import();
  ASSERT_EQ(dataset.size(), 2);
  EXPECT_EQ(dataset.mask(0)[0], 1);
  EXPECT_EQ(dataset.mask(1)[0], 3);
  fs::remove_all(folder_ / "source/readers/P2");
  EXPECT_EQ(import().size(), 1);  // not with the mask of P1
  EXPECT_EQ(result_.rejects, (std::map<std::string, int>{{"mask missing", 1}}));
  fs::remove_all(folder_ / "source/readers");
  fs::remove_all(options_.out);
  put("readers/000.png", text_of(encode_png(Picture(4, 4, 1, 1))));
  refused(ErrorCode::bad_input, {"readers/000.png", "images/P1/000.png", "images/P2/000.png"});
}

TEST_F(ImportTest, TablesMayNotBeDamagedOrSeveral) {
  ZipWriter zip(folder_ / "s.zip", false);
  for (const auto& [name, bytes] : tabled())
    zip.add(name, {reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
  zip.close();
  std::string archive = read_all(folder_ / "s.zip");
  archive[archive.find("-1000,0.7") + 1] = '9';  // the check sum of items.csv does not fit any more
  write_all(folder_ / "s.zip", archive);
  options_.source = folder_ / "s.zip";
  refused(ErrorCode::bad_input, {"s.zip, items.csv", "damaged archive entry"});
  options_.source = folder_ / "source";
  for (const auto& [name, bytes] : tabled()) {
    put("a/" + name, bytes);
    put("b/" + name, bytes);
  }
  refused(ErrorCode::usage, {"2 tables", "a/items.csv", "b/items.csv", "--csv"});
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
  EXPECT_EQ(content.said.find("hardly"), std::string::npos) << content.said;
  EXPECT_NE(content.said.find("HU are assumed, black -1000 and white 400"), std::string::npos) << content.said;
  put("items.csv", "file,patient,hu_gain,hu_offset\na.png,P1,1,0\nb.png,P2,1,0\nc.png,P3,1,0\n");
  KeepsWarnings known;
  (void)import_pictures(options_, known);
  EXPECT_EQ(known.said, "");
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

TEST_F(ImportTest, TwoMaskFoldersAreNotGuessedBetween) {
  for (const auto& [name, bytes] : tabled()) put(name, bytes);
  put("masks/a.png", text_of(encode_png(Picture(4, 4, 1, 2))));
  refused(ErrorCode::usage, {"'masks'", "'readers'", "--masks"});
  options_.masks = "readers";
  refused(ErrorCode::bad_input, {"items.csv, line 3", "'a.png' may be 'images/a.png' or 'masks/a.png'"});
  put("items.csv", "file,patient\nimages/a.png,P\n");
  EXPECT_EQ(import().mask(0)[0], 3);
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
