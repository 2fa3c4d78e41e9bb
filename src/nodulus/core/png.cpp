#include "nodulus/core/png.h"

#include <algorithm>
#include <array>
#include <csetjmp>
#include <memory>
#include <string_view>

#include "nodulus/core/error.h"
#include "nodulus/core/files.h"

#ifdef NODULUS_HAS_PNG
#include <png.h>
#endif

namespace nodulus {
namespace {

using Bytes = std::vector<std::uint8_t>;

/// What both writers need: a size, samples in the file's byte order, and what they mean.
struct Raster {
  int width = 0;
  int height = 0;
  int depth = 8;     ///< Bits a sample.
  int channels = 1;  ///< 1 or 3.
  Bytes samples;     ///< Row by row, 16-bit samples big-endian (PNG section 7.1).

  [[nodiscard]] std::size_t row_bytes() const {
    return static_cast<std::size_t>(width) * static_cast<std::size_t>(channels) * static_cast<std::size_t>(depth / 8);
  }
};

void check(const Raster& raster, std::span<const PngText> texts) {
  if (raster.width <= 0 || raster.height <= 0 || (raster.channels != 1 && raster.channels != 3) ||
      raster.samples.size() != raster.row_bytes() * static_cast<std::size_t>(raster.height)) {
    throw Error(ErrorCode::internal, "a picture of " + std::to_string(raster.width) + "x" +
                                         std::to_string(raster.height) + "x" + std::to_string(raster.channels) +
                                         " with " + std::to_string(raster.samples.size()) + " bytes of samples");
  }
  for (const PngText& text : texts) {
    if (text.keyword.empty() || text.keyword.size() > 79 || text.text.find('\0') != std::string::npos) {
      throw Error(ErrorCode::internal, "PNG text keyword '" + text.keyword + "': expected 1 to 79 characters");
    }
  }
}

Raster raster_of(const Picture& picture) {
  return {picture.width, picture.height, 8, picture.channels, picture.pixels};
}

Raster raster_of(const Picture16& picture) {
  Raster raster{picture.width, picture.height, 16, 1, {}};
  raster.samples.reserve(picture.pixels.size() * 2);
  for (const std::uint16_t value : picture.pixels) {
    raster.samples.push_back(static_cast<std::uint8_t>(value >> 8));
    raster.samples.push_back(static_cast<std::uint8_t>(value & 255));
  }
  return raster;
}

void put_u32(Bytes& out, std::uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) out.push_back(static_cast<std::uint8_t>(value >> shift));
}

/// CRC-32 of PNG section 5.5.
std::uint32_t crc32(std::span<const std::uint8_t> bytes) {
  static const std::array<std::uint32_t, 256> table = [] {
    std::array<std::uint32_t, 256> rows{};
    for (std::uint32_t n = 0; n < 256; ++n) {
      std::uint32_t c = n;
      for (int k = 0; k < 8; ++k) c = (c & 1) != 0 ? 0xedb88320u ^ (c >> 1) : c >> 1;
      rows[n] = c;
    }
    return rows;
  }();
  std::uint32_t c = 0xffffffffu;
  for (const std::uint8_t byte : bytes) c = table[(c ^ byte) & 255] ^ (c >> 8);
  return c ^ 0xffffffffu;
}

void put_chunk(Bytes& out, std::string_view type, std::span<const std::uint8_t> data) {
  put_u32(out, static_cast<std::uint32_t>(data.size()));
  const std::size_t start = out.size();
  out.insert(out.end(), type.begin(), type.end());
  out.insert(out.end(), data.begin(), data.end());
  put_u32(out, crc32(std::span(out).subspan(start)));
}

/// A zlib stream (RFC 1950) of stored deflate blocks (RFC 1951 section 3.2.4).
Bytes stored_zlib(std::span<const std::uint8_t> data) {
  constexpr std::size_t block = 65535;
  Bytes out{0x78, 0x01};
  for (std::size_t at = 0; at < data.size(); at += block) {
    const std::size_t size = std::min(block, data.size() - at);
    out.push_back(at + size == data.size() ? 1 : 0);
    for (const std::size_t n : {size, ~size}) {
      out.push_back(static_cast<std::uint8_t>(n & 255));
      out.push_back(static_cast<std::uint8_t>(n >> 8 & 255));
    }
    const auto piece = data.subspan(at, size);
    out.insert(out.end(), piece.begin(), piece.end());
  }
  std::uint32_t a = 1;
  std::uint32_t b = 0;
  for (const std::uint8_t byte : data) {  // Adler-32
    a = (a + byte) % 65521;
    b = (b + a) % 65521;
  }
  put_u32(out, b << 16 | a);
  return out;
}

Bytes encode_stored(const Raster& raster, std::span<const PngText> texts) {
  check(raster, texts);
  constexpr std::array<std::uint8_t, 8> signature{0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
  Bytes out(signature.begin(), signature.end());
  Bytes header;
  put_u32(header, static_cast<std::uint32_t>(raster.width));
  put_u32(header, static_cast<std::uint32_t>(raster.height));
  header.insert(header.end(), {static_cast<std::uint8_t>(raster.depth),
                               static_cast<std::uint8_t>(raster.channels == 3 ? 2 : 0), 0, 0, 0});
  put_chunk(out, "IHDR", header);
  for (const PngText& text : texts) {
    Bytes data(text.keyword.begin(), text.keyword.end());
    data.push_back(0);
    data.insert(data.end(), text.text.begin(), text.text.end());
    put_chunk(out, "tEXt", data);
  }
  Bytes rows;
  for (int y = 0; y < raster.height; ++y) {
    rows.push_back(0);  // filter type None
    const auto row =
        std::span(raster.samples).subspan(raster.row_bytes() * static_cast<std::size_t>(y), raster.row_bytes());
    rows.insert(rows.end(), row.begin(), row.end());
  }
  put_chunk(out, "IDAT", stored_zlib(rows));
  put_chunk(out, "IEND", {});
  return out;
}

#ifdef NODULUS_HAS_PNG
/// libpng reports failure by longjmp past C++ frames; this throws instead, through a callback that never returns.
[[noreturn]] void raise_png_error(png_structp, png_const_charp message) {
  throw Error(ErrorCode::internal, std::string("libpng: ") + message);
}
void ignore_png_warning(png_structp, png_const_charp) {}
void append_png_bytes(png_structp png, png_bytep data, png_size_t size) {
  auto& out = *static_cast<Bytes*>(png_get_io_ptr(png));
  out.insert(out.end(), data, data + size);
}
void flush_png(png_structp) {}

struct PngWriteState {
  png_structp png = nullptr;
  png_infop info = nullptr;
  ~PngWriteState() { png_destroy_write_struct(&png, &info); }
};

Bytes encode(const Raster& raster, std::span<const PngText> texts) {
  check(raster, texts);
  Bytes out;
  PngWriteState state;
  state.png = png_create_write_struct(PNG_LIBPNG_VER_STRING, nullptr, &raise_png_error, &ignore_png_warning);
  state.info = png_create_info_struct(state.png);
  png_set_write_fn(state.png, &out, &append_png_bytes, &flush_png);
  png_set_IHDR(state.png, state.info, static_cast<png_uint_32>(raster.width), static_cast<png_uint_32>(raster.height),
               raster.depth, raster.channels == 3 ? PNG_COLOR_TYPE_RGB : PNG_COLOR_TYPE_GRAY, PNG_INTERLACE_NONE,
               PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  std::vector<png_text> chunks;
  for (const PngText& text : texts) {
    png_text chunk{};
    chunk.compression = PNG_TEXT_COMPRESSION_NONE;
    chunk.key = const_cast<char*>(text.keyword.c_str());
    chunk.text = const_cast<char*>(text.text.c_str());
    chunk.text_length = text.text.size();
    chunks.push_back(chunk);
  }
  if (!chunks.empty()) png_set_text(state.png, state.info, chunks.data(), static_cast<int>(chunks.size()));
  png_write_info(state.png, state.info);
  for (int y = 0; y < raster.height; ++y) {
    png_write_row(state.png, raster.samples.data() + raster.row_bytes() * static_cast<std::size_t>(y));
  }
  png_write_end(state.png, state.info);
  return out;
}
#else
Bytes encode(const Raster& raster, std::span<const PngText> texts) { return encode_stored(raster, texts); }
#endif

void write_bytes(const std::filesystem::path& file, const Bytes& bytes) {
  write_text(file, {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

}  // namespace

Picture::Picture(int width_px, int height_px, int channel_count, std::uint8_t fill)
    : width(width_px),
      height(height_px),
      channels(channel_count),
      pixels(static_cast<std::size_t>(width_px) * static_cast<std::size_t>(height_px) *
                 static_cast<std::size_t>(channel_count),
             fill) {}

void fill_box(Picture& picture, int left, int top, int right, int bottom, const Rgb& color) {
  for (int y = std::max(top, 0); y < std::min(bottom, picture.height); ++y) {
    for (int x = std::max(left, 0); x < std::min(right, picture.width); ++x) {
      std::copy(color.begin(), color.end(), picture.at(x, y));
    }
  }
}

Bytes encode_png(const Picture& picture, std::span<const PngText> texts) { return encode(raster_of(picture), texts); }
Bytes encode_png(const Picture16& picture, std::span<const PngText> texts) { return encode(raster_of(picture), texts); }

Bytes encode_png_stored(const Picture& picture, std::span<const PngText> texts) {
  return encode_stored(raster_of(picture), texts);
}
Bytes encode_png_stored(const Picture16& picture, std::span<const PngText> texts) {
  return encode_stored(raster_of(picture), texts);
}

void write_png(const std::filesystem::path& file, const Picture& picture, std::span<const PngText> texts) {
  write_bytes(file, encode_png(picture, texts));
}
void write_png(const std::filesystem::path& file, const Picture16& picture, std::span<const PngText> texts) {
  write_bytes(file, encode_png(picture, texts));
}

}  // namespace nodulus
