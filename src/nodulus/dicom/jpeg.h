#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace nodulus::dicom {

/// One JPEG frame to decode: its bytes, and the size that its header was found to state.
struct JpegFrame {
  std::span<const std::uint8_t> stream;
  int rows = 0;
  int columns = 0;
};

// GDCM carries the IJG decoder once for each sample width. They are called directly, not through
// gdcm::JPEGCodec: that one prints to stderr, ends the process by assert() on some damage, and accepts one
// warning ("premature end of data segment") whose gap it fills with grey.
//
// Each writes rows * columns samples into `out` and returns an empty string, or what is wrong with the stream.
std::string decode_jpeg8(const JpegFrame& frame, std::uint8_t* out);    ///< Lossy, 8 bits a sample.
std::string decode_jpeg12(const JpegFrame& frame, std::uint16_t* out);  ///< Lossy, 12 bits a sample.
std::string decode_jpeg16(const JpegFrame& frame, std::uint16_t* out);  ///< Lossless, 2 to 16 bits a sample.

}  // namespace nodulus::dicom
