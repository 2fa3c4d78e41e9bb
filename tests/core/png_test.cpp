#include "nodulus/core/png.h"

#include <gtest/gtest.h>

#include <cstdint>

#include "nodulus/core/error.h"
#include "tests/support/expect_error.h"

#ifdef NODULUS_TEST_PNG
#include <png.h>
#endif

namespace nodulus {
namespace {

Picture pattern(int width, int height, int channels) {
  Picture picture(width, height, channels);
  for (std::size_t i = 0; i < picture.pixels.size(); ++i)
    picture.pixels[i] = static_cast<std::uint8_t>(i * 37 + i / 251);
  return picture;
}

TEST(Png, BadPicturesAreErrors) {
  Picture picture(3, 2, 1);
  picture.pixels.pop_back();
  EXPECT_THROW((void)encode_png(picture), Error);
  EXPECT_THROW((void)encode_png_stored(Picture{}), Error);
  const std::vector<PngText> nameless{{"", "text"}};
  EXPECT_THROW((void)encode_png(Picture(1, 1, 1), nameless), Error);
  test::expect_error([] { write_png("/nowhere/x.png", Picture(1, 1, 1)); }, ErrorCode::not_found, {"/nowhere/x.png"});
}

#ifdef NODULUS_TEST_PNG
struct Decoded {
  int width = 0, height = 0, depth = 0, channels = 0;
  std::vector<std::uint8_t> samples;
  std::string first_text;
};

/// libpng's own reader, which checks every CRC and the zlib stream.
Decoded decode(const std::vector<std::uint8_t>& bytes) {
  struct Source {
    const std::vector<std::uint8_t>& bytes;
    std::size_t at = 0;
  } source{bytes};
  Decoded result;
  png_structp png = png_create_read_struct(
      PNG_LIBPNG_VER_STRING, nullptr, [](png_structp, png_const_charp text) { throw std::runtime_error(text); },
      [](png_structp, png_const_charp text) { throw std::runtime_error(text); });
  png_infop info = png_create_info_struct(png);
  png_set_read_fn(png, &source, [](png_structp handle, png_bytep out, png_size_t size) {
    auto* from = static_cast<Source*>(png_get_io_ptr(handle));
    if (from->bytes.size() - from->at < size) throw std::runtime_error("cut off");
    std::copy_n(from->bytes.begin() + static_cast<std::ptrdiff_t>(from->at), size, out);
    from->at += size;
  });
  png_read_info(png, info);
  result.width = static_cast<int>(png_get_image_width(png, info));
  result.height = static_cast<int>(png_get_image_height(png, info));
  result.depth = png_get_bit_depth(png, info);
  result.channels = png_get_channels(png, info);
  const std::size_t row = png_get_rowbytes(png, info);
  result.samples.resize(row * static_cast<std::size_t>(result.height));
  for (int y = 0; y < result.height; ++y)
    png_read_row(png, result.samples.data() + row * static_cast<std::size_t>(y), nullptr);
  png_read_end(png, info);
  png_textp texts = nullptr;
  if (png_get_text(png, info, &texts, nullptr) > 0) result.first_text = std::string(texts[0].key) + "=" + texts[0].text;
  png_destroy_read_struct(&png, &info, nullptr);
  EXPECT_EQ(source.at, bytes.size());
  return result;
}

TEST(Png, BothWritersGiveTheSamePixelsAndText) {
  const std::vector<PngText> texts{synthetic_mark};
  for (const int channels : {1, 3}) {
    const Picture picture = pattern(301, 233, channels);  // stored: more than one deflate block
    for (const auto& bytes : {encode_png(picture, texts), encode_png_stored(picture, texts)}) {
      const Decoded decoded = decode(bytes);
      EXPECT_EQ(decoded.width, 301);
      EXPECT_EQ(decoded.height, 233);
      EXPECT_EQ(decoded.depth, 8);
      EXPECT_EQ(decoded.channels, channels);
      EXPECT_TRUE(decoded.samples == picture.pixels);
      EXPECT_EQ(decoded.first_text, synthetic_mark.keyword + "=" + synthetic_mark.text);
    }
  }
}

TEST(Png, SixteenBitSamplesAreBigEndian) {
  const Picture16 picture{2, 2, {0, 1, 256, 65535}};
  for (const auto& bytes : {encode_png(picture), encode_png_stored(picture)}) {
    const Decoded decoded = decode(bytes);
    EXPECT_EQ(decoded.depth, 16);
    EXPECT_EQ(decoded.samples, (std::vector<std::uint8_t>{0, 0, 0, 1, 1, 0, 255, 255}));
  }
}
#endif

}  // namespace
}  // namespace nodulus
