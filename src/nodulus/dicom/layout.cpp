#include "nodulus/dicom/layout.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <limits>
#include <optional>
#include <string_view>

#include "nodulus/core/error.h"

namespace nodulus::dicom {
namespace {

constexpr std::uint32_t kUndefined = 0xFFFFFFFFu;
constexpr std::uint32_t kItem = 0xFFFEE000u;
constexpr std::uint32_t kItemEnd = 0xFFFEE00Du;
constexpr std::uint32_t kSequenceEnd = 0xFFFEE0DDu;
constexpr std::uint32_t kFloatPixels = 0x7FE00008u;
constexpr std::uint32_t kDoublePixels = 0x7FE00009u;
constexpr std::uint32_t kPixels = 0x7FE00010u;
constexpr std::uint32_t kTransferSyntax = 0x00020010u;
constexpr int kDeepest = 32;
constexpr std::uint64_t kLargestInflated = std::uint64_t{4} << 30;

constexpr std::string_view kImplicitLittle = "1.2.840.10008.1.2";
constexpr std::string_view kDeflated = "1.2.840.10008.1.2.1.99";
constexpr std::string_view kExplicitBig = "1.2.840.10008.1.2.2";
/// GE's private syntax: an implicit little endian data set whose pixels alone are big endian.
constexpr std::string_view kGePrivate = "1.2.840.113619.5.2";

struct Fault {
  std::string reason;
  std::string detail;
};

std::string tag_name(std::uint32_t tag) {
  std::array<char, 16> text{};
  std::snprintf(text.data(), text.size(), "(%04x,%04x)", tag >> 16, tag & 0xFFFF);
  return text.data();
}

bool has_long_length(std::string_view vr) {
  constexpr std::array<std::string_view, 13> kLong = {"OB", "OD", "OF", "OL", "OV", "OW", "SQ",
                                                      "SV", "UC", "UN", "UR", "UT", "UV"};
  return std::find(kLong.begin(), kLong.end(), vr) != kLong.end();
}

bool is_vr(std::string_view vr) {
  constexpr std::array<std::string_view, 21> kShort = {"AE", "AS", "AT", "CS", "DA", "DS", "DT", "FD", "FL", "IS", "LO",
                                                       "LT", "PN", "SH", "SL", "SS", "ST", "TM", "UI", "UL", "US"};
  return has_long_length(vr) || std::find(kShort.begin(), kShort.end(), vr) != kShort.end();
}

struct Element {
  std::uint64_t offset = 0;
  std::uint32_t tag = 0;
  std::array<char, 2> vr{};
  std::uint32_t length = 0;
  std::uint64_t value = 0;
  [[nodiscard]] std::string_view vr_text() const { return {vr.data(), 2}; }
};

/// Steps from tag to tag. Faults are thrown as Fault and caught in find_layout() alone.
class Walker {
 public:
  Walker(ByteSource& source, Encoding encoding) : source_(source), encoding_(encoding) {}

  [[nodiscard]] Element read(std::uint64_t offset, std::uint64_t end) const {
    Element element;
    element.offset = offset;
    need(offset, 8, end, "an element");
    element.tag = tag_at(offset);
    const bool delimiter = (element.tag >> 16) == 0xFFFE;
    if (!encoding_.explicit_vr || delimiter) {
      element.length = number(offset + 4, 4);
      element.value = offset + 8;
      return element;
    }
    const auto bytes = source_.peek(offset + 4, 2);
    element.vr = {static_cast<char>(bytes[0]), static_cast<char>(bytes[1])};
    if (!is_vr(element.vr_text())) {
      throw Fault{"damaged header", "element " + tag_name(element.tag) + " at byte " + std::to_string(offset) +
                                        " has no value representation that DICOM knows"};
    }
    if (has_long_length(element.vr_text())) {
      need(offset, 12, end, "element " + tag_name(element.tag));
      element.length = number(offset + 8, 4);
      element.value = offset + 12;
    } else {
      element.length = number(offset + 6, 2);
      element.value = offset + 8;
    }
    return element;
  }

  /// The offset behind an element's value, everything within it checked.
  [[nodiscard]] std::uint64_t skip(const Element& element, std::uint64_t end, int depth) const {
    if (element.length == kUndefined) return skip_items(element, element.value, end, true, depth);
    need(element.value, element.length, end, "element " + tag_name(element.tag));
    const std::uint64_t after = element.value + element.length;
    if (element.length >= 8 && holds_items(element)) skip_items(element, element.value, after, false, depth);
    return after;
  }

 private:
  void need(std::uint64_t offset, std::uint64_t count, std::uint64_t end, const std::string& what) const {
    if (offset <= end && count <= end - offset) return;
    const bool at_file_end = end == source_.size();
    throw Fault{at_file_end ? "truncated" : "damaged header",
                what + " at byte " + std::to_string(offset) + " wants " + std::to_string(count) + " bytes, " +
                    (at_file_end ? "the file has " : "its sequence has ") +
                    std::to_string(end > offset ? end - offset : 0)};
  }

  [[nodiscard]] std::uint32_t number(std::uint64_t offset, std::size_t count) const {
    const auto bytes = source_.peek(offset, count);
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t from = encoding_.big_endian ? i : count - 1 - i;
      value = (value << 8) | bytes[from];
    }
    return value;
  }

  [[nodiscard]] std::uint32_t tag_at(std::uint64_t offset) const {
    return (number(offset, 2) << 16) | number(offset + 2, 2);
  }

  /// A sequence says so in its VR; without VRs, by its first item.
  [[nodiscard]] bool holds_items(const Element& element) const {
    if (encoding_.explicit_vr) return element.vr_text() == "SQ";
    return tag_at(element.value) == kItem;
  }

  std::uint64_t skip_items(const Element& owner, std::uint64_t at, std::uint64_t end, bool delimited, int depth) const {
    if (depth >= kDeepest) throw Fault{"damaged header", "sequences are nested more than 32 deep"};
    // Undefined length under VR UN holds implicit VR items (PS3.5 section 6.2.2, note 2).
    if (encoding_.explicit_vr && owner.vr_text() == "UN") {
      return Walker(source_, {false, encoding_.big_endian}).skip_items(owner, at, end, delimited, depth);
    }
    while (delimited || at < end) {
      const Element item = read(at, end);
      if (delimited && item.tag == kSequenceEnd) return item.value;
      if (item.tag != kItem) {
        throw Fault{"damaged header", "expected an item of " + tag_name(owner.tag) + " at byte " + std::to_string(at) +
                                          ", found " + tag_name(item.tag)};
      }
      at = skip_item(item, end, depth);
    }
    return end;
  }

  std::uint64_t skip_item(const Element& item, std::uint64_t end, int depth) const {
    const bool delimited = item.length == kUndefined;
    if (!delimited) need(item.value, item.length, end, "an item");
    const std::uint64_t item_end = delimited ? end : item.value + item.length;
    std::uint64_t at = item.value;
    while (delimited || at < item_end) {
      const Element element = read(at, item_end);
      if (delimited && element.tag == kItemEnd) return element.value;
      at = skip(element, item_end, depth + 1);
    }
    return item_end;
  }

  ByteSource& source_;
  Encoding encoding_;
};

bool is_text_at(ByteSource& source, std::uint64_t offset, std::string_view text) {
  if (!source.holds(offset, text.size())) return false;
  const auto bytes = source.peek(offset, text.size());
  return std::equal(text.begin(), text.end(), bytes.begin(),
                    [](char a, std::uint8_t b) { return static_cast<std::uint8_t>(a) == b; });
}

std::string trimmed_text(const std::vector<std::uint8_t>& bytes) {
  std::string text(bytes.begin(), bytes.end());
  while (!text.empty() && (text.back() == '\0' || text.back() == ' ')) text.pop_back();
  return text;
}

/// The first element of a data set without meta header tells its encoding: group 0008 in either byte order,
/// and two capital letters of a VR or none. ACR-NEMA and careless exports leave the meta header out.
std::optional<Encoding> bare_encoding(ByteSource& source) {
  if (!source.holds(0, 8)) return std::nullopt;
  const auto bytes = source.peek(0, 8);
  const bool little = bytes[0] == 0x08 && bytes[1] == 0x00;
  const bool big = bytes[0] == 0x00 && bytes[1] == 0x08;
  if (!little && !big) return std::nullopt;
  const std::array<char, 2> vr = {static_cast<char>(bytes[4]), static_cast<char>(bytes[5])};
  return Encoding{is_vr({vr.data(), 2}), big};
}

/// Reads the meta header (explicit little endian, group 0002; PS3.10 section 7.1).
void read_meta(Layout& layout, std::uint64_t at) {
  const Walker walker(*layout.source, {true, false});
  const std::uint64_t end = layout.source->size();
  while (layout.source->holds(at, 8)) {
    const auto group = layout.source->peek(at, 2);
    if (group[0] != 0x02 || group[1] != 0x00) break;
    const Element element = walker.read(at, end);
    const std::uint64_t after = walker.skip(element, end, 0);
    if (element.tag == kTransferSyntax && element.length <= 64) {
      layout.transfer_syntax_uid = trimmed_text(layout.source->copy(element.value, element.length));
    }
    at = after;
  }
  layout.data_set = at;
  if (layout.transfer_syntax_uid.empty()) throw Fault{"damaged header", "the meta header names no transfer syntax"};
  const std::string& uid = layout.transfer_syntax_uid;
  layout.encoding.explicit_vr = uid != kImplicitLittle && uid != kGePrivate;
  layout.encoding.big_endian = uid == kExplicitBig;
}

void find_start(Layout& layout) {
  ByteSource& source = *layout.source;
  if (is_text_at(source, 128, "DICM")) return read_meta(layout, 132);
  if (is_text_at(source, 0, "DICM")) return read_meta(layout, 4);
  if (source.holds(0, 6) && is_text_at(source, 0, std::string_view("\x02\0", 2)) && is_text_at(source, 4, "U")) {
    return read_meta(layout, 0);
  }
  const std::optional<Encoding> bare = bare_encoding(source);
  if (!bare) throw Fault{"not DICOM", "neither \"DICM\" at byte 128 nor a data set of group 0008 at byte 0"};
  layout.encoding = *bare;
}

/// Replaces the file by its inflated data set.
void inflate_layout(Layout& layout) {
  const auto packed = layout.source->copy(layout.data_set, layout.source->size() - layout.data_set);
  try {
    layout.source = std::make_shared<ByteSource>(inflate_raw(packed, kLargestInflated));
  } catch (const Error& error) {
    throw Fault{"truncated", error.what()};
  }
  layout.data_set = 0;
}

void find_fragments(Layout& layout, const Walker& walker, std::uint64_t at) {
  const std::uint64_t end = layout.source->size();
  try {
    for (;;) {
      const Element item = walker.read(at, end);
      if (item.tag == kSequenceEnd) return;
      if (item.tag != kItem || item.length == kUndefined) {
        throw Fault{"damaged",
                    "expected a pixel fragment at byte " + std::to_string(at) + ", found " + tag_name(item.tag)};
      }
      at = walker.skip({item.offset, item.tag, {'O', 'B'}, item.length, item.value}, end, 0);
      layout.fragments.push_back({item.value, item.length});
    }
  } catch (const Fault& fault) {
    layout.pixels_cut = fault.detail;
  }
}

void find_pixels(Layout& layout, const Walker& walker, const Element& element) {
  layout.pixels = element.tag == kPixels ? Layout::Pixels::integer : Layout::Pixels::floating;
  if (element.length == kUndefined) {
    layout.encapsulated = true;
    find_fragments(layout, walker, element.value);
    return;
  }
  const std::uint64_t left = layout.source->size() - element.value;
  layout.pixels_declared = element.length;
  layout.native = {element.value, std::min<std::uint64_t>(element.length, left)};
  if (element.length > left) {
    layout.pixels_cut = "the pixels are " + std::to_string(element.length) + " bytes, the file holds " +
                        std::to_string(left) + " of them";
  }
}

void walk(Layout& layout) {
  find_start(layout);
  if (layout.transfer_syntax_uid == kDeflated) inflate_layout(layout);
  const Walker walker(*layout.source, layout.encoding);
  const std::uint64_t end = layout.source->size();
  std::uint64_t at = layout.data_set;
  while (at < end) {
    layout.pixel_element = at;
    const Element element = walker.read(at, end);
    if (element.tag == kPixels || element.tag == kFloatPixels || element.tag == kDoublePixels) {
      find_pixels(layout, walker, element);
      return;
    }
    // What follows the pixels (padding, signatures) is nothing to us, and cannot come before them.
    if (element.tag > kPixels) return;
    at = walker.skip(element, end, 0);
  }
  layout.pixel_element = end;
}

}  // namespace

std::variant<Layout, Reject> find_layout(const std::string& path) {
  try {
    Layout layout;
    layout.source = std::make_shared<ByteSource>(path);
    if (layout.source->size() == 0) return Reject{path, "empty file", "expected DICOM, found 0 bytes"};
    walk(layout);
    return layout;
  } catch (const Fault& fault) {
    return Reject{path, fault.reason, fault.detail};
  } catch (const Error& error) {
    return Reject{path, error.code() == ErrorCode::not_found ? "not found" : "unreadable file", error.what()};
  }
}

}  // namespace nodulus::dicom
