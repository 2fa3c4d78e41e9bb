#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "nodulus/dicom/slice_header.h"

namespace nodulus::dicom {

/// What stands where the scanner measured nothing (PixelPaddingValue). Below any HU that CT can measure
/// (vacuum is about -1024), so that it is told from air; scanners that write padding as an HU use about
/// -2000 to -3024 as well, and a lung window maps all of these to black.
inline constexpr std::int16_t kPaddingHu = -2048;

/// One slice in Hounsfield units.
struct Slice {
  SliceHeader header;
  std::vector<std::int16_t> hu;  ///< rows * columns, row by row from the top left.
};

/// The values of one frame as the file stores them, before rescale.
struct StoredFrame {
  std::vector<std::int64_t> values;      ///< rows * columns; BitsStored taken out, sign extended.
  std::vector<std::uint8_t> is_padding;  ///< 1 where the value is PixelPaddingValue (up to the range limit).
};

/// Reads slices; keeps the last file open, so that the frames of a multi-frame file cost one walk through it.
/// Not to be shared by threads: give each its own.
class SliceReader {
 public:
  SliceReader();
  ~SliceReader();
  SliceReader(SliceReader&&) noexcept;
  SliceReader& operator=(SliceReader&&) noexcept;

  /// Decodes the frame that the header names and turns it into HU.
  /// MONOCHROME1 changes how an image is shown, not what its values mean (DICOM PS3.3 C.7.6.3.1.2): HU are the
  /// rescaled values all the same, never inverted.
  /// Throws Error{not_found}, or Error{bad_input} for a file whose pixels are truncated, damaged, in colour, in
  /// floating point, without rescale, or behind a modality LUT instead of one.
  Slice read(const SliceHeader& header);
  /// The same without the rescale, which other modalities need not have. Throws as read() does.
  StoredFrame read_stored(const SliceHeader& header);

 private:
  struct Cache;
  /// The frame's sample words, valid until this thread's next call.
  std::span<const std::uint32_t> words(const SliceHeader& header);

  std::unique_ptr<Cache> cache_;
};

/// One slice; see SliceReader::read().
Slice read_slice(const SliceHeader& header);

}  // namespace nodulus::dicom
