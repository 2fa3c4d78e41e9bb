#include "nodulus/dicom/decode.h"

#include <gdcmByteValue.h>
#include <gdcmDataElement.h>
#include <gdcmFragment.h>
#include <gdcmJPEG2000Codec.h>
#include <gdcmJPEGLSCodec.h>
#include <gdcmPhotometricInterpretation.h>
#include <gdcmPixelFormat.h>
#include <gdcmSequenceOfFragments.h>

#include <algorithm>
#include <array>
#include <span>
#include <string_view>

#include "nodulus/core/error.h"
#include "nodulus/dicom/codestream.h"
#include "nodulus/dicom/gdcm_quiet.h"
#include "nodulus/dicom/jpeg.h"

namespace nodulus::dicom {
namespace {

/// The compressed transfer syntaxes that have a decoder (PS3.5 annex A.4).
struct Syntax {
  std::string_view uid;
  Compression compression;
  bool lossy;
};
constexpr std::array<Syntax, 11> kSyntaxes = {{
    {"1.2.840.10008.1.2.4.50", Compression::jpeg, true},   // baseline
    {"1.2.840.10008.1.2.4.51", Compression::jpeg, true},   // extended
    {"1.2.840.10008.1.2.4.53", Compression::jpeg, true},   // spectral selection (retired)
    {"1.2.840.10008.1.2.4.55", Compression::jpeg, true},   // full progression (retired)
    {"1.2.840.10008.1.2.4.57", Compression::jpeg, false},  // lossless
    {"1.2.840.10008.1.2.4.70", Compression::jpeg, false},  // lossless, first-order prediction
    {"1.2.840.10008.1.2.4.80", Compression::jpeg_ls, false},
    {"1.2.840.10008.1.2.4.81", Compression::jpeg_ls, true},
    {"1.2.840.10008.1.2.4.90", Compression::jpeg2000, false},
    {"1.2.840.10008.1.2.4.91", Compression::jpeg2000, true},
    {"1.2.840.10008.1.2.5", Compression::rle, false},
}};

const Syntax& syntax_of(const SliceHeader& header) {
  for (const Syntax& syntax : kSyntaxes) {
    if (syntax.uid == header.transfer_syntax_uid) return syntax;
  }
  refuse_frame("no decoder for transfer syntax " + header.transfer_syntax_uid);
}

/// A lossy stream of more bits than are stored overshoots BitsStored at edges: such samples are numbers beyond
/// the range, and taking BitsStored bits out of them would turn the brightest into the darkest.
void saturate(std::vector<std::uint32_t>& words, const SliceHeader& header, int bytes_a_sample) {
  const std::int64_t range = std::int64_t{1} << header.bits_stored;
  const std::int64_t low = header.is_signed ? -range / 2 : 0;
  for (std::uint32_t& word : words) {
    std::int64_t value = word;
    if (header.is_signed)
      value = bytes_a_sample == 1 ? std::int64_t{static_cast<std::int8_t>(word)}
                                  : std::int64_t{static_cast<std::int16_t>(word)};
    word = static_cast<std::uint32_t>(std::clamp(value, low, low + range - 1));
  }
}

void to_words(std::span<const std::uint8_t> bytes, int bytes_a_sample, bool big_endian,
              std::vector<std::uint32_t>& words) {
  const auto width = static_cast<std::size_t>(bytes_a_sample);
  words.resize(bytes.size() / width);
  if (width == 2 && !big_endian) {
    for (std::size_t i = 0; i < words.size(); ++i) {
      words[i] = static_cast<std::uint32_t>(bytes[2 * i] | (bytes[2 * i + 1] << 8));
    }
    return;
  }
  for (std::size_t i = 0; i < words.size(); ++i) {
    std::uint32_t word = 0;
    for (std::size_t b = 0; b < width; ++b) word = (word << 8) | bytes[i * width + (big_endian ? b : width - 1 - b)];
    words[i] = word;
  }
}

std::vector<std::uint32_t> words_of(std::span<const std::uint8_t> bytes, int bytes_a_sample, bool big_endian) {
  std::vector<std::uint32_t> words;
  to_words(bytes, bytes_a_sample, big_endian, words);
  return words;
}

void decode_native(const Layout& layout, const SliceHeader& header, FrameWords& frame) {
  const int width = header.bits_allocated / 8;
  const std::uint64_t length = std::uint64_t(header.rows) * header.columns * width;
  const std::uint64_t start = length * header.frame_index;
  if (start + length > layout.native.length) {
    refuse_frame("truncated: frame " + std::to_string(header.frame_index) + " needs " + std::to_string(length) +
                 " bytes, the file holds " +
                 std::to_string(layout.native.length > start ? layout.native.length - start : 0) + " of them");
  }
  const bool ge_private = header.transfer_syntax_uid == "1.2.840.113619.5.2";
  layout.source->copy(layout.native.offset + start, length, frame.bytes);
  to_words(frame.bytes, width, layout.encoding.big_endian || ge_private, frame.words);
}

/// The fragments of one frame: all of them for a single frame, one each where the counts match, else by the
/// basic offset table (PS3.5 A.4).
std::vector<Extent> fragments_of(const Layout& layout, const SliceHeader& header) {
  if (layout.fragments.size() < 2) refuse_frame("truncated: no pixel fragments");
  std::vector<Extent> pieces(layout.fragments.begin() + 1, layout.fragments.end());
  const auto frames = static_cast<std::size_t>(header.frames);
  const auto index = static_cast<std::size_t>(header.frame_index);
  if (frames == 1) return pieces;
  if (pieces.size() == frames) return {pieces[index]};
  const Extent table = layout.fragments.front();
  if (table.length != 4 * std::uint64_t{frames}) {
    refuse_frame(std::to_string(pieces.size()) + " fragments for " + std::to_string(frames) +
                 " frames, and no offset table");
  }
  const auto offsets = words_of(layout.source->copy(table.offset, table.length), 4, false);
  const std::uint64_t origin = pieces.front().offset - 8;  // Offsets count from the first item's tag.
  std::vector<Extent> chosen;
  for (const Extent& piece : pieces) {
    const std::uint64_t at = piece.offset - 8 - origin;
    if (at >= offsets[index] && (index + 1 == frames || at < offsets[index + 1])) chosen.push_back(piece);
  }
  if (chosen.empty()) refuse_frame("the offset table points at no fragment of frame " + std::to_string(index));
  return chosen;
}

/// GDCM's decoders size their output by the header and fill it by the stream: the two must agree.
void check_stream(const Codestream& stream, const SliceHeader& header) {
  if (stream.rows != header.rows || stream.columns != header.columns) {
    refuse_frame("the compressed frame is " + std::to_string(stream.rows) + " x " + std::to_string(stream.columns) +
                 ", the header says " + std::to_string(header.rows) + " x " + std::to_string(header.columns));
  }
  if (stream.components != 1) {
    refuse_frame("the compressed frame has " + std::to_string(stream.components) + " components, expected 1");
  }
  if (stream.precision < 1 || stream.precision > header.bits_allocated || stream.precision > 16) {
    refuse_frame("the compressed frame has " + std::to_string(stream.precision) +
                 " bits a sample, the header allocates " + std::to_string(header.bits_allocated));
  }
  if (header.is_signed && !stream.is_signed && stream.precision < header.bits_stored) {
    refuse_frame("signed pixels of " + std::to_string(header.bits_stored) + " bits in a compressed frame of " +
                 std::to_string(stream.precision) + " bits: the sign is not in it");
  }
}

std::vector<std::uint32_t> decode_jpeg(const Codestream& stream, const std::vector<std::uint8_t>& bytes,
                                       const SliceHeader& header) {
  const JpegFrame frame{bytes, header.rows, header.columns};
  const std::size_t pixels = static_cast<std::size_t>(header.rows) * static_cast<std::size_t>(header.columns);
  std::string problem;
  std::vector<std::uint32_t> words;
  if (!stream.lossless && stream.precision == 8) {
    std::vector<std::uint8_t> samples(pixels);
    problem = decode_jpeg8(frame, samples.data());
    words.assign(samples.begin(), samples.end());
  } else if (stream.lossless || stream.precision == 12) {
    std::vector<std::uint16_t> samples(pixels);
    problem = stream.lossless ? decode_jpeg16(frame, samples.data()) : decode_jpeg12(frame, samples.data());
    words.assign(samples.begin(), samples.end());
  } else {
    problem = "a lossy process of " + std::to_string(stream.precision) + " bits a sample";
  }
  if (!problem.empty()) refuse_frame("damaged: the JPEG decoder says: " + problem);
  return words;
}

/// What GDCM is told of the samples is what the stream says.
gdcm::PixelFormat format_of(const Codestream& stream) {
  const auto stored = static_cast<unsigned short>(stream.precision);
  const unsigned short allocated = stored <= 8 ? 8 : 16;
  return gdcm::PixelFormat(1, allocated, stored, static_cast<unsigned short>(stored - 1), stream.is_signed ? 1 : 0);
}

template <class Codec>
std::vector<std::uint8_t> decode_with(const std::vector<std::uint8_t>& bytes, const SliceHeader& header,
                                      const Codestream& stream) {
  gdcm::SmartPointer<gdcm::SequenceOfFragments> sequence = gdcm::SequenceOfFragments::New();
  gdcm::Fragment fragment;
  fragment.SetByteValue(reinterpret_cast<const char*>(bytes.data()),
                        gdcm::VL(static_cast<std::uint32_t>(bytes.size())));
  sequence->AddFragment(fragment);
  gdcm::DataElement in(gdcm::Tag(0x7fe0, 0x0010));
  in.SetValue(*sequence);
  Codec codec;
  const std::array<unsigned int, 3> dimensions = {static_cast<unsigned int>(header.columns),
                                                  static_cast<unsigned int>(header.rows), 1};
  codec.SetNumberOfDimensions(2);
  codec.SetDimensions(dimensions.data());
  codec.SetPlanarConfiguration(0);
  codec.SetPhotometricInterpretation(gdcm::PhotometricInterpretation::MONOCHROME2);
  codec.SetPixelFormat(format_of(stream));
  gdcm::DataElement out;
  bool decoded = false;
  try {
    decoded = codec.Decode(in, out);
  } catch (const std::exception& error) {
    refuse_frame(std::string("damaged: GDCM cannot decode the compressed frame: ") + error.what());
  }
  const gdcm::ByteValue* value = decoded ? out.GetByteValue() : nullptr;
  if (value == nullptr) refuse_frame("damaged: GDCM cannot decode the compressed frame");
  const auto* start = reinterpret_cast<const std::uint8_t*>(value->GetPointer());
  return {start, start + static_cast<std::size_t>(value->GetLength())};
}

std::vector<std::uint32_t> decode_compressed(const Layout& layout, const SliceHeader& header) {
  const Syntax& syntax = syntax_of(header);
  std::vector<std::uint8_t> bytes;
  for (const Extent& piece : fragments_of(layout, header)) {
    const auto part = layout.source->copy(piece.offset, piece.length);
    bytes.insert(bytes.end(), part.begin(), part.end());
  }
  const std::size_t pixels = static_cast<std::size_t>(header.rows) * static_cast<std::size_t>(header.columns);
  if (syntax.compression == Compression::rle) {
    return words_of(decode_rle(bytes, pixels, header.bits_allocated / 8), header.bits_allocated / 8, false);
  }
  // Where samples are not in the lowest bits, what codec and header mean together would have to be guessed.
  if (header.high_bit != header.bits_stored - 1) refuse_frame("compressed pixels that are not in the lowest bits");
  const Codestream stream = inspect_codestream(syntax.compression, bytes);
  check_stream(stream, header);
  const int width = stream.precision <= 8 ? 1 : 2;
  std::vector<std::uint32_t> words;
  if (syntax.compression == Compression::jpeg) {
    words = decode_jpeg(stream, bytes, header);
  } else {
    const std::vector<std::uint8_t> raw = syntax.compression == Compression::jpeg_ls
                                              ? decode_with<gdcm::JPEGLSCodec>(bytes, header, stream)
                                              : decode_with<gdcm::JPEG2000Codec>(bytes, header, stream);
    if (raw.size() != pixels * static_cast<std::size_t>(width)) {
      refuse_frame("damaged: the compressed frame gave " + std::to_string(raw.size()) + " bytes, expected " +
                   std::to_string(pixels * static_cast<std::size_t>(width)));
    }
    words = words_of(raw, width, false);
  }
  if (syntax.lossy && stream.precision > header.bits_stored) saturate(words, header, width);
  return words;
}

}  // namespace

void decode_frame(const Layout& layout, const SliceHeader& header, FrameWords& frame) {
  quieten_gdcm();
  if (!layout.pixels_cut.empty()) refuse_frame("truncated: " + layout.pixels_cut);
  if (layout.encapsulated) {
    frame.words = decode_compressed(layout, header);
  } else {
    decode_native(layout, header, frame);
  }
}

std::string frames_missing(const Layout& layout, const SliceHeader& header) {
  if (layout.encapsulated) {
    const std::size_t pieces = layout.fragments.empty() ? 0 : layout.fragments.size() - 1;
    if (pieces >= static_cast<std::size_t>(header.frames)) return {};
    return std::to_string(pieces) + " pixel fragments for " + std::to_string(header.frames) + " frames";
  }
  if (header.samples_per_pixel != 1 || header.bits_allocated % 8 != 0) return {};
  const std::uint64_t need = std::uint64_t(header.rows) * header.columns * (header.bits_allocated / 8) * header.frames;
  if (layout.native.length >= need) return {};
  return std::to_string(header.frames) + " frame(s) of " + std::to_string(header.rows) + " x " +
         std::to_string(header.columns) + " need " + std::to_string(need) + " bytes, the pixel element has " +
         std::to_string(layout.native.length);
}

}  // namespace nodulus::dicom
