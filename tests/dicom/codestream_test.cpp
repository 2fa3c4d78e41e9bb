// A compressed stream that was cut must be named, however its container was patched up: decoders fill the rest.
#include "nodulus/dicom/codestream.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nodulus/core/error.h"
#include "nodulus/dicom/jpeg.h"
#include "nodulus/dicom/layout.h"
#include "tests/dicom/fixtures.h"

namespace nodulus::dicom {
namespace {

std::vector<std::uint8_t> stream_of(const std::string& name) {
  auto found = find_layout(fixture("syntax/" + name + ".dcm"));
  const Layout& layout = std::get<Layout>(found);
  std::vector<std::uint8_t> bytes;
  for (std::size_t i = 1; i < layout.fragments.size(); ++i) {
    const auto part = layout.source->copy(layout.fragments[i].offset, layout.fragments[i].length);
    bytes.insert(bytes.end(), part.begin(), part.end());
  }
  return bytes;
}

struct Case {
  const char* name;
  Compression compression;
  int precision;
  bool lossless;
  bool is_signed;
};

class Streams : public testing::TestWithParam<Case> {};

TEST_P(Streams, HeaderIsRead) {
  const Codestream stream = inspect_codestream(GetParam().compression, stream_of(GetParam().name));
  EXPECT_EQ(stream.rows, 512);
  EXPECT_EQ(stream.columns, 512);
  EXPECT_EQ(stream.components, 1);
  EXPECT_EQ(stream.precision, GetParam().precision);
  EXPECT_EQ(stream.lossless, GetParam().lossless);
  EXPECT_EQ(stream.is_signed, GetParam().is_signed);
}

TEST_P(Streams, CutAnywhereIsTruncated) {
  const auto whole = stream_of(GetParam().name);
  for (std::size_t keep = 0; keep + 4 < whole.size(); keep += 1 + whole.size() / 97) {
    const std::vector<std::uint8_t> cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(keep));
    EXPECT_THROW(inspect_codestream(GetParam().compression, cut), Error) << keep << " of " << whole.size();
  }
}

INSTANTIATE_TEST_SUITE_P(All, Streams,
                         testing::Values(Case{"jpeg_baseline", Compression::jpeg, 8, false, false},
                                         Case{"jpeg_extended12", Compression::jpeg, 12, false, false},
                                         Case{"jpeg_lossless_sv1", Compression::jpeg, 16, true, false},
                                         Case{"jpeg_ls", Compression::jpeg_ls, 16, false, false},
                                         Case{"jpeg2000", Compression::jpeg2000, 16, false, true},
                                         Case{"jpeg2000_tiled", Compression::jpeg2000, 16, false, true}),
                         [](const auto& one) { return one.param.name; });

std::vector<std::uint8_t> cut_and_closed(const std::string& name) {
  auto stream = stream_of(name);
  stream.resize(stream.size() / 2);
  stream.push_back(0xFF);
  stream.push_back(0xD9);
  return stream;
}

TEST(Truncated, JpegWithAnEndMarkerStuckOn) {
  std::vector<std::uint16_t> out(512 * 512);
  std::vector<std::uint8_t> out8(512 * 512);
  EXPECT_NE(decode_jpeg16({cut_and_closed("jpeg_lossless_sv1"), 512, 512}, out.data()), "");
  EXPECT_NE(decode_jpeg12({cut_and_closed("jpeg_extended12"), 512, 512}, out.data()), "");
  EXPECT_NE(decode_jpeg8({cut_and_closed("jpeg_baseline"), 512, 512}, out8.data()), "");
}

TEST(Truncated, Jpeg2000WithAnEndMarkerStuckOn) {
  EXPECT_THROW(inspect_codestream(Compression::jpeg2000, cut_and_closed("jpeg2000")), Error);
}

TEST(Rle, CutAnywhereIsTruncated) {
  const auto whole = stream_of("rle");
  EXPECT_EQ(decode_rle(whole, 512 * 512, 2).size(), 2u * 512 * 512);
  for (std::size_t keep = 0; keep + 8 < whole.size(); keep += 1 + whole.size() / 97) {
    const std::vector<std::uint8_t> cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(keep));
    EXPECT_THROW(decode_rle(cut, 512 * 512, 2), Error) << keep;
  }
}

// PS3.5 annex G by hand: two segments (high bytes, low bytes) of four pixels.
TEST(Rle, ByHand) {
  std::vector<std::uint8_t> stream(64, 0);
  stream[0] = 2;
  stream[4] = 64;
  stream[8] = 66;
  for (const int byte : {0xFD, 0x01, 0x01, 0x0A, 0x0B, 0xFF, 0x0C}) stream.push_back(static_cast<std::uint8_t>(byte));
  EXPECT_THAT(decode_rle(stream, 4, 2), testing::ElementsAre(0x0A, 1, 0x0B, 1, 0x0C, 1, 0x0C, 1));
  EXPECT_THROW(decode_rle(stream, 5, 2), Error);  // A segment too short.
  EXPECT_THROW(decode_rle(stream, 3, 2), Error);  // A segment too long.
  EXPECT_THROW(decode_rle(stream, 4, 1), Error);  // One segment expected, two there.
}

}  // namespace
}  // namespace nodulus::dicom
