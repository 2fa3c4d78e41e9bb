#include "nodulus/data/export_dicom.h"

#include <gmock/gmock.h>

#include "nodulus/core/csv.h"
#include "nodulus/core/files.h"
#include "nodulus/core/manifest.h"
#include "nodulus/core/npy.h"
#include "nodulus/dicom/slice.h"
#include "tests/support/expect_error.h"
#include "tests/support/temporary_folder.h"

namespace nodulus::data {
namespace {

namespace fs = std::filesystem;
using nodulus::test::expect_error;

class ExportDicom : public ::testing::Test {
 protected:
  void SetUp() override {
    images_ = folder_ / "images";
    make_folder(images_);
    out_ = empty("dicom");
    NpyWriter images(images_ / "images.npy", NpyType::int16, {2, 2});
    images.append(std::span<const std::int16_t>(std::vector<std::int16_t>{-1000, 0, 40, 400}));
    images.append(std::span<const std::int16_t>(std::vector<std::int16_t>{-900, 1, 41, 300}));
    images.close();
    NpyWriter masks(images_ / "masks.npy", NpyType::uint8, {2, 2});
    masks.append(std::span<const std::uint8_t>(std::vector<std::uint8_t>{0, 1, 1, 0}));
    masks.append(std::span<const std::uint8_t>(std::vector<std::uint8_t>{0, 0, 0, 0}));
    masks.close();
    write_items("malignancy=5; spacing_mm=0.6");
    write_manifest_of(true);
  }

  [[nodiscard]] fs::path empty(const std::string& name) const {
    make_folder(folder_ / name);
    return folder_ / name;
  }
  void write_items(const std::string& condition) {
    CsvWriter items(images_ / "items.csv", {"file", "model", "seed", "condition"});
    items.row(std::vector<std::string>{"png/000000.png", "/home/somebody/models/lung/2", "7", condition});
    items.row(std::vector<std::string>{"png/000001.png", "/home/somebody/models/lung", "8", ""});
    items.close();
  }
  void write_manifest_of(bool synthetic, const std::string& command = "generate", const std::string& inpaint = "") {
    Manifest manifest;
    manifest.kind = "images";
    manifest.command = command;
    manifest.options = {{"window_hu", {-1000, 400}}, {"model", "/home/somebody/models/lung/2"}, {"inpaint", inpaint}};
    manifest.synthetic = synthetic;
    write_manifest(images_, manifest);
  }
  void write_record(const std::string& label) {
    write_json(
        images_ / "record.json",
        {{"view", {{"downsample", 2}, {"size", 2}}},
         {"conditions",
          {{{"name", label},
            {"unit", "mm"},
            {"kind", "number"},
            {"meaning", "pixel size"},
            {"known", 3},
            {"words", Json::object()},
            {"values",
             {{{"number", 0.5}, {"name", ""}, {"cases", 1}}, {{"number", 0.7}, {"name", ""}, {"cases", 2}}}}}}}});
  }

  [[nodiscard]] CsvTable table() const { return CsvTable::read(out_ / "items.csv"); }

  nodulus::test::TemporaryFolder folder_;
  fs::path images_;
  fs::path out_;
  DicomExportOptions options_;
  SilentMonitor monitor_;
};

TEST_F(ExportDicom, EveryImageIsAFileAndEveryOutlineThatThereIs) {
  options_.spacing_mm = 0.8;
  const DicomExportResult result = export_dicom(images_, out_, options_, monitor_);
  EXPECT_EQ(result.images, 2);
  EXPECT_EQ(result.outlines, 1);
  EXPECT_TRUE(fs::exists(out_ / "outlines/000000.dcm"));
  EXPECT_FALSE(fs::exists(out_ / "outlines/000001.dcm"));
  const auto headers = dicom::read_headers((out_ / "images/000001.dcm").string());
  const auto& header = std::get<std::vector<dicom::SliceHeader>>(headers).at(0);
  EXPECT_THAT(dicom::read_slice(header).hu, ::testing::ElementsAre(-900, 1, 41, 300));
  EXPECT_EQ(table().text(1, "sop_instance_uid"), header.sop_uid);
  EXPECT_EQ(table().text(0, "seed"), "7");
  EXPECT_EQ(header.spacing_mm[1], 0.8);
}

TEST_F(ExportDicom, NamesNoFolderOfThisMachine) {
  options_.spacing_mm = 0.8;
  write_items("malignancy=5; between /home/somebody/latent/ and 7 at 0.5");
  export_dicom(images_, out_, options_, monitor_);
  for (const char* const file : {"images/000000.dcm", "outlines/000000.dcm"}) {
    const std::string bytes = nodulus::test::read_all(out_ / file);
    EXPECT_THAT(bytes, ::testing::HasSubstr("model lung; seed 7; malignancy=5; between latent and 7"));
    EXPECT_THAT(bytes, ::testing::Not(::testing::HasSubstr("somebody")));
  }
}

TEST_F(ExportDicom, APixelIsAsLargeAsItWasAskedForAndElseAsTheModelsUsually) {
  write_record("spacing");
  export_dicom(images_, out_, options_, monitor_);
  EXPECT_DOUBLE_EQ(table().number(0, "spacing_mm"), 1.2);  // half the pixels of the scans, 0.6 mm
  EXPECT_DOUBLE_EQ(table().number(1, "spacing_mm"), 1.4);
}

TEST_F(ExportDicom, ASizeThatNobodyKnowsIsNotGuessed) {
  expect_error([&] { export_dicom(images_, out_, options_, monitor_); }, ErrorCode::usage, {"--spacing-mm"});
  write_record("diameter");
  out_ = empty("again");
  expect_error([&] { export_dicom(images_, out_, options_, monitor_); }, ErrorCode::usage, {"--spacing-mm"});
}

TEST_F(ExportDicom, RealImagesAreRefused) {
  write_manifest_of(false);
  options_.spacing_mm = 0.8;
  expect_error([&] { export_dicom(images_, out_, options_, monitor_); }, ErrorCode::usage,
               {"expected generated images"});
}

TEST_F(ExportDicom, SoAreThoseThatAreRealInPartOrMadeLikeARealOne) {
  options_.spacing_mm = 0.8;
  write_manifest_of(true, "generate", "dataset/");
  expect_error([&] { check(images_, options_); }, ErrorCode::usage, {"--inpaint"});
  write_manifest_of(true, "project");
  expect_error([&] { check(images_, options_); }, ErrorCode::usage, {"`project`"});
}

TEST_F(ExportDicom, TheSameAgainIsTheSame) {
  options_.spacing_mm = 0.8;
  export_dicom(images_, out_, options_, monitor_);
  const std::string first = nodulus::test::read_all(out_ / "images/000000.dcm");
  out_ = empty("again");
  export_dicom(images_, out_, options_, monitor_);
  EXPECT_EQ(nodulus::test::read_all(out_ / "images/000000.dcm"), first);
  options_.burn_in = true;
  out_ = empty("other");
  export_dicom(images_, out_, options_, monitor_);
  const std::string other = table().text(0, "sop_instance_uid");
  EXPECT_EQ(first.find(other), std::string::npos) << "another object needs another UID";
}

}  // namespace
}  // namespace nodulus::data
