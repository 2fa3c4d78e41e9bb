#include "nodulus/archive/remote_series.h"

#include <algorithm>
#include <cctype>
#include <charconv>

#include "nodulus/core/error.h"

namespace nodulus::archive {
namespace {

std::optional<std::int64_t> whole_number(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size() || value < 0) return std::nullopt;
  return value;
}

/// The number that a PatientID ends with: 12 of "LIDC-IDRI-0012".
std::optional<std::int64_t> number_at_end(std::string_view id) {
  std::size_t first = id.size();
  while (first > 0 && std::isdigit(static_cast<unsigned char>(id[first - 1])) != 0) --first;
  return whole_number(id.substr(first));
}

}  // namespace

PatientChoice::PatientChoice(const std::vector<std::string>& words, bool numbers_are_ids) {
  for (const std::string& word : words) {
    const std::size_t dots = word.find("..");
    const auto only = numbers_are_ids ? std::nullopt : whole_number(word);
    if (only) {
      ranges_.push_back({*only, *only});
    } else if (dots == std::string::npos) {
      names_.push_back(word);
    } else {
      const auto first = whole_number(std::string_view(word).substr(0, dots));
      const auto last = whole_number(std::string_view(word).substr(dots + 2));
      if (!first || !last || *first > *last)
        throw Error(ErrorCode::usage,
                    "--patients: expected a range such as 1..200, the smaller number first, or a PatientID, found '" +
                        word + "'");
      ranges_.push_back({*first, *last});
    }
  }
}

bool PatientChoice::has(const std::string& patient_id) const {
  if (all() || std::find(names_.begin(), names_.end(), patient_id) != names_.end()) return true;
  const auto number = number_at_end(patient_id);
  return number && std::any_of(ranges_.begin(), ranges_.end(),
                               [&](const Range& range) { return *number >= range.first && *number <= range.last; });
}

bool is_uid(std::string_view text) {
  if (text.empty() || text.size() > 64 || text.front() == '.' || text.back() == '.') return false;
  char before = '.';
  for (const char c : text) {
    if (c == '.' ? before == '.' : std::isdigit(static_cast<unsigned char>(c)) == 0) return false;
    before = c;
  }
  return true;
}

std::string file_name_of(std::string_view text) {
  std::string name;
  for (const char c : text.substr(0, 100)) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = byte < 128 && (std::isalnum(byte) != 0 || c == '-' || c == '_' || c == '.');
    name += plain && !(name.empty() && c == '.') ? c : '_';
  }
  return name.empty() ? "_" : name;
}

}  // namespace nodulus::archive
