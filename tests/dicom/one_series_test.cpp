#include "nodulus/dicom/one_series.h"

#include <gtest/gtest.h>

#include <fstream>

#include "nodulus/dicom/synthetic.h"
#include "tests/support/expect_error.h"
#include "tests/support/temporary_folder.h"

namespace nodulus::dicom {
namespace {

using nodulus::test::expect_error;

/// Writes slices of 2x2 pixels as a scanner would, and opens them again.
class OneSeries : public ::testing::Test {
 protected:
  /// Slice at z mm of series `number`. `type`: ImageType.
  void write(int number, double z, const char* type = "ORIGINAL\\PRIMARY\\AXIAL", bool burned_in = false) {
    SyntheticStudy study;
    study.key = "a scan";
    SyntheticImage image;
    image.number = ++written_;
    image.rows = image.columns = 2;
    image.hu = hu_;
    image.place = SlicePlace{number, written_, {-10, -10, z}, {1, 0, 0, 0, 1, 0}, {0.7, 0.7}, 2.5};
    Object object = ct_image(study, image);
    object.text(0x00080008, "CS", type).text(0x00280301, "CS", burned_in ? "YES" : "NO");
    test::write_all(folder_ / ("scan/" + std::to_string(written_)), object.file());
    uids_[static_cast<std::size_t>(number)] =
        std::get<std::vector<SliceHeader>>(read_headers((folder_ / ("scan/" + std::to_string(written_))).string()))
            .front()
            .series_uid;
  }
  OrderedSeries open(const std::string& uid = "") {
    SilentMonitor monitor;
    return open_one_series(folder_ / "scan", {uid, "--insert-series"}, monitor);
  }

  nodulus::test::TemporaryFolder folder_;
  std::array<std::string, 3> uids_;
  int written_ = 0;
  std::array<std::int16_t, 4> hu_{-1000, 0, 40, 400};
};

TEST_F(OneSeries, TheOnlyOneIsTakenInItsOrder) {
  for (const double z : {5.0, 0.0, 2.5}) write(1, z);
  const OrderedSeries series = open();
  EXPECT_EQ(series.z_mm, (std::vector<double>{0, 2.5, 5}));
  EXPECT_EQ(series.uid, uids_[1]);
}

TEST_F(OneSeries, AmongSeveralOneIsNamed) {
  for (const int number : {1, 2})
    for (const double z : {0.0, 2.5}) write(number, z);
  expect_error([&] { open(); }, ErrorCode::usage, {"--insert-series", "found 2", uids_[1], uids_[2], "2 slices"});
  EXPECT_EQ(open(uids_[2]).uid, uids_[2]);
  expect_error([&] { open("1.2.3"); }, ErrorCode::usage, {"--insert-series", "1.2.3", uids_[1]});
}

TEST_F(OneSeries, AFolderWithoutASeriesSaysWhatIsInIt) {
  expect_error([&] { open(); }, ErrorCode::not_found, {"scan"});
  test::write_all(folder_ / "scan/note", "not an image");
  write(1, 0, "DERIVED\\SECONDARY\\AXIAL");
  expect_error([&] { open(); }, ErrorCode::bad_input,
               {"expected a CT series", "2 files", "1 derived image", "1 not DICOM"});
}

TEST_F(OneSeries, AnOrderThatIsNoneAndAGapAreRefused) {
  for (const double z : {0.0, 2.5, 5.0, 10.0, 12.5}) write(1, z);
  expect_error([&] { open(); }, ErrorCode::bad_input, {"every 2.500 mm", "from 5.000 to 10.000"});
  hu_[0] = 7;  // another image
  write(1, 2.5);
  expect_error([&] { open(); }, ErrorCode::bad_input, {"duplicate position", "2.500 mm"});
}

TEST_F(OneSeries, NamesInThePixelsAreRefused) {
  write(1, 0);
  write(1, 2.5, "ORIGINAL\\PRIMARY\\AXIAL", true);
  expect_error([&] { open(); }, ErrorCode::bad_input, {"BurnedInAnnotation", "scan/2"});
}

}  // namespace
}  // namespace nodulus::dicom
