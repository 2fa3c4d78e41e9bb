#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace nodulus::dicom {

/// The families of compressed pixels that DICOM carries.
enum class Compression { none, rle, jpeg, jpeg_ls, jpeg2000 };

/// What a compressed frame says of itself, before anything is decoded.
struct Codestream {
  int rows = 0;
  int columns = 0;
  int components = 0;
  int precision = 0;       ///< Bits a sample.
  bool lossless = false;   ///< JPEG alone: the lossless process.
  bool is_signed = false;  ///< JPEG 2000 alone states it.
};

/// Throws Error{bad_input}: a frame that cannot be decoded, and why.
[[noreturn]] void refuse_frame(const std::string& why);

/// Reads the frame header of a JPEG (ITU-T T.81), JPEG-LS (T.87) or JPEG 2000 (T.800) stream and checks that the
/// stream is whole: its end marker is there, and the tile-parts of JPEG 2000 fill it exactly. Decoders do not:
/// they fill what is missing with zeros or grey.
/// Throws Error{bad_input} naming what is missing.
Codestream inspect_codestream(Compression compression, std::span<const std::uint8_t> stream);

/// Decodes one frame of RLE (DICOM PS3.5 annex G): a segment for each byte of a sample, the most significant
/// first. Returns rows * columns * bytes_a_sample bytes, little endian.
/// Throws Error{bad_input} where segments are missing, or hold less or more than the frame.
std::vector<std::uint8_t> decode_rle(std::span<const std::uint8_t> stream, std::size_t pixels, int bytes_a_sample);

}  // namespace nodulus::dicom
