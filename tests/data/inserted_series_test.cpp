#include "nodulus/data/inserted_series.h"

#include <gmock/gmock.h>

#include <set>

#include "nodulus/core/csv.h"
#include "nodulus/core/files.h"
#include "nodulus/core/manifest.h"
#include "nodulus/core/npy.h"
#include "nodulus/dicom/attributes.h"
#include "nodulus/dicom/scan.h"
#include "nodulus/dicom/slice.h"
#include "nodulus/dicom/synthetic.h"
#include "tests/support/expect_error.h"
#include "tests/support/temporary_folder.h"

namespace nodulus::data {
namespace {

namespace fs = std::filesystem;

constexpr int rows = 40;
constexpr int columns = 48;
constexpr int size = 24;
constexpr int slices = 7;

/// Stops when it was asked `times` times.
class StoppingMonitor final : public Monitor {
 public:
  explicit StoppingMonitor(int times) : left_(times) {}
  void note(std::string_view) override {}
  void warn(std::string_view) override {}
  void progress(const Progress&) override {}
  [[nodiscard]] bool stop_requested() const override { return --left_ < 0; }

 private:
  mutable int left_;
};

/// A scan of a patient on the face (rows to the right, columns to the front), whose positions have many digits, and two
/// nodules that were drawn into it.
class InsertedSeries : public ::testing::Test {
 protected:
  void SetUp() override {
    make_folder(folder_ / "scan");
    for (int i = 0; i < slices; ++i) write_slice(i);
    source_ = series_in(folder_ / "scan");
    for (int i = 0; i < 2; ++i) {
      InsertedNodule nodule;
      nodule.ball = {{150 - 0.7 * 24, 171.69999694824 - 0.8 * 20, -100.25 + 2 * 3}, i == 0 ? 5.0 : 3.0};
      nodule.sections = sections_of(source_, nodule.ball, {size, 0.7});
      nodule.first_image = images_;
      images_ += static_cast<std::int64_t>(nodule.sections.size());
      nodules_.push_back(nodule);
    }
    write_images();
    make_folder(folder_ / "out");
  }

  static std::int16_t hu_at(int slice, int i) {
    return i % 50 == 3 ? dicom::kPaddingHu : static_cast<std::int16_t>(-1024 + (i * 7 + slice * 13) % 3000);
  }

  void write_slice(int i) const {
    std::vector<std::int16_t> hu(static_cast<std::size_t>(rows) * columns);
    for (int at = 0; at < rows * columns; ++at) hu[static_cast<std::size_t>(at)] = hu_at(i, at);
    dicom::SyntheticStudy study;
    study.key = "the scan";
    study.model = "A SCANNER";
    dicom::SyntheticImage image;
    image.number = i + 1;
    image.rows = rows;
    image.columns = columns;
    image.hu = hu;
    image.description = "OF A PATIENT";
    image.place =
        dicom::SlicePlace{3, 100 - i, {150, 171.69999694824, -100.25 + 2 * i}, {-1, 0, 0, 0, -1, 0}, {0.8, 0.7}, 1.25};
    write_text(folder_ / "scan" / std::to_string(i), dicom::ct_image(study, image).file());
  }

  static dicom::OrderedSeries series_in(const fs::path& folder) {
    SilentMonitor monitor;
    dicom::ScanOptions options;
    options.accept_derived = true;
    const dicom::Scan found = dicom::scan({folder}, options, monitor);
    EXPECT_EQ(found.series.size(), 1U) << folder;
    return std::get<dicom::OrderedSeries>(dicom::order_slices(found.series.at(0)));
  }

  void write_images() const {
    const fs::path images = folder_ / "images";
    make_folder(images);
    NpyWriter hu(images / "images.npy", NpyType::int16, {size, size});
    NpyWriter masks(images / "masks.npy", NpyType::uint8, {size, size});
    CsvWriter items(images / "items.csv", {"file", "model", "seed", "condition"});
    for (std::int64_t i = 0; i < images_; ++i) {
      hu.append(std::span<const std::int16_t>(std::vector<std::int16_t>(size * size, 4000)));  // none of the scan's
      masks.append(std::span<const std::uint8_t>(std::vector<std::uint8_t>(size * size, i < 2 ? 1 : 0)));
      items.row(std::vector<std::string>{"", "/home/somebody/models/lung/2", "7", "diameter_mm=5"});
    }
    hu.close();
    masks.close();
    items.close();
    Manifest manifest;
    manifest.kind = "images";
    manifest.command = "generate";
    manifest.options = {
        {"window_hu", {-1000, 400}}, {"model", "/home/somebody/models/lung/2"}, {"insert", "/home/scan"}};
    manifest.synthetic = true;
    write_manifest(images, manifest);
  }

  InsertedSeriesResult write(bool outlines = true) {
    SilentMonitor monitor;
    return write_inserted(folder_ / "images", folder_ / "out", source_, nodules_, {"2.25", outlines}, monitor);
  }

  [[nodiscard]] dicom::Attributes attributes(const fs::path& file) const {
    return dicom::Attributes::read(std::get<dicom::Layout>(dicom::find_layout(file.string())));
  }

  nodulus::test::TemporaryFolder folder_;
  dicom::OrderedSeries source_;
  std::vector<InsertedNodule> nodules_;
  std::int64_t images_ = 0;
};

TEST_F(InsertedSeries, IsTheScanButForTheRegions) {
  ASSERT_EQ(nodules_[0].sections.size(), 3U);
  const InsertedSeriesResult result = write();
  EXPECT_EQ(result.slices, 2 * slices);
  EXPECT_EQ(result.changed, images_);
  for (std::size_t n = 0; n < 2; ++n) {
    const dicom::OrderedSeries made = series_in(folder_ / "out" / ("00000" + std::to_string(n)));
    ASSERT_EQ(made.slices.size(), source_.slices.size());
    std::size_t at = 0;
    for (std::size_t i = 0; i < made.slices.size(); ++i) {
      const dicom::SliceHeader& old = source_.slices[i];
      const dicom::SliceHeader& now = made.slices[i];
      EXPECT_EQ(now.position_mm, old.position_mm);  // to the last digit
      EXPECT_EQ(now.orientation, old.orientation);
      EXPECT_EQ(now.spacing_mm, old.spacing_mm);
      EXPECT_EQ(now.slice_thickness_mm, old.slice_thickness_mm);
      EXPECT_EQ(now.instance_number, old.instance_number);
      const auto& sections = nodules_[n].sections;
      const bool changes = at < sections.size() && sections[at].slice == i;
      const std::vector<std::int16_t> before = dicom::read_slice(old).hu;
      const std::vector<std::int16_t> after = dicom::read_slice(now).hu;
      std::int64_t different = 0;
      for (std::size_t p = 0; p < before.size(); ++p) {
        if (before[p] == after[p]) continue;
        ++different;
        ASSERT_TRUE(changes) << "slice " << i;
        ASSERT_NE(before[p], dicom::kPaddingHu);
        const double x = static_cast<double>(p % columns) - sections[at].frame.center_column;
        const double y = static_cast<double>(p / columns) - sections[at].frame.center_row;
        ASSERT_LT(std::hypot(0.7 * x, 0.8 * y), sections[at].region_mm);
      }
      EXPECT_EQ(different > 20, changes) << "slice " << i;
      at += changes ? 1 : 0;
    }
  }
}

TEST_F(InsertedSeries, HasNothingElseOfTheScan) {
  write();
  std::set<std::string> known;
  for (const dicom::SliceHeader& h : source_.slices)
    known.insert({h.sop_uid, h.series_uid, h.study_uid, h.frame_of_reference_uid, h.patient_id});
  std::set<std::string> series;
  for (const char* const name : {"000000", "000001"}) {
    for (const dicom::SliceHeader& h : series_in(folder_ / "out" / name).slices) {
      for (const std::string& one : {h.sop_uid, h.series_uid, h.study_uid, h.frame_of_reference_uid, h.patient_id})
        EXPECT_FALSE(known.contains(one)) << one;
      series.insert(h.series_uid);
      EXPECT_EQ(h.image_type.at(0), "DERIVED");
      const dicom::Attributes all = attributes(h.path);
      EXPECT_EQ(all.text(0x0008001c), "YES");
      EXPECT_EQ(all.text(0x00189004), "RESEARCH");
      EXPECT_THAT(all.text(0x00100010), ::testing::StartsWith("SYNTHETIC^"));
      EXPECT_THAT(all.text(0x00082111),
                  ::testing::StartsWith("Synthetic: a real scan into which a nodule was inserted"));
      const std::string bytes = nodulus::test::read_all(h.path);
      for (const char* const word : {"A SCANNER", "OF A PATIENT", "somebody", "/home"})
        EXPECT_EQ(bytes.find(word), std::string::npos) << word;
    }
  }
  EXPECT_EQ(series.size(), 2U);
}

TEST_F(InsertedSeries, OutlinesAreAFrameASliceThatHasOne) {
  EXPECT_EQ(write().outlines, 1);
  EXPECT_FALSE(fs::exists(folder_ / "out/000001-outline.dcm"));
  const dicom::Attributes all = attributes(folder_ / "out/000000-outline.dcm");
  const auto frames = all.items(0x52009230);
  ASSERT_EQ(frames.size(), 2U);
  EXPECT_EQ(all.integer(0x00280008), 2);
  const dicom::OrderedSeries made = series_in(folder_ / "out/000000");
  for (std::size_t i = 0; i < 2; ++i) {
    const dicom::SliceHeader& slice = made.slices[nodules_[0].sections[i].slice];
    EXPECT_EQ(frames[i].items(0x00209113).at(0).decimals(0x00200032),
              std::vector<double>(slice.position_mm.begin(), slice.position_mm.end()));
    EXPECT_EQ(frames[i].items(0x00089124).at(0).items(0x00082112).at(0).text(0x00081155), slice.sop_uid);
  }
  EXPECT_EQ(all.items(0x00081115).at(0).text(0x0020000e), made.uid);
  EXPECT_EQ(all.text(0x00200052), made.slices[0].frame_of_reference_uid);
  std::error_code ignored;
  fs::remove_all(folder_ / "out", ignored);
  make_folder(folder_ / "out");
  EXPECT_EQ(write(false).outlines, 0);
}

TEST_F(InsertedSeries, TheTableTellsWhatChanged) {
  write();
  const CsvTable table = CsvTable::read(folder_ / "out/items.csv");
  ASSERT_EQ(static_cast<std::int64_t>(table.rows()), images_);
  EXPECT_EQ(table.text(0, "file"), "000000/000002.dcm");
  EXPECT_EQ(table.number(1, "z_mm"), source_.z_mm[3]);
  EXPECT_EQ(table.number(1, "asked_diameter_mm"), 5);
  const double outlined = table.number(1, "outlined_diameter_mm");
  EXPECT_GT(outlined, 0);
  EXPECT_LT(outlined, 20);
  EXPECT_GT(table.integer(1, "changed_pixels"), 50);
  EXPECT_EQ(table.text(1, "sop_instance_uid"), series_in(folder_ / "out/000000").slices[3].sop_uid);
}

TEST_F(InsertedSeries, StopsBetweenSlices) {
  StoppingMonitor monitor(3);
  nodulus::test::expect_error(
      [&] { write_inserted(folder_ / "images", folder_ / "out", source_, nodules_, {}, monitor); }, ErrorCode::stopped,
      {"stopped"});
  nodules_.pop_back();  // images.npy has more than are asked for
  SilentMonitor silent;
  nodulus::test::expect_error(
      [&] { write_inserted(folder_ / "images", folder_ / "out", source_, nodules_, {}, silent); }, ErrorCode::bad_input,
      {"sections", "24x24"});
}

}  // namespace
}  // namespace nodulus::data
