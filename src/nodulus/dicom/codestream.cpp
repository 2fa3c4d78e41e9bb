#include "nodulus/dicom/codestream.h"

#include <string>

#include "nodulus/core/error.h"

namespace nodulus::dicom {
namespace {

/// Big endian numbers at checked offsets.
class Reader {
 public:
  explicit Reader(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}
  [[nodiscard]] std::size_t size() const { return bytes_.size(); }
  [[nodiscard]] std::uint32_t at(std::size_t offset, std::size_t count) const {
    if (offset > bytes_.size() || count > bytes_.size() - offset) {
      refuse_frame("truncated: the compressed frame ends within its header, at byte " + std::to_string(bytes_.size()));
    }
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < count; ++i) value = (value << 8) | bytes_[offset + i];
    return value;
  }

 private:
  std::span<const std::uint8_t> bytes_;
};

/// Where the end marker FFD9 starts. Encoders pad with zeros, a few with FF; nothing else may follow it.
std::size_t end_marker(std::span<const std::uint8_t> stream) {
  std::size_t end = stream.size();
  while (end > 0 && (stream[end - 1] == 0x00 || stream[end - 1] == 0xFF)) --end;
  if (end < 2 || stream[end - 1] != 0xD9 || stream[end - 2] != 0xFF) {
    refuse_frame("truncated: the compressed frame lacks its end marker");
  }
  return end - 2;
}

bool is_frame_header(std::uint32_t marker, Compression compression) {
  if (compression == Compression::jpeg_ls) return marker == 0xFFF7;
  // Baseline, extended, progressive, lossless: all Huffman coded. Arithmetic coding is not in GDCM.
  return marker >= 0xFFC0 && marker <= 0xFFC3;
}

bool is_foreign_frame_header(std::uint32_t marker) {
  return (marker >= 0xFFC0 && marker <= 0xFFCF && marker != 0xFFC4 && marker != 0xFFC8 && marker != 0xFFCC) ||
         marker == 0xFFF7;
}

Codestream inspect_jpeg(Compression compression, std::span<const std::uint8_t> stream) {
  const Reader reader(stream);
  if (reader.at(0, 2) != 0xFFD8) refuse_frame("damaged: the compressed frame does not start with a JPEG marker");
  std::size_t at = 2;
  for (;;) {
    const std::uint32_t marker = reader.at(at, 2);
    if (marker == 0xFFFF) {  // Fill bytes may stand before a marker.
      ++at;
      continue;
    }
    if (marker < 0xFF01 || marker == 0xFFDA || marker == 0xFFD9)
      refuse_frame("damaged: no frame header in the JPEG stream");
    const std::uint32_t length = reader.at(at + 2, 2);
    if (length < 2) refuse_frame("damaged: a JPEG segment of length " + std::to_string(length));
    if (is_frame_header(marker, compression)) {
      Codestream found;
      found.lossless = marker == 0xFFC3;
      found.precision = static_cast<int>(reader.at(at + 4, 1));
      found.rows = static_cast<int>(reader.at(at + 5, 2));
      found.columns = static_cast<int>(reader.at(at + 7, 2));
      found.components = static_cast<int>(reader.at(at + 9, 1));
      end_marker(stream);
      return found;
    }
    if (is_foreign_frame_header(marker)) refuse_frame("a JPEG process that is not the one of the transfer syntax");
    at += 2 + length;
  }
}

/// JP2 files wrap the codestream in boxes; DICOM forbids it and some writers do it.
std::span<const std::uint8_t> unwrap_jp2(std::span<const std::uint8_t> stream) {
  const Reader reader(stream);
  std::size_t at = 0;
  while (at + 8 <= stream.size()) {
    const std::uint32_t length = reader.at(at, 4);
    const std::uint32_t type = reader.at(at + 4, 4);
    if (type == 0x6A703263) return stream.subspan(at + 8);
    if (length < 8) break;
    at += length;
  }
  refuse_frame("damaged: a JP2 file without a codestream");
}

/// Walks the tile-parts by their lengths (T.800 A.4.2); they must lead to the end marker.
void check_tile_parts(const Reader& reader, std::size_t at, std::size_t end) {
  while (at < end) {
    const std::uint32_t marker = reader.at(at, 2);
    if (marker == 0xFF90) {
      const std::uint32_t length = reader.at(at + 6, 4);
      if (length == 0) return;  // The last tile-part reaches to the end marker.
      if (length < 14 || length > end - at)
        refuse_frame("truncated: a JPEG 2000 tile-part runs past the end of the frame");
      at += length;
    } else {
      refuse_frame("damaged: expected a JPEG 2000 tile-part at byte " + std::to_string(at));
    }
  }
}

Codestream inspect_jpeg2000(std::span<const std::uint8_t> stream) {
  if (Reader(stream).at(0, 4) == 0x0000000C) stream = unwrap_jp2(stream);
  const Reader reader(stream);
  if (reader.at(0, 4) != 0xFF4FFF51)
    refuse_frame("damaged: the compressed frame does not start with a JPEG 2000 header");
  Codestream found;
  const std::int64_t right = reader.at(8, 4);
  const std::int64_t bottom = reader.at(12, 4);
  const std::int64_t left = reader.at(16, 4);
  const std::int64_t top = reader.at(20, 4);
  found.components = static_cast<int>(reader.at(40, 2));
  const std::uint32_t depth = reader.at(42, 1);
  const std::uint32_t step = reader.at(43, 2);
  if (right - left > 65535 || bottom - top > 65535 || right <= left || bottom <= top) {
    refuse_frame("damaged: a JPEG 2000 image area of " + std::to_string(right - left) + " x " +
                 std::to_string(bottom - top));
  }
  if (step != 0x0101) refuse_frame("a subsampled JPEG 2000 component");
  found.columns = static_cast<int>(right - left);
  found.rows = static_cast<int>(bottom - top);
  found.precision = static_cast<int>(depth & 0x7F) + 1;
  found.is_signed = (depth & 0x80) != 0;
  const std::size_t end = end_marker(stream);
  std::size_t at = 2;
  while (reader.at(at, 2) != 0xFF90) {
    const std::uint32_t length = reader.at(at + 2, 2);
    if (reader.at(at, 2) < 0xFF01 || length < 2) refuse_frame("damaged: a JPEG 2000 segment without a marker");
    at += 2 + length;
  }
  check_tile_parts(reader, at, end);
  return found;
}

/// Undoes PackBits (PS3.5 G.3.2) into every `stride`-th byte of `out`.
void unpack_segment(std::span<const std::uint8_t> segment, std::uint8_t* out, std::size_t count, int stride) {
  std::size_t at = 0;
  std::size_t done = 0;
  const auto next = [&]() -> std::uint8_t {
    if (at >= segment.size()) {
      refuse_frame("truncated: an RLE segment holds " + std::to_string(done) + " of " + std::to_string(count) +
                   " bytes");
    }
    return segment[at++];
  };
  while (done < count) {
    const std::uint8_t control = next();
    if (control == 128) continue;
    const std::size_t run = control < 128 ? control + 1u : 257u - control;
    // Some encoders run on into the next row or past the frame by their padding byte; more is damage.
    if (run > count - done)
      refuse_frame("damaged: an RLE segment holds more than the frame's " + std::to_string(count) + " bytes");
    const std::uint8_t repeated = control < 128 ? 0 : next();
    for (std::size_t i = 0; i < run; ++i, ++done) {
      out[done * static_cast<std::size_t>(stride)] = control < 128 ? next() : repeated;
    }
  }
}

}  // namespace

void refuse_frame(const std::string& why) { throw Error(ErrorCode::bad_input, why); }

Codestream inspect_codestream(Compression compression, std::span<const std::uint8_t> stream) {
  if (compression == Compression::jpeg2000) return inspect_jpeg2000(stream);
  return inspect_jpeg(compression, stream);
}

std::vector<std::uint8_t> decode_rle(std::span<const std::uint8_t> stream, std::size_t pixels, int bytes_a_sample) {
  constexpr std::size_t kHeader = 64;
  if (stream.size() < kHeader) refuse_frame("truncated: an RLE frame of " + std::to_string(stream.size()) + " bytes");
  const auto number = [&](std::size_t index) {
    const std::uint8_t* p = stream.data() + 4 * index;
    return static_cast<std::uint32_t>(p[0] | (p[1] << 8) | (p[2] << 16)) | (static_cast<std::uint32_t>(p[3]) << 24);
  };
  const auto segments = static_cast<std::uint32_t>(bytes_a_sample);
  if (number(0) != segments) {
    refuse_frame("an RLE frame of " + std::to_string(number(0)) + " segments, expected " + std::to_string(segments));
  }
  std::vector<std::uint8_t> out(pixels * segments);
  for (std::uint32_t i = 0; i < segments; ++i) {
    const std::size_t start = number(1 + i);
    const std::size_t stop = i + 1 < segments ? number(2 + i) : stream.size();
    if (start < kHeader || stop > stream.size() || start > stop) {
      refuse_frame("truncated: RLE segment " + std::to_string(i) + " lies outside its frame");
    }
    unpack_segment(stream.subspan(start, stop - start), out.data() + (segments - 1 - i), pixels, bytes_a_sample);
  }
  return out;
}

}  // namespace nodulus::dicom
