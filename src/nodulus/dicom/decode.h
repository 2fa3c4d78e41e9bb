#pragma once

#include <cstdint>
#include <vector>

#include "nodulus/dicom/layout.h"
#include "nodulus/dicom/slice_header.h"

namespace nodulus::dicom {

/// The sample words of one frame as the file or its codec gives them: unmasked, unsigned, rows * columns.
/// What lies above BitsStored may be anything (overlays, sign bits, nothing).
/// Throws Error{bad_input} for pixels that are truncated or damaged, or a transfer syntax without a decoder.
std::vector<std::uint32_t> decode_frame(const Layout& layout, const SliceHeader& header);

/// Why the pixel element cannot hold the frames that the header promises; or empty.
std::string frames_missing(const Layout& layout, const SliceHeader& header);

}  // namespace nodulus::dicom
