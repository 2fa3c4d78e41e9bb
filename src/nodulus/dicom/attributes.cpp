#include "nodulus/dicom/attributes.h"

#include <gdcmDataSet.h>
#include <gdcmReader.h>
#include <gdcmSequenceOfItems.h>

#include <charconv>
#include <cmath>
#include <cstring>
#include <sstream>

#include "nodulus/core/error.h"
#include "nodulus/dicom/gdcm_quiet.h"

namespace nodulus::dicom {
namespace {

gdcm::Tag to_tag(std::uint32_t tag) {
  return {static_cast<std::uint16_t>(tag >> 16), static_cast<std::uint16_t>(tag & 0xFFFF)};
}

std::string trim(std::string_view text) {
  constexpr std::string_view kPadding(" \0\t\r\n", 5);
  const auto first = text.find_first_not_of(kPadding);
  if (first == std::string_view::npos) return {};
  return std::string(text.substr(first, text.find_last_not_of(kPadding) - first + 1));
}

/// The start of a DICOM file (PS3.10 section 7.1) for a data set of this encoding. The file's own start may be
/// missing, or name a compression that the bytes at hand do not have (deflated) or need (pixels are left out).
std::string part10_start(const Encoding& encoding) {
  std::string uid = "1.2.840.10008.1.2";
  if (encoding.explicit_vr) uid += encoding.big_endian ? ".2" : ".1";
  if (uid.size() % 2 != 0) uid.push_back('\0');
  const std::string transfer_syntax = std::string("\x02\0\x10\0UI", 6) + static_cast<char>(uid.size()) + '\0' + uid;
  std::string start(128, '\0');
  start += "DICM";
  start += std::string("\x02\0\0\0UL\x04\0", 8) + static_cast<char>(transfer_syntax.size()) + std::string(3, '\0');
  return start + transfer_syntax;
}

/// A decimal string may start with '+', which std::from_chars does not take.
std::string_view without_plus(std::string_view text) {
  const bool plus = text.size() > 1 && text[0] == '+' && text[1] != '-';
  return plus ? text.substr(1) : text;
}

}  // namespace

Attributes Attributes::read(const Layout& layout) {
  quieten_gdcm();
  if (!layout.encoding.explicit_vr && layout.encoding.big_endian) {
    throw Error(ErrorCode::bad_input, "an implicit big endian data set, which DICOM does not have");
  }
  constexpr std::uint64_t smallest_element = 8;
  if (layout.pixel_element < layout.data_set + smallest_element)  // which GDCM ends the program for
    throw Error(ErrorCode::bad_input, "a data set without elements before its pixels");
  std::string bytes = part10_start(layout.encoding);
  const auto head = layout.source->copy(layout.data_set, layout.pixel_element - layout.data_set);
  bytes.append(head.begin(), head.end());
  std::istringstream stream(std::move(bytes));
  gdcm::Reader reader;
  reader.SetStream(stream);
  bool read = false;
  try {
    read = reader.Read();
  } catch (const std::exception& error) {
    throw Error(ErrorCode::bad_input, std::string("GDCM cannot read the data set: ") + error.what());
  }
  if (!read) throw Error(ErrorCode::bad_input, "GDCM cannot read the data set");
  return Attributes(std::make_shared<const gdcm::DataSet>(reader.GetFile().GetDataSet()));
}

bool Attributes::has(std::uint32_t tag) const { return data_set_->FindDataElement(to_tag(tag)); }

std::string Attributes::bytes(std::uint32_t tag) const {
  if (!has(tag)) return {};
  const gdcm::ByteValue* value = data_set_->GetDataElement(to_tag(tag)).GetByteValue();
  if (value == nullptr || value->GetPointer() == nullptr) return {};
  return {value->GetPointer(), static_cast<std::size_t>(value->GetLength())};
}

std::string Attributes::text(std::uint32_t tag) const { return trim(bytes(tag)); }

std::vector<std::string> Attributes::texts(std::uint32_t tag) const {
  const std::string all = text(tag);
  std::vector<std::string> parts;
  if (all.empty()) return parts;
  std::size_t start = 0;
  for (;;) {
    const std::size_t stop = all.find('\\', start);
    parts.push_back(trim(std::string_view(all).substr(start, stop == std::string::npos ? stop : stop - start)));
    if (stop == std::string::npos) return parts;
    start = stop + 1;
  }
}

std::vector<double> Attributes::decimals(std::uint32_t tag) const {
  std::vector<double> values;
  for (const std::string& part : texts(tag)) {
    const std::string_view digits = without_plus(part);
    double value = 0.0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (error != std::errc{} || end != digits.data() + digits.size() || !std::isfinite(value)) return {};
    values.push_back(value);
  }
  return values;
}

std::optional<int> Attributes::integer(std::uint32_t tag) const {
  const auto parts = texts(tag);
  if (parts.empty()) return std::nullopt;
  const std::string_view digits = without_plus(parts.front());
  int value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
  return value;
}

std::optional<std::uint16_t> Attributes::word(std::uint32_t tag) const {
  const std::string raw = bytes(tag);
  if (raw.size() < 2) return std::nullopt;
  std::uint16_t value = 0;  // GDCM has put binary values into the machine's byte order.
  std::memcpy(&value, raw.data(), 2);
  return value;
}

std::vector<Attributes> Attributes::items(std::uint32_t tag) const {
  std::vector<Attributes> found;
  if (!has(tag)) return found;
  gdcm::SmartPointer<gdcm::SequenceOfItems> sequence;
  try {
    sequence = data_set_->GetDataElement(to_tag(tag)).GetValueAsSQ();
  } catch (const std::exception& error) {
    throw Error(ErrorCode::bad_input, std::string("GDCM cannot read a sequence: ") + error.what());
  }
  if (!sequence) return found;
  for (gdcm::SequenceOfItems::SizeType i = 1; i <= sequence->GetNumberOfItems(); ++i) {
    // The item's data set lives as long as the one that holds its sequence.
    found.emplace_back(std::make_shared<const gdcm::DataSet>(sequence->GetItem(i).GetNestedDataSet()));
  }
  return found;
}

}  // namespace nodulus::dicom
