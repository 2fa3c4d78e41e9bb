#include "nodulus/dicom/order.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <random>

#include "tests/dicom/fixtures.h"

namespace nodulus::dicom {
namespace {

SliceHeader slice_at(double z, int number = 0) {
  SliceHeader h;
  h.path = "slice" + std::to_string(number);
  h.sop_uid = "1.2." + std::to_string(number);
  h.series_uid = "1.9";
  h.patient_id = "P";
  h.rows = 64;
  h.columns = 48;
  h.position_mm = {-100, -120, z};
  h.orientation = {1, 0, 0, 0, 1, 0};
  h.spacing_mm = {0.7, 0.7};
  h.slice_thickness_mm = 1.25;
  return h;
}

std::vector<SliceHeader> stack_of(int count, double step) {
  std::vector<SliceHeader> headers;
  for (int i = 0; i < count; ++i) headers.push_back(slice_at(-300 + step * i, i));
  return headers;
}

OrderedSeries ordered(std::vector<SliceHeader> headers) {
  Ordering ordering = order_headers("1.9", std::move(headers));
  if (const auto* rejects = std::get_if<std::vector<Reject>>(&ordering)) {
    ADD_FAILURE() << rejects->front().reason << ": " << rejects->front().detail;
    return {};
  }
  return std::get<OrderedSeries>(std::move(ordering));
}

std::vector<std::string> reasons(std::vector<SliceHeader> headers) {
  const Ordering ordering = order_headers("1.9", std::move(headers));
  std::vector<std::string> found;
  if (const auto* rejects = std::get_if<std::vector<Reject>>(&ordering)) {
    for (const Reject& reject : *rejects) found.push_back(reject.reason);
  }
  return found;
}

std::vector<std::string> findings(const OrderedSeries& series) {
  std::vector<std::string> found;
  for (const Reject& finding : series.findings) found.push_back(finding.reason);
  return found;
}

TEST(Order, IsByPositionNotByNumberOrName) {
  auto headers = stack_of(20, 2.5);
  for (std::size_t i = 0; i < headers.size(); ++i) headers[i].instance_number = 100 - static_cast<int>(i);
  std::shuffle(headers.begin(), headers.end(), std::mt19937(3));
  const OrderedSeries series = ordered(headers);
  ASSERT_EQ(series.slices.size(), 20u);
  for (std::size_t i = 0; i < 20; ++i) {
    EXPECT_DOUBLE_EQ(series.z_mm[i], -300 + 2.5 * static_cast<double>(i));
    EXPECT_EQ(series.slices[i].sop_uid, "1.2." + std::to_string(i));
  }
  EXPECT_DOUBLE_EQ(series.slice_spacing_mm, 2.5);
  EXPECT_EQ(series.normal, (std::array<double, 3>{0, 0, 1}));
  EXPECT_TRUE(series.regular());
  EXPECT_TRUE(series.findings.empty());
}

// Rows towards -x and columns towards +y (a patient lying on the face): the normal is -z.
TEST(Order, FollowsTheNormal) {
  auto headers = stack_of(4, 2.0);
  for (auto& h : headers) h.orientation = {-1, 0, 0, 0, 1, 0};
  const OrderedSeries series = ordered(headers);
  EXPECT_EQ(series.slices.front().sop_uid, "1.2.3");
  EXPECT_DOUBLE_EQ(series.z_mm.front(), 294.0);
}

TEST(Order, CoronalSlicesGoAlongY) {
  auto headers = stack_of(3, 0);
  for (std::size_t i = 0; i < 3; ++i) {
    headers[i].orientation = {1, 0, 0, 0, 0, -1};  // Normal: x cross -z = +y.
    headers[i].position_mm = {0, 10.0 - 3.0 * static_cast<double>(i), 0};
  }
  const OrderedSeries series = ordered(headers);
  EXPECT_DOUBLE_EQ(series.slice_spacing_mm, 3.0);
  EXPECT_EQ(series.slices.front().sop_uid, "1.2.2");
}

// Gantry tilt of 20 degrees, table steps of 5 mm along z: the distance of the planes is 5 cos 20.
TEST(Order, GantryTiltShortensTheStepAndIsNamed) {
  const double tilt = 20.0 * M_PI / 180.0;
  auto headers = stack_of(12, 5.0);
  for (auto& h : headers) h.orientation = {1, 0, 0, 0, std::cos(tilt), -std::sin(tilt)};
  const OrderedSeries series = ordered(headers);
  EXPECT_NEAR(series.slice_spacing_mm, 5.0 * std::cos(tilt), 1e-9);
  EXPECT_TRUE(series.regular());
  EXPECT_THAT(findings(series), testing::ElementsAre("sheared stack"));
}

TEST(Order, AGapIsNamedAndDoesNotRefuseTheSeries) {
  auto headers = stack_of(10, 2.5);
  headers.erase(headers.begin() + 4);
  const OrderedSeries series = ordered(headers);
  EXPECT_DOUBLE_EQ(series.slice_spacing_mm, 2.5);
  ASSERT_EQ(series.gaps.size(), 1u);
  EXPECT_EQ(series.gaps[0].after, 3);
  EXPECT_DOUBLE_EQ(series.gaps[0].from_mm, -292.5);
  EXPECT_DOUBLE_EQ(series.gaps[0].to_mm, -287.5);
  EXPECT_DOUBLE_EQ(series.gaps[0].step_mm, 5.0);
  EXPECT_THAT(findings(series), testing::ElementsAre("gap"));
  EXPECT_THAT(series.findings[0].detail, testing::HasSubstr("5.000 mm"));
  EXPECT_FALSE(series.regular());
}

TEST(Order, RoundedPositionsAreNotGaps) {
  std::vector<SliceHeader> headers;
  for (int i = 0; i < 50; ++i) headers.push_back(slice_at(std::round(i * 62.5) / 100.0, i));  // 0.63, 0.62, ...
  EXPECT_TRUE(ordered(headers).regular());
}

TEST(Order, RefusesTwoImagesAtOnePlace) {
  auto headers = stack_of(5, 2.5);
  headers.push_back(slice_at(-295.0, 9));
  EXPECT_THAT(reasons(headers), testing::ElementsAre("duplicate position"));
}

TEST(Order, RefusesMixtures) {
  const auto changed = [](auto&& change) {
    auto headers = stack_of(5, 2.5);
    change(headers[2]);
    return reasons(std::move(headers));
  };
  EXPECT_THAT(changed([](SliceHeader& h) { h.rows = 128; }), testing::ElementsAre("mixed sizes"));
  EXPECT_THAT(changed([](SliceHeader& h) { h.orientation = {0, 1, 0, 0, 0, -1}; }),
              testing::ElementsAre("mixed orientations"));
  EXPECT_THAT(changed([](SliceHeader& h) { h.spacing_mm = {0.7, 0.8}; }), testing::ElementsAre("mixed spacing"));
  EXPECT_THAT(changed([](SliceHeader& h) { h.patient_id = "Q"; }), testing::ElementsAre("mixed patients"));
  EXPECT_THAT(changed([](SliceHeader& h) { h.frame_of_reference_uid = "1.5"; }),
              testing::ElementsAre("mixed frames of reference"));
  EXPECT_THAT(changed([](SliceHeader& h) { h.geometry_problem = "no ImagePositionPatient"; }),
              testing::ElementsAre("no position"));
  EXPECT_THAT(changed([](SliceHeader& h) { h.spacing_mm = {0.70001, 0.7}; }), testing::IsEmpty());
}

TEST(Order, SeveralAcquisitions) {
  // Step and shoot: each slice its own number, one after the other.
  auto headers = stack_of(6, 2.5);
  for (std::size_t i = 0; i < 6; ++i) headers[i].acquisition_number = static_cast<int>(i / 2);
  EXPECT_THAT(findings(ordered(headers)), testing::ElementsAre("several acquisitions"));
  // Two passes over the same range: at the same places, and between one another.
  auto passes = stack_of(6, 2.5);
  for (int i = 0; i < 6; ++i) passes.push_back(slice_at(-300 + 2.5 * i, 10 + i));
  for (std::size_t i = 0; i < 12; ++i) passes[i].acquisition_number = i < 6 ? 1 : 2;
  EXPECT_THAT(reasons(passes), testing::ElementsAre("several acquisitions"));
  for (std::size_t i = 6; i < 12; ++i) passes[i].position_mm[2] += 1.0;
  EXPECT_THAT(reasons(passes), testing::ElementsAre("several acquisitions"));
}

TEST(Order, OneSliceHasItsThicknessAsSpacing) {
  EXPECT_DOUBLE_EQ(ordered({slice_at(5)}).slice_spacing_mm, 1.25);
  EXPECT_THAT(reasons({}), testing::ElementsAre("no position"));
}

TEST(Order, FramesOfEnhancedCtAreSlices) {
  const OrderedSeries series = ordered(headers_of(fixture("values/enhanced.dcm")));
  EXPECT_THAT(series.z_mm, testing::ElementsAre(96.0, 98.0, 100.0));
  EXPECT_EQ(series.slices.front().frame_index, 2);
}

class Copies : public testing::Test {
 protected:
  void SetUp() override {
    // Of this process: ctest runs the cases side by side.
    folder_ = testing::TempDir() + "/dicom_copies_" + std::to_string(::getpid());
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::string folder_;
};

TEST_F(Copies, OfOneFileAreDroppedAndListed) {
  const std::string copy = folder_ + "/copy";
  std::filesystem::copy_file(bundled_slice(), copy);
  const OrderedSeries series = ordered({headers_of(bundled_slice()).at(0), headers_of(copy).at(0)});
  EXPECT_EQ(series.slices.size(), 1u);
  EXPECT_THAT(findings(series), testing::ElementsAre("duplicate file"));
}

// The same image in another transfer syntax is still the same image.
TEST_F(Copies, CountByPixelsNotByBytes) {
  const OrderedSeries series =
      ordered({headers_of(fixture("syntax/rle.dcm")).at(0), headers_of(fixture("syntax/explicit_big.dcm")).at(0)});
  EXPECT_EQ(series.slices.size(), 1u);
}

TEST_F(Copies, ThatDifferInOnePixelAreRefused) {
  std::string bytes = read_bytes(fixture("syntax/explicit_little.dcm"));
  bytes[bytes.size() - 1000] = static_cast<char>(bytes[bytes.size() - 1000] ^ 1);
  const std::string changed = folder_ + "/changed";
  std::ofstream(changed, std::ios::binary) << bytes;
  EXPECT_THAT(reasons({headers_of(fixture("syntax/explicit_little.dcm")).at(0), headers_of(changed).at(0)}),
              testing::ElementsAre("duplicate position"));
}

}  // namespace
}  // namespace nodulus::dicom
