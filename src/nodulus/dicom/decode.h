#pragma once

#include <cstdint>
#include <vector>

#include "nodulus/dicom/layout.h"
#include "nodulus/dicom/slice_header.h"

namespace nodulus::dicom {

/// One frame's samples; its memory is used again from frame to frame.
struct FrameWords {
  /// As the file or its codec gives them: unmasked, unsigned, rows * columns. What lies above BitsStored may be
  /// anything (overlays, sign bits, nothing).
  std::vector<std::uint32_t> words;
  std::vector<std::uint8_t> bytes;  ///< For the decoder.
};

/// Throws Error{bad_input} for pixels that are truncated or damaged, or a transfer syntax without a decoder.
void decode_frame(const Layout& layout, const SliceHeader& header, FrameWords& frame);

/// Why the pixel element cannot hold the frames that the header promises; or empty.
std::string frames_missing(const Layout& layout, const SliceHeader& header);

}  // namespace nodulus::dicom
