// Files damaged in every way that comes to mind, the same way in every run: each gives a slice of the right size,
// a Reject or an Error, and a file that was cut short never gives a slice.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <random>

#include "nodulus/core/error.h"
#include "nodulus/dicom/slice.h"
#include "tests/dicom/fixtures.h"

// GDCM 3.0 and OpenJPEG leave their buffers behind when a stream turns out damaged. Not ours to free.
extern "C" const char* __lsan_default_suppressions();
extern "C" const char* __lsan_default_suppressions() {
  return "leak:gdcm::JPEGLSCodec::Decode\nleak:gdcm::JPEG2000Codec::Decode\nleak:opj_\n";
}

namespace nodulus::dicom {
namespace {

class Damage : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    std::string name = testing::UnitTest::GetInstance()->current_test_info()->name();
    std::replace(name.begin(), name.end(), '/', '_');
    path_ = testing::TempDir() + "/" + name + ".dcm";
    original_ = read_bytes(GetParam().empty() ? bundled_slice() : fixture(GetParam()));
  }
  void TearDown() override { std::filesystem::remove(path_); }

  /// Frames that could be read.
  int frames_read(const std::string& bytes) {
    std::ofstream(path_, std::ios::binary | std::ios::trunc) << bytes;
    const auto found = read_headers(path_);
    if (const auto* reject = std::get_if<Reject>(&found)) {
      EXPECT_NE(reject->reason, "");
      EXPECT_NE(reject->detail, "");
      return 0;
    }
    int frames = 0;
    SliceReader reader;
    for (const SliceHeader& header : std::get<std::vector<SliceHeader>>(found)) {
      try {
        const StoredFrame frame = reader.read_stored(header);
        EXPECT_EQ(frame.values.size(),
                  static_cast<std::size_t>(header.rows) * static_cast<std::size_t>(header.columns));
        ++frames;
      } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::bad_input) << error.what();
        EXPECT_THAT(error.what(), testing::HasSubstr(path_));
      }
    }
    return frames;
  }

  std::string path_;
  std::string original_;
};

TEST_P(Damage, CutShort) {
  const std::size_t step = original_.size() / 40 + 1;
  for (std::size_t keep = 0; keep + 64 < original_.size(); keep += step) {
    EXPECT_EQ(frames_read(original_.substr(0, keep)), 0) << keep << " of " << original_.size() << " bytes";
  }
}

TEST_P(Damage, BytesFlipped) {
  std::mt19937 random(7);
  for (int round = 0; round < 40; ++round) {
    std::string bytes = original_;
    // Half of the rounds in the header, where lengths and sizes stand.
    const std::size_t reach = round % 2 == 0 ? std::min<std::size_t>(bytes.size(), 3000) : bytes.size();
    for (int i = 0; i < 1 + round % 8; ++i) bytes[random() % reach] = static_cast<char>(random());
    frames_read(bytes);
  }
}

// A first element behind that of the pixels, with nothing before it: Debian's GDCM ends the program for an empty
// header.
TEST_P(Damage, NothingBeforeThePixels) {
  std::string bytes = original_;
  const auto length = static_cast<unsigned char>(bytes.at(140)) + 256U * static_cast<unsigned char>(bytes.at(141));
  const std::size_t data_set = 144 + length;
  ASSERT_LT(data_set, bytes.size());
  bytes[data_set] = bytes[data_set + 1] = '\xaf';
  EXPECT_EQ(frames_read(bytes), 0);
}

TEST_P(Damage, StretchesRandomised) {
  std::mt19937 random(11);
  for (int round = 0; round < 20; ++round) {
    std::string bytes = original_;
    const std::size_t start = 132 + random() % (bytes.size() - 132);
    const std::size_t count = std::min<std::size_t>(bytes.size() - start, 1 + random() % 2000);
    for (std::size_t i = 0; i < count; ++i) bytes[start + i] = static_cast<char>(random());
    frames_read(bytes);
  }
}

// 0xff makes lengths that want four gigabytes; 0x00 makes sizes of nothing.
TEST_P(Damage, StretchesFilled) {
  std::mt19937 random(13);
  for (int round = 0; round < 30; ++round) {
    std::string bytes = original_;
    const std::size_t start = random() % std::min<std::size_t>(bytes.size() - 8, 3000);
    std::fill_n(bytes.begin() + static_cast<std::ptrdiff_t>(start), 1 + random() % 8, round % 2 == 0 ? '\xff' : '\0');
    frames_read(bytes);
  }
}

TEST_P(Damage, StretchesRemoved) {
  std::mt19937 random(17);
  for (int round = 0; round < 20; ++round) {
    std::string bytes = original_;
    const std::size_t start = random() % (bytes.size() - 8);
    bytes.erase(start, 1 + random() % 600);
    frames_read(bytes);
  }
}

INSTANTIATE_TEST_SUITE_P(Bundled, Damage, testing::Values(""), [](const auto&) { return "slice"; });
INSTANTIATE_TEST_SUITE_P(Fixtures, Damage,
                         testing::Values("syntax/explicit_little.dcm", "syntax/implicit_little.dcm",
                                         "syntax/explicit_big.dcm", "syntax/deflated.dcm", "syntax/rle.dcm",
                                         "syntax/jpeg_lossless_sv1.dcm", "syntax/jpeg_baseline.dcm",
                                         "syntax/jpeg_extended12.dcm", "syntax/jpeg2000.dcm", "values/enhanced.dcm",
                                         "values/enhanced_fragments.dcm"),
                         [](const testing::TestParamInfo<std::string>& one) {
                           std::string name = one.param.substr(0, one.param.find('.'));
                           std::replace(name.begin(), name.end(), '/', '_');
                           return name;
                         });

}  // namespace
}  // namespace nodulus::dicom
