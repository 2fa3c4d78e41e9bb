#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/dicom/fixtures.h"

namespace nodulus::dicom {
namespace {

// Values as dcmdump prints them for the bundled slice.
TEST(Header, OfARealSlice) {
  const auto headers = headers_of(bundled_slice());
  ASSERT_EQ(headers.size(), 1u);
  const SliceHeader& h = headers[0];
  EXPECT_EQ(h.patient_id, "LIDC-IDRI-0001");
  EXPECT_EQ(h.series_uid, "1.3.6.1.4.1.14519.5.2.1.6279.6001.179049373636438705059720603192");
  EXPECT_EQ(h.study_uid, "1.3.6.1.4.1.14519.5.2.1.6279.6001.298806137288633453246975630178");
  EXPECT_EQ(h.modality, "CT");
  EXPECT_EQ(h.manufacturer, "GE MEDICAL SYSTEMS");
  EXPECT_EQ(h.image_type, (std::vector<std::string>{"ORIGINAL", "PRIMARY", "AXIAL"}));
  EXPECT_EQ(h.instance_number, 40);
  EXPECT_EQ(h.acquisition_number, std::nullopt);
  EXPECT_EQ(h.rows, 512);
  EXPECT_EQ(h.columns, 512);
  EXPECT_EQ(h.position_mm, (std::array<double, 3>{-166.0, -171.699997, -107.5}));
  EXPECT_EQ(h.orientation, (std::array<double, 6>{1, 0, 0, 0, 1, 0}));
  EXPECT_EQ(h.spacing_mm, (std::array<double, 2>{0.703125, 0.703125}));
  EXPECT_EQ(h.slice_thickness_mm, 2.5);
  EXPECT_EQ(h.rescale, (Rescale{1.0, -1024.0}));
  EXPECT_TRUE(h.has_rescale);
  EXPECT_TRUE(h.is_signed);
  EXPECT_EQ(h.bits_stored, 16);
  EXPECT_EQ(h.padding_value, -2000);  // 63536 in the file, under the wrong VR.
  EXPECT_EQ(h.transfer_syntax_uid, "1.2.840.10008.1.2.4.80");
  EXPECT_EQ(h.geometry_problem, "");
  EXPECT_EQ(h.pixel_problem, "");
}

TEST(Header, IsTheSameInEveryEncoding) {
  const SliceHeader expected = headers_of(fixture("syntax/explicit_little.dcm")).at(0);
  for (const char* name : {"implicit_little", "explicit_big", "deflated", "bare_data_set", "rle", "jpeg2000"}) {
    const SliceHeader h = headers_of(fixture(std::string("syntax/") + name + ".dcm")).at(0);
    EXPECT_EQ(h.position_mm, expected.position_mm) << name;
    EXPECT_EQ(h.spacing_mm, expected.spacing_mm) << name;
    EXPECT_EQ(h.rows, 512) << name;
    EXPECT_EQ(h.bits_stored, 16) << name;
    EXPECT_TRUE(h.is_signed) << name;
    EXPECT_EQ(h.padding_value, -2000) << name;
    EXPECT_EQ(h.series_uid, expected.series_uid) << name;
    EXPECT_EQ(h.rescale, expected.rescale) << name;
  }
}

TEST(Header, OfEnhancedCtComesFromFunctionalGroups) {
  const auto headers = headers_of(fixture("values/enhanced.dcm"));
  ASSERT_EQ(headers.size(), 3u);
  for (int i = 0; i < 3; ++i) {
    const SliceHeader& h = headers[static_cast<std::size_t>(i)];
    EXPECT_EQ(h.frame_index, i);
    EXPECT_EQ(h.frames, 3);
    EXPECT_EQ(h.position_mm, (std::array<double, 3>{-10, -20, 100.0 - 2 * i}));
    EXPECT_EQ(h.orientation, (std::array<double, 6>{1, 0, 0, 0, 1, 0}));
    EXPECT_EQ(h.spacing_mm, (std::array<double, 2>{0.7, 0.8}));
    EXPECT_EQ(h.slice_thickness_mm, 1.25);
    EXPECT_EQ(h.rescale, (Rescale{1.0 + i, -1024.0 + i}));
    EXPECT_EQ(h.acquisition_number, 3);
    EXPECT_EQ(h.image_type, (std::vector<std::string>{"ORIGINAL", "PRIMARY", "VOLUME", "NONE"}));
    EXPECT_EQ(h.geometry_problem, "");
  }
}

TEST(Header, NamesWhatCannotBecomeHu) {
  EXPECT_EQ(headers_of(fixture("bad/modality_lut.dcm")).at(0).pixel_problem, "a modality LUT instead of a rescale");
  EXPECT_THAT(headers_of(fixture("bad/colour.dcm")).at(0).pixel_problem, testing::HasSubstr("colour"));
  EXPECT_THAT(headers_of(fixture("bad/floating.dcm")).at(0).pixel_problem, testing::HasSubstr("floating point"));
  EXPECT_FALSE(headers_of(fixture("bad/no_rescale.dcm")).at(0).has_rescale);
}

TEST(Header, RejectsByReason) {
  EXPECT_EQ(reject_reason(fixture("no such file")), "not found");
  EXPECT_EQ(reject_reason(fixture("scan")), "unreadable file");  // A folder.
  EXPECT_EQ(reject_reason(fixture("scan/empty.dcm")), "empty file");
  EXPECT_EQ(reject_reason(fixture("scan/note.txt")), "not DICOM");
  EXPECT_EQ(reject_reason(fixture("scan/DICOMDIR")), "DICOMDIR");
  EXPECT_EQ(reject_reason(fixture("scan/cut.dcm")), "truncated");
  EXPECT_EQ(reject_reason(fixture("bad/no_pixels.dcm")), "no pixel data");
  EXPECT_EQ(reject_reason(fixture("bad/short_pixels.dcm")), "truncated");
}

}  // namespace
}  // namespace nodulus::dicom
