#include "nodulus/dicom/slice.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <span>

#include "nodulus/core/error.h"
#include "nodulus/dicom/decode.h"
#include "nodulus/dicom/layout.h"

namespace nodulus::dicom {
namespace {

/// Takes BitsStored bits that end at HighBit out of a sample word and extends their sign: what lies above and
/// below may hold overlays (DICOM PS3.5 section 8.1.1).
class Unpacker {
 public:
  explicit Unpacker(const SliceHeader& header)
      : shift_(header.high_bit + 1 - header.bits_stored),
        mask_(header.bits_stored == 32 ? 0xFFFFFFFFu : (1u << header.bits_stored) - 1u),
        sign_(header.is_signed ? 1u << (header.bits_stored - 1) : 0u) {}

  [[nodiscard]] std::int64_t operator()(std::uint32_t word) const {
    const std::uint32_t bits = (word >> shift_) & mask_;
    return static_cast<std::int64_t>(bits ^ sign_) - static_cast<std::int64_t>(sign_);
  }
  /// The same for up to 16 bits stored.
  [[nodiscard]] std::int32_t small(std::uint32_t word) const {
    return static_cast<std::int32_t>(((word >> shift_) & mask_) ^ sign_) - static_cast<std::int32_t>(sign_);
  }
  [[nodiscard]] bool can_hold(std::int64_t value) const {
    const std::int64_t low = -static_cast<std::int64_t>(sign_);
    return value >= low && value <= low + static_cast<std::int64_t>(mask_);
  }

 private:
  int shift_;
  std::uint32_t mask_;
  std::uint32_t sign_;
};

/// PixelPaddingValue up to PixelPaddingRangeLimit, in either order (PS3.3 C.7.5.1.1.2). Where the value does not
/// fit BitsStored - a breach of that clause - it is compared with the whole sample word, as written, so that no
/// measured value is taken for it.
class Padding {
 public:
  Padding(const SliceHeader& header, const Unpacker& unpack) {
    if (!header.padding_value) return;
    const std::int64_t value = *header.padding_value;
    const std::int64_t limit = header.padding_limit.value_or(*header.padding_value);
    low_ = std::min(value, limit);
    high_ = std::max(value, limit);
    whole_word_ = !unpack.can_hold(low_) || !unpack.can_hold(high_);
    active_ = !whole_word_ || header.bits_allocated == 16;
  }
  /// True where covers() is `low() <= stored <= high()`.
  [[nodiscard]] bool is_range() const { return !whole_word_; }
  [[nodiscard]] std::int64_t low() const { return low_; }
  [[nodiscard]] std::int64_t high() const { return high_; }
  [[nodiscard]] bool covers(std::uint32_t word, std::int64_t stored) const {
    if (!active_) return false;
    if (!whole_word_) return stored >= low_ && stored <= high_;
    const std::int64_t as_written = low_ < 0 ? static_cast<std::int16_t>(word) : static_cast<std::int64_t>(word);
    return as_written >= low_ && as_written <= high_;
  }

 private:
  bool active_ = false;
  bool whole_word_ = false;
  std::int64_t low_ = 1;  ///< Above high_: no value is padding.
  std::int64_t high_ = 0;
};

/// The usual case, with nothing but whole numbers that 32 bits hold: no rounding, and eight pixels at a time.
bool fill_whole_numbers(std::span<const std::uint32_t> words, const SliceHeader& header, const Unpacker& unpack,
                        const Padding& padding, std::span<std::int16_t> hu) {
  const auto small = [](double value) { return std::trunc(value) == value && std::abs(value) <= 8192; };
  if (header.bits_stored > 16 || !padding.is_range() || !small(header.rescale.slope) ||
      !small(header.rescale.intercept))
    return false;
  const auto slope = static_cast<std::int32_t>(header.rescale.slope);
  const auto intercept = static_cast<std::int32_t>(header.rescale.intercept);
  const auto low = static_cast<std::int32_t>(padding.low());
  const auto high = static_cast<std::int32_t>(padding.high());
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::int32_t stored = unpack.small(words[i]);
    const std::int32_t value = std::clamp(stored * slope + intercept, -32768, 32767);
    hu[i] = static_cast<std::int16_t>(stored >= low && stored <= high ? kPaddingHu : value);
  }
  return true;
}

}  // namespace

struct SliceReader::Cache {
  std::string path;
  std::optional<Layout> layout;

  const Layout& open(const std::string& wanted) {
    if (layout && path == wanted) return *layout;
    layout.reset();
    auto found = find_layout(wanted);
    if (const auto* reject = std::get_if<Reject>(&found)) {
      throw Error(reject->reason == "not found" ? ErrorCode::not_found : ErrorCode::bad_input,
                  reject->reason + ": " + reject->detail);
    }
    path = wanted;
    layout = std::move(std::get<Layout>(found));
    return *layout;
  }
};

SliceReader::SliceReader() : cache_(std::make_unique<Cache>()) {}
SliceReader::~SliceReader() = default;
SliceReader::SliceReader(SliceReader&&) noexcept = default;
SliceReader& SliceReader::operator=(SliceReader&&) noexcept = default;

std::span<const std::uint32_t> SliceReader::words(const SliceHeader& header) {
  try {
    if (!header.pixel_problem.empty()) throw Error(ErrorCode::bad_input, header.pixel_problem);
    // A thread reads many slices of one size: it takes the same memory each time.
    thread_local FrameWords frame;
    decode_frame(cache_->open(header.path), header, frame);
    return frame.words;
  } catch (const Error& error) {
    const std::string frame = header.frames > 1 ? " frame " + std::to_string(header.frame_index) : "";
    throw Error(error.code(), header.path + frame + ": " + error.what());
  }
}

StoredFrame SliceReader::read_stored(const SliceHeader& header) {
  const std::span<const std::uint32_t> sample_words = words(header);
  const Unpacker unpack(header);
  const Padding padding(header, unpack);
  StoredFrame frame;
  frame.values.resize(sample_words.size());
  frame.is_padding.resize(sample_words.size());
  for (std::size_t i = 0; i < sample_words.size(); ++i) {
    frame.values[i] = unpack(sample_words[i]);
    frame.is_padding[i] = padding.covers(sample_words[i], frame.values[i]);
  }
  return frame;
}

Slice SliceReader::read(const SliceHeader& header) {
  if (!header.has_rescale && header.pixel_problem.empty()) {
    throw Error(ErrorCode::bad_input,
                header.path + ": no RescaleSlope and RescaleIntercept, so that no HU follow from the pixels");
  }
  const std::span<const std::uint32_t> sample_words = words(header);
  const Unpacker unpack(header);
  const Padding padding(header, unpack);
  Slice slice{header, std::vector<std::int16_t>(sample_words.size())};
  if (fill_whole_numbers(sample_words, header, unpack, padding, slice.hu)) return slice;
  for (std::size_t i = 0; i < sample_words.size(); ++i) {
    const std::int64_t stored = unpack(sample_words[i]);
    slice.hu[i] = padding.covers(sample_words[i], stored) ? kPaddingHu : header.rescale.to_hu(stored);
  }
  return slice;
}

Slice read_slice(const SliceHeader& header) { return SliceReader().read(header); }

}  // namespace nodulus::dicom
