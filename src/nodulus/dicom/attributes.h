#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "nodulus/dicom/layout.h"

namespace gdcm {
class DataSet;
class Tag;
}  // namespace gdcm

namespace nodulus::dicom {

/// The values of one data set, read through GDCM, as plain types. An attribute that is absent, empty or not
/// what its VR promises gives the empty value; the caller says what that means.
class Attributes {
 public:
  /// Reads everything before the pixels. Throws Error{bad_input}.
  static Attributes read(const Layout& layout);

  explicit Attributes(std::shared_ptr<const gdcm::DataSet> data_set) : data_set_(std::move(data_set)) {}

  [[nodiscard]] bool has(std::uint32_t tag) const;
  /// Text without padding.
  [[nodiscard]] std::string text(std::uint32_t tag) const;
  /// Backslash-separated text, each part without padding; CS, UI, LO.
  [[nodiscard]] std::vector<std::string> texts(std::uint32_t tag) const;
  /// Decimal strings (DS). Empty where one of them is not a finite number.
  [[nodiscard]] std::vector<double> decimals(std::uint32_t tag) const;
  /// An integer string (IS).
  [[nodiscard]] std::optional<int> integer(std::uint32_t tag) const;
  /// A 16-bit word (US or SS), its bits taken as unsigned.
  [[nodiscard]] std::optional<std::uint16_t> word(std::uint32_t tag) const;
  /// The items of a sequence.
  [[nodiscard]] std::vector<Attributes> items(std::uint32_t tag) const;

 private:
  [[nodiscard]] std::string bytes(std::uint32_t tag) const;

  std::shared_ptr<const gdcm::DataSet> data_set_;
};

}  // namespace nodulus::dicom
