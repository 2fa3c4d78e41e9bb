#include "nodulus/data/picture_reader.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <limits>
#include <memory>
#include <stdexcept>

// jpeglib.h needs <cstdio> before it
#include <jpeglib.h>
#include <png.h>

#include "nodulus/core/error.h"
#include "nodulus/core/png.h"

namespace nodulus::data {
namespace {

/// A fault of the file, thrown out of the C libraries' callbacks and turned into a Reject here.
struct Fault {
  std::string reason;
  std::string detail;
};

std::string size_text(std::uint64_t width, std::uint64_t height) {
  return std::to_string(width) + "x" + std::to_string(height);
}

void check_size(std::uint64_t width, std::uint64_t height) {
  if (width < 1 || height < 1 || width > max_picture_side || height > max_picture_side) {
    throw Fault{"too large",
                "expected sides of 1 to " + std::to_string(max_picture_side) + ", found " + size_text(width, height)};
  }
}

/// Gray from interleaved 8-bit samples; every pixel's colours must be equal.
void gray_row(const std::uint8_t* samples, int width, int channels, std::int32_t* out) {
  for (int x = 0; x < width; ++x, samples += channels) {
    if (channels >= 3 && (samples[0] != samples[1] || samples[0] != samples[2])) {
      throw Fault{"colour image", "expected gray, found (" + std::to_string(samples[0]) + ", " +
                                      std::to_string(samples[1]) + ", " + std::to_string(samples[2]) + ")"};
    }
    out[x] = samples[0];
  }
}

struct PngSource {
  std::span<const std::byte> bytes;
};

[[noreturn]] void raise_png(png_structp, png_const_charp message) { throw Fault{"damaged PNG", message}; }
void ignore_png(png_structp, png_const_charp) {}

void read_png(png_structp png, png_bytep out, png_size_t size) {
  auto& source = *static_cast<PngSource*>(png_get_io_ptr(png));
  if (source.bytes.size() < size) throw Fault{"damaged PNG", "the file is cut off"};
  std::memcpy(out, source.bytes.data(), size);
  source.bytes = source.bytes.subspan(size);
}

struct PngReadState {
  png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, nullptr, &raise_png, &ignore_png);
  png_infop info = png_create_info_struct(png);
  PngReadState() = default;
  PngReadState(const PngReadState&) = delete;
  PngReadState& operator=(const PngReadState&) = delete;
  ~PngReadState() { png_destroy_read_struct(&png, &info, nullptr); }
};

/// True where a tEXt chunk, before or behind the pixels, has the mark's keyword.
bool is_marked(const PngReadState& state) {
  png_textp texts = nullptr;
  int count = 0;
  png_get_text(state.png, state.info, &texts, &count);
  return std::any_of(texts, texts + count, [](const png_text& text) { return text.key == synthetic_mark.keyword; });
}

GrayImage decode_png(std::span<const std::byte> bytes) {
  PngReadState state;
  PngSource source{bytes};
  png_set_read_fn(state.png, &source, &read_png);
  png_set_user_limits(state.png, max_picture_side, max_picture_side);
  png_read_info(state.png, state.info);
  const png_uint_32 width = png_get_image_width(state.png, state.info);
  const png_uint_32 height = png_get_image_height(state.png, state.info);
  check_size(width, height);
  const int depth = png_get_bit_depth(state.png, state.info);
  const int type = png_get_color_type(state.png, state.info);
  if (depth == 16 && (type & PNG_COLOR_MASK_COLOR) != 0) throw Fault{"16-bit colour", "expected 8-bit or gray"};
  if (type == PNG_COLOR_TYPE_PALETTE) png_set_palette_to_rgb(state.png);
  if (depth < 8) png_set_expand_gray_1_2_4_to_8(state.png);
  if (png_get_valid(state.png, state.info, PNG_INFO_tRNS) != 0) png_set_tRNS_to_alpha(state.png);
  png_set_interlace_handling(state.png);
  png_read_update_info(state.png, state.info);
  const int channels = png_get_channels(state.png, state.info);
  const std::size_t stride = png_get_rowbytes(state.png, state.info);
  std::vector<png_byte> samples(stride * height);
  std::vector<png_bytep> rows(height);
  for (std::size_t y = 0; y < height; ++y) rows[y] = samples.data() + y * stride;
  png_read_image(state.png, rows.data());
  png_read_end(state.png, state.info);

  GrayImage image{static_cast<int>(width), static_cast<int>(height), depth == 16 ? 65535 : 255, {}, is_marked(state)};
  image.values.resize(static_cast<std::size_t>(width) * height);
  const bool has_alpha = channels == 2 || channels == 4;
  const std::size_t step = static_cast<std::size_t>(channels) * (depth == 16 ? 2 : 1);
  for (std::size_t y = 0; y < height; ++y) {
    const png_byte* row = rows[y];
    for (std::size_t x = 0; has_alpha && x < width; ++x) {
      if (row[(x + 1) * step - 1] != 255) throw Fault{"transparent pixels", "expected an opaque picture"};
    }
    std::int32_t* const out = image.values.data() + y * width;
    if (depth != 16) {
      gray_row(row, image.width, channels, out);
      continue;
    }
    for (std::size_t x = 0; x < width; ++x) out[x] = row[x * step] << 8 | row[x * step + 1];
  }
  return image;
}

struct JpegFault : jpeg_error_mgr {
  JpegFault() {
    jpeg_std_error(this);
    error_exit = [](j_common_ptr info) {
      char text[JMSG_LENGTH_MAX];
      (*info->err->format_message)(info, text);
      throw Fault{"damaged JPEG", text};
    };
    // libjpeg goes on past a broken stream with gray filling; here that is a fault.
    emit_message = [](j_common_ptr info, int level) {
      if (level < 0) info->err->error_exit(info);
    };
    output_message = [](j_common_ptr) {};
  }
};

struct JpegReadState {
  JpegFault fault;
  jpeg_decompress_struct info{};
  JpegReadState() {
    info.err = &fault;
    jpeg_create_decompress(&info);
  }
  JpegReadState(const JpegReadState&) = delete;
  JpegReadState& operator=(const JpegReadState&) = delete;
  ~JpegReadState() { jpeg_destroy_decompress(&info); }
};

/// True where a comment begins with the mark's keyword.
bool is_marked(const jpeg_decompress_struct& info) {
  for (jpeg_saved_marker_ptr marker = info.marker_list; marker != nullptr; marker = marker->next) {
    const std::string_view text(reinterpret_cast<const char*>(marker->data), marker->data_length);
    if (text.starts_with(synthetic_mark.keyword + ":")) return true;
  }
  return false;
}

GrayImage decode_jpeg(std::span<const std::byte> bytes) {
  JpegReadState state;
  jpeg_decompress_struct& info = state.info;
  jpeg_mem_src(&info, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
  jpeg_save_markers(&info, JPEG_COM, 1024);
  jpeg_read_header(&info, TRUE);
  check_size(info.image_width, info.image_height);
  if (info.num_components != 1 && info.num_components != 3) {
    throw Fault{"colour image", "expected gray, found " + std::to_string(info.num_components) + " components"};
  }
  info.out_color_space = info.num_components == 1 ? JCS_GRAYSCALE : JCS_RGB;
  jpeg_start_decompress(&info);
  GrayImage image{static_cast<int>(info.output_width), static_cast<int>(info.output_height), 255, {}, is_marked(info)};
  const auto width = static_cast<std::size_t>(image.width);
  image.values.resize(width * static_cast<std::size_t>(image.height));
  std::vector<std::uint8_t> row(width * static_cast<std::size_t>(info.output_components));
  for (std::size_t y = 0; info.output_scanline < info.output_height; ++y) {
    JSAMPROW pointer = row.data();
    jpeg_read_scanlines(&info, &pointer, 1);
    gray_row(row.data(), image.width, info.output_components, image.values.data() + y * width);
  }
  jpeg_finish_decompress(&info);
  return image;
}

template <class T>
GrayImage array_picture(const NpyMap& array, std::int64_t index, int max_value) {
  const auto& shape = array.shape();
  GrayImage image{
      static_cast<int>(shape[shape.size() - 1]), static_cast<int>(shape[shape.size() - 2]), max_value, {}, false};
  const std::size_t size = static_cast<std::size_t>(image.width) * static_cast<std::size_t>(image.height);
  const auto values = array.values<T>().subspan(static_cast<std::size_t>(index) * size, size);
  image.values.reserve(size);
  for (const T value : values) {
    if constexpr (std::is_floating_point_v<T>) {
      if (!std::isfinite(value)) throw Fault{"not finite", "expected HU, found NaN or infinity"};
      image.values.push_back(static_cast<std::int32_t>(std::lround(std::clamp<double>(value, -32768, 32767))));
    } else {
      image.values.push_back(static_cast<std::int32_t>(value));
    }
  }
  return image;
}

bool ends_with(std::string_view name, std::string_view ending) {
  if (name.size() < ending.size()) return false;
  return std::equal(ending.begin(), ending.end(), name.end() - static_cast<std::ptrdiff_t>(ending.size()),
                    [](char a, char b) { return a == (b >= 'A' && b <= 'Z' ? b - 'A' + 'a' : b); });
}

}  // namespace

std::variant<GrayImage, Reject> decode_picture(std::span<const std::byte> bytes, const std::string& where) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  try {
    if (text.starts_with("\x89PNG\r\n\x1a\n")) return decode_png(bytes);
    if (text.starts_with("\xff\xd8\xff")) return decode_jpeg(bytes);
    return Reject{where, "not a picture",
                  bytes.empty() ? "the file is empty" : "expected PNG or JPEG, found other bytes"};
  } catch (const Fault& fault) {
    return Reject{where, fault.reason, fault.detail};
  }
}

std::int64_t npy_pictures(const NpyMap& array) {
  const auto& shape = array.shape();
  if (shape.size() < 2 || shape.size() > 3 || array.type() == NpyType::int64) return 0;
  const std::int64_t width = shape[shape.size() - 1];
  const std::int64_t height = shape[shape.size() - 2];
  if (width < 1 || height < 1 || width > max_picture_side || height > max_picture_side) return 0;
  return shape.size() == 3 ? shape[0] : 1;
}

std::variant<GrayImage, Reject> npy_picture(const NpyMap& array, std::int64_t index) {
  try {
    if (index < 0 || index >= npy_pictures(array)) {
      throw Fault{"not an image array", "expected [H,W] or [N,H,W] of uint8, int16 or floats"};
    }
    switch (array.type()) {
      case NpyType::uint8: return array_picture<std::uint8_t>(array, index, 255);
      case NpyType::int16: return array_picture<std::int16_t>(array, index, 0);
      case NpyType::float32: return array_picture<float>(array, index, 0);
      default: return array_picture<double>(array, index, 0);
    }
  } catch (const Fault& fault) {
    return Reject{array.where(), fault.reason, fault.detail};
  }
}

bool is_npy_name(std::string_view name) { return ends_with(name, ".npy"); }

bool is_picture_name(std::string_view name) {
  return ends_with(name, ".png") || ends_with(name, ".jpg") || ends_with(name, ".jpeg") || is_npy_name(name);
}

std::vector<std::uint8_t> encode_jpeg(std::span<const std::uint8_t> gray, int width, int height, int quality,
                                      const std::string& comment) {
  JpegFault fault;
  jpeg_compress_struct info{};
  info.err = &fault;
  jpeg_create_compress(&info);
  unsigned char* buffer = nullptr;
  unsigned long size = 0;
  const std::shared_ptr<void> cleaner(nullptr, [&](void*) {
    jpeg_destroy_compress(&info);
    std::free(buffer);
  });
  try {
    jpeg_mem_dest(&info, &buffer, &size);
    info.image_width = static_cast<JDIMENSION>(width);
    info.image_height = static_cast<JDIMENSION>(height);
    info.input_components = 1;
    info.in_color_space = JCS_GRAYSCALE;
    jpeg_set_defaults(&info);
    jpeg_set_quality(&info, quality, TRUE);
    jpeg_start_compress(&info, TRUE);
    if (!comment.empty()) {
      jpeg_write_marker(&info, JPEG_COM, reinterpret_cast<const JOCTET*>(comment.data()),
                        static_cast<unsigned>(comment.size()));
    }
    while (info.next_scanline < info.image_height) {
      JSAMPROW row =
          const_cast<JSAMPROW>(gray.data() + static_cast<std::size_t>(info.next_scanline) * info.image_width);
      jpeg_write_scanlines(&info, &row, 1);
    }
    jpeg_finish_compress(&info);
  } catch (const Fault& problem) {
    throw Error(ErrorCode::internal, "libjpeg: " + problem.detail);
  }
  return {buffer, buffer + size};
}

}  // namespace nodulus::data
