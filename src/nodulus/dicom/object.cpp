#include "nodulus/dicom/object.h"

#include <fmt/format.h>
#include <gdcmDataSet.h>
#include <gdcmSequenceOfItems.h>
#include <gdcmWriter.h>

#include <algorithm>
#include <charconv>
#include <sstream>

#include "nodulus/core/error.h"
#include "nodulus/core/hash.h"
#include "nodulus/core/manifest.h"
#include "nodulus/dicom/gdcm_quiet.h"

namespace nodulus::dicom {
namespace {

constexpr std::size_t longest_uid = 64;
constexpr std::size_t digits_of_64_bits = 20;

/// Of this program, in each file's meta information (PS3.7 D.3.3.2).
constexpr const char* implementation_uid = "2.25.302862917425021736920873541186914301117";

gdcm::VR vr_of(std::string_view name) { return gdcm::VR::GetVRTypeFromFile(std::string(name).c_str()); }

gdcm::DataElement element(std::uint32_t tag, gdcm::VR vr, const std::string& bytes) {
  gdcm::DataElement made(gdcm::Tag(static_cast<std::uint16_t>(tag >> 16U), static_cast<std::uint16_t>(tag)));
  made.SetVR(vr);
  made.SetByteValue(bytes.data(), static_cast<std::uint32_t>(bytes.size()));
  return made;
}

/// `size` bytes of a whole number, the lowest first.
void append_little_endian(std::string& bytes, std::uint32_t value, int size) {
  for (int i = 0; i < size; ++i) bytes += static_cast<char>((value >> (8 * i)) & 0xffU);
}

/// The decimal digits of a whole number of any length, its highest byte first.
std::string decimal(std::vector<std::uint8_t> number) {
  std::string digits;
  while (std::ranges::any_of(number, [](std::uint8_t byte) { return byte != 0; })) {
    unsigned rest = 0;
    for (std::uint8_t& byte : number) {
      const unsigned value = rest * 256 + byte;
      byte = static_cast<std::uint8_t>(value / 10);
      rest = value % 10;
    }
    digits += static_cast<char>('0' + rest);
  }
  std::ranges::reverse(digits);
  return digits.empty() ? "0" : digits;
}

/// PS3.5 6.2: the shortest text of at most 16 characters that is the number, else the longest.
std::string decimal_string(double value) {
  constexpr std::size_t longest = 16;
  const auto is_it = [value](const std::string& text) {
    double back = 0;
    std::from_chars(text.data(), text.data() + text.size(), back);
    return back == value;
  };
  std::string text = fmt::format("{:.9g}", value);
  for (int digits = 10; digits < 17 && !is_it(text); ++digits) {
    std::string longer = fmt::format("{:.{}g}", value, digits);
    if (longer.size() <= longest) text = std::move(longer);
  }
  return text;
}

bool is_component(std::string_view text) {
  return !text.empty() && (text.size() == 1 || text.front() != '0') &&
         text.find_first_not_of("0123456789") == std::string_view::npos;
}

/// PS3.5 9.1 and ISO/IEC 8824: the first number is 0 to 2, below 0 and 1 the second is 39 at most.
bool begins_as_uid(std::string_view root) {
  if (root.size() < 3 || root[0] > '2' || root[1] != '.') return false;
  const std::string_view second = root.substr(2, root.find('.', 2) - 2);
  return root[0] == '2' || second.size() < 2 || (second.size() == 2 && second <= "39");
}

bool is_uid_root(std::string_view root) {
  std::size_t components = 0;
  for (;; ++components) {
    const std::size_t dot = root.find('.');
    if (!is_component(root.substr(0, dot))) return false;
    if (dot == std::string_view::npos) return components > 0;
    root.remove_prefix(dot + 1);
  }
}

}  // namespace

Object::Object() : data_set_(std::make_unique<gdcm::DataSet>()) {}
Object::Object(Object&&) noexcept = default;
Object& Object::operator=(Object&&) noexcept = default;
Object::~Object() = default;

Object& Object::text(std::uint32_t tag, std::string_view vr, std::string_view value) {
  std::string bytes(value);
  if (bytes.size() % 2 == 1) bytes += vr == "UI" ? '\0' : ' ';
  data_set_->Replace(element(tag, vr_of(vr), bytes));
  return *this;
}

Object& Object::decimals(std::uint32_t tag, std::span<const double> values) {
  std::string all;
  for (const double value : values) all += (all.empty() ? "" : "\\") + decimal_string(value);
  return text(tag, "DS", all);
}

Object& Object::words(std::uint32_t tag, std::initializer_list<std::uint16_t> values) {
  std::string bytes;
  for (const std::uint16_t value : values) append_little_endian(bytes, value, 2);
  data_set_->Replace(element(tag, gdcm::VR::US, bytes));
  return *this;
}

Object& Object::longs(std::uint32_t tag, std::initializer_list<std::uint32_t> values) {
  std::string bytes;
  for (const std::uint32_t value : values) append_little_endian(bytes, value, 4);
  data_set_->Replace(element(tag, gdcm::VR::UL, bytes));
  return *this;
}

Object& Object::tags(std::uint32_t tag, std::initializer_list<std::uint32_t> values) {
  std::string bytes;
  for (const std::uint32_t value : values) {
    append_little_endian(bytes, value >> 16U, 2);
    append_little_endian(bytes, value, 2);
  }
  data_set_->Replace(element(tag, gdcm::VR::AT, bytes));
  return *this;
}

Object& Object::bytes(std::uint32_t tag, std::string_view vr, std::span<const std::uint8_t> values) {
  std::string padded(values.begin(), values.end());
  if (padded.size() % 2 == 1) padded += '\0';
  data_set_->Replace(element(tag, vr_of(vr), padded));
  return *this;
}

Object& Object::sequence(std::uint32_t tag, std::vector<Object> items) {
  const gdcm::SmartPointer<gdcm::SequenceOfItems> all = new gdcm::SequenceOfItems;
  all->SetLengthToUndefined();
  for (const Object& one : items) {
    gdcm::Item item;
    item.SetVLToUndefined();
    item.SetNestedDataSet(*one.data_set_);
    all->AddItem(item);
  }
  gdcm::DataElement made = element(tag, gdcm::VR::SQ, "");
  made.SetValue(*all);
  made.SetVLToUndefined();
  data_set_->Replace(made);
  return *this;
}

Object& Object::item(std::uint32_t tag, Object only) {
  std::vector<Object> items;
  items.push_back(std::move(only));
  return sequence(tag, std::move(items));
}

std::string Object::file() const {
  quieten_gdcm();
  gdcm::Writer writer;
  std::ostringstream stream;
  writer.SetStream(stream);
  writer.SetCheckFileMetaInformation(true);
  writer.GetFile().SetDataSet(*data_set_);
  gdcm::FileMetaInformation& meta = writer.GetFile().GetHeader();
  meta.SetDataSetTransferSyntax(gdcm::TransferSyntax::ExplicitVRLittleEndian);
  meta.Replace(element(0x00020012, gdcm::VR::UI, implementation_uid));
  meta.Replace(element(0x00020016, gdcm::VR::AE, "NODULUS "));
  std::string name = fmt::format("NODULUS {}", program_version()).substr(0, 16);
  if (name.size() % 2 == 1) name += ' ';
  meta.Replace(element(0x00020013, gdcm::VR::SH, name));
  if (!writer.Write()) throw Error(ErrorCode::io, "a DICOM object could not be written: expected its class and UID");
  return std::move(stream).str();
}

Object code(std::string_view value, std::string_view scheme, std::string_view meaning) {
  Object made;
  made.text(0x00080100, "SH", value).text(0x00080102, "SH", scheme).text(0x00080104, "LO", meaning);
  return made;
}

std::string uid_of(std::string_view root, std::string_view key) {
  Sha256 sum;
  sum.update(key);
  const Sha256Digest digest = sum.digest();
  std::vector<std::uint8_t> number(digest.begin(), digest.begin() + 16);
  number[6] = static_cast<std::uint8_t>((number[6] & 0x0fU) | 0x80U);
  number[8] = static_cast<std::uint8_t>((number[8] & 0x3fU) | 0x80U);
  const std::size_t room = longest_uid - root.size() - 1;
  std::string digits = decimal(number);
  if (digits.size() > room) digits = decimal({number.begin(), number.begin() + 8});
  return fmt::format("{}.{}", root, digits);
}

void check_uid_root(std::string_view root) {
  constexpr std::size_t longest = longest_uid - digits_of_64_bits - 1;
  if (!is_uid_root(root) || !begins_as_uid(root) || root.size() > longest)
    throw Error(ErrorCode::usage,
                fmt::format("the root of UIDs: expected numbers with dots between, none with a leading "
                            "zero, {} characters at most, found '{}'",
                            longest, root));
}

}  // namespace nodulus::dicom
