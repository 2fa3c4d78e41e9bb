#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>

#include "nodulus/core/error.h"
#include "nodulus/dicom/slice.h"
#include "tests/dicom/fixtures.h"

namespace nodulus::dicom {
namespace {

/// All frames of a file, one after the other.
std::vector<std::int16_t> hu_of(const std::string& name) {
  std::vector<std::int16_t> all;
  SliceReader reader;
  for (const SliceHeader& header : headers_of(fixture(name + ".dcm"))) {
    const Slice slice = reader.read(header);
    EXPECT_EQ(slice.hu.size(), static_cast<std::size_t>(header.rows * header.columns));
    all.insert(all.end(), slice.hu.begin(), slice.hu.end());
  }
  return all;
}

/// How many values differ, and by how much at most.
struct Difference {
  std::size_t count = 0;
  int largest = 0;
};

Difference difference(const std::vector<std::int16_t>& a, const std::vector<std::int16_t>& b) {
  EXPECT_EQ(a.size(), b.size());
  Difference found;
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
    if (a[i] == b[i]) continue;
    ++found.count;
    found.largest = std::max(found.largest, std::abs(a[i] - b[i]));
  }
  return found;
}

class Decode : public testing::TestWithParam<std::string> {};

// One real slice, written by DCMTK or GDCM in each transfer syntax; what must come out is numpy's reading of the
// uncompressed original, or for lossy JPEG and JPEG-LS, DCMTK's decoding of the same stream.
TEST_P(Decode, EveryVoxelIsTheIndependentDecoders) {
  const auto expected = expected_hu(GetParam());
  ASSERT_FALSE(expected.empty());
  // A picture, not a constant that any failure would match.
  EXPECT_GT(*std::max_element(expected.begin(), expected.end()) - *std::min_element(expected.begin(), expected.end()),
            100);
  EXPECT_EQ(difference(hu_of(GetParam()), expected).count, 0u);
}

const auto name_of_case = [](const testing::TestParamInfo<std::string>& one) {
  std::string name = one.param;
  std::replace(name.begin(), name.end(), '/', '_');
  return name;
};

INSTANTIATE_TEST_SUITE_P(TransferSyntaxes, Decode,
                         testing::Values("syntax/explicit_little", "syntax/implicit_little", "syntax/explicit_big",
                                         "syntax/deflated", "syntax/bare_data_set", "syntax/rle",
                                         "syntax/jpeg_lossless_sv1", "syntax/jpeg_lossless_sv6", "syntax/jpeg_ls",
                                         "syntax/jpeg2000", "syntax/jpeg2000_tiled", "syntax/jpeg2000_fragments",
                                         "syntax/jpeg_baseline", "syntax/jpeg_extended12", "syntax/jpeg_ls_near"),
                         name_of_case);

INSTANTIATE_TEST_SUITE_P(Values, Decode,
                         testing::Values("values/fractional", "values/negative_slope", "values/saturating",
                                         "values/unsigned12", "values/unsigned12_jpeg2000", "values/overlay_bits",
                                         "values/signed12_zero_above", "values/signed12_extended",
                                         "values/signed12_rle", "values/signed12_jpeg_ls", "values/signed12_jpeg2000",
                                         "values/high_bit_15", "values/signed32", "values/unsigned8",
                                         "values/monochrome1"),
                         name_of_case);

// Padding must be -2048 and nothing else must change.
INSTANTIATE_TEST_SUITE_P(Padding, Decode,
                         testing::Values("values/padding_signed", "values/padding_wrong_vr", "values/padding_range",
                                         "values/padding_range_down", "values/padding_above_bits_stored"),
                         name_of_case);

INSTANTIATE_TEST_SUITE_P(EnhancedCt, Decode,
                         testing::Values("values/enhanced", "values/enhanced_rle", "values/enhanced_jpeg_ls",
                                         "values/enhanced_fragments"),
                         name_of_case);

// No independent decoder of lossy JPEG 2000 is at hand: at 4 bits a pixel every voxel must stay near the original.
// The stream has 16 bits for 12 that are stored, and overshoots 4095 in places.
TEST(DecodeLossy, Jpeg2000StaysNearTheOriginal) {
  const auto original = expected_hu("syntax/jpeg2000_lossy");
  const auto decoded = hu_of("syntax/jpeg2000_lossy");
  ASSERT_EQ(decoded.size(), original.size());
  const Difference found = difference(decoded, original);
  EXPECT_GT(found.count, 1000u);  // Lossy it is.
  EXPECT_LE(found.largest, 8);
}

// What the LIDC readers saw as nodule: soft tissue in the middle of lung, at the readers' outline (069.xml).
TEST(DecodeReal, BundledSliceIsInHounsfieldUnits) {
  const Slice slice = read_slice(headers_of(bundled_slice()).at(0));
  const auto [low, high] = std::minmax_element(slice.hu.begin(), slice.hu.end());
  EXPECT_EQ(*low, -2048);  // Stored -1024 outside the reconstruction circle, less 1024.
  EXPECT_GT(*high, 300);   // Bone.
  EXPECT_LT(*high, 3072);
  const auto in_lung = std::count_if(slice.hu.begin(), slice.hu.end(), [](int v) { return v > -950 && v < -750; });
  EXPECT_GT(in_lung, 20000);
}

void expect_error(const std::string& name, const std::string& text) {
  const SliceHeader header = headers_of(fixture(name)).at(0);
  try {
    read_slice(header);
    ADD_FAILURE() << name << " was read";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::bad_input);
    EXPECT_THAT(error.what(), testing::HasSubstr(text));
    EXPECT_THAT(error.what(), testing::HasSubstr(name));
    EXPECT_THAT(error.what(), testing::Not(testing::HasSubstr("\n")));
  }
}

TEST(DecodeRefuses, WhatHasNoHu) {
  expect_error("bad/modality_lut.dcm", "modality LUT");
  expect_error("bad/no_rescale.dcm", "RescaleSlope");
  expect_error("bad/colour.dcm", "colour");
  expect_error("bad/floating.dcm", "floating point");
}

TEST(DecodeRefuses, AFileThatIsGone) {
  SliceHeader header = headers_of(bundled_slice()).at(0);
  header.path = fixture("gone.dcm");
  try {
    read_slice(header);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::not_found);
  }
}

TEST(DecodeRefuses, AHeaderThatDisagreesWithTheStream) {
  for (const char* name : {"jpeg_ls", "jpeg2000", "jpeg_lossless_sv1", "jpeg_baseline"}) {
    SliceHeader header = headers_of(fixture(std::string("syntax/") + name + ".dcm")).at(0);
    header.rows = 511;
    EXPECT_THROW(read_slice(header), Error) << name;
    header.rows = 512;
    header.columns = 1024;
    EXPECT_THROW(read_slice(header), Error) << name;
  }
}

}  // namespace
}  // namespace nodulus::dicom
