#include "nodulus/core/condition_request.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <optional>

#include "nodulus/core/csv.h"
#include "nodulus/core/error.h"
#include "nodulus/core/seed.h"

namespace nodulus {
namespace {

/// Small letters and digits, words parted by one space.
std::string plain_words(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (std::isalnum(static_cast<unsigned char>(c)) != 0)
      out += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    else if (!out.empty() && out.back() != ' ')
      out += ' ';
  }
  while (!out.empty() && out.back() == ' ') out.pop_back();
  return out;
}

std::optional<double> number_with_unit(const ConditionLabel& label, std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  if (!label.unit.empty() && text.ends_with(label.unit)) text.remove_suffix(label.unit.size());
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return parse_number(text);
}

/// What the words name: a value by its whole name, several by a word for them, or those whose names begin so, where no
/// other lies between them.
std::optional<ConditionRange> named_range(const ConditionLabel& label, std::string_view text) {
  const std::string wanted = plain_words(text);
  if (wanted.empty()) return std::nullopt;
  for (const auto& [word, range] : label.words)
    if (plain_words(word) == wanted) return ConditionRange{range.first, range.second};
  std::vector<std::size_t> begins;
  for (std::size_t i = 0; i < label.values.size(); ++i) {
    const std::string known = plain_words(label.values[i].name);
    if (known == wanted) return ConditionRange{label.values[i].number, label.values[i].number};
    if (known.starts_with(wanted)) begins.push_back(i);
  }
  const bool together = !begins.empty() && begins.back() - begins.front() + 1 == begins.size();
  if (!together || (label.kind == ConditionKind::category && begins.size() > 1)) return std::nullopt;
  return ConditionRange{label.values[begins.front()].number, label.values[begins.back()].number};
}

/// To four digits, for people.
double rounded(double value) { return std::stod(fmt::format("{:.4g}", value)); }

std::string known_values(const ConditionLabel& label) {
  const double low = label.values.front().number;
  const double high = label.values.back().number;
  if (label.kind == ConditionKind::number) return fmt::format("{} to {}", label.text(low), label.text(high));
  std::vector<std::string> all;
  for (const ConditionValue& value : label.values) all.push_back(label.text(value.number));
  for (const auto& [word, range] : label.words) all.push_back(word);
  return fmt::format("{}", fmt::join(all, ", "));
}

}  // namespace

ConditionRange condition_range(const ConditionLabel& label, std::string_view text) {
  const auto refuse = [&]() -> ConditionRange {
    throw Error(ErrorCode::usage, fmt::format("{}: expected {}, or a range such as {}..{}; found '{}'", label.flag(),
                                              known_values(label), csv_number(rounded(label.values.front().number)),
                                              csv_number(rounded(label.values.back().number)), text));
  };
  const auto one = [&](std::string_view part) {
    if (const auto named = named_range(label, part)) return *named;
    const auto number = number_with_unit(label, part);
    return number && std::isfinite(*number) ? ConditionRange{*number, *number} : refuse();
  };
  const std::size_t dots = text.find("..");
  ConditionRange range;
  if (dots == std::string_view::npos) {
    range = one(text);
  } else {
    const std::string_view low = text.substr(0, dots);
    const std::string_view high = text.substr(dots + 2);
    if (plain_words(low).empty() && plain_words(high).empty()) refuse();
    range.low = plain_words(low).empty() ? label.values.front().number : one(low).low;
    range.high = plain_words(high).empty() ? label.values.back().number : one(high).high;
  }
  const auto is_value = [&](double number) {
    return std::any_of(label.values.begin(), label.values.end(), [&](const auto& v) { return v.number == number; });
  };
  // A scale has something between its steps, a category has not; neither has anything beyond its ends.
  const bool beyond = range.low < label.values.front().number || range.high > label.values.back().number;
  const bool lengths = label.kind == ConditionKind::number && label.values.front().number > 0;
  if (range.low > range.high)
    throw Error(ErrorCode::usage,
                fmt::format("{}: expected a range from the smaller to the larger, found '{}'", label.flag(), text));
  if (lengths && range.low <= 0) refuse();  // beyond what was seen a warning is enough, beyond what can be it is not
  if (label.kind != ConditionKind::number && beyond) refuse();
  if (label.kind == ConditionKind::category && !(is_value(range.low) && is_value(range.high))) refuse();
  return range;
}

double drawn_value(const ConditionLabel& label, const std::vector<ConditionRange>& ranges, std::uint64_t seed) {
  const RandomStream random(derive_seed(seed, label.name));
  const ConditionRange& range = ranges.at(random.below(0, ranges.size()));
  if (label.kind == ConditionKind::number) {
    float u = 0;
    RandomStream(derive_seed(seed, label.name), 1).fill_uniform({&u, 1});
    return range.low + (range.high - range.low) * static_cast<double>(u);
  }
  std::vector<double> within;
  for (const ConditionValue& value : label.values)
    if (value.number >= range.low && value.number <= range.high) within.push_back(value.number);
  return within.empty() ? range.low : within[random.below(1, within.size())];
}

std::int64_t cases_within(const ConditionLabel& label, const ConditionRange& range) {
  const auto& values = label.values;
  double sum = 0;
  if (label.kind != ConditionKind::number) {
    for (const ConditionValue& value : values)
      if (value.number >= range.low - 0.5 && value.number <= range.high + 0.5) sum += static_cast<double>(value.cases);
    return static_cast<std::int64_t>(sum);
  }
  for (std::size_t i = 0; i + 1 < values.size(); ++i) {
    const double cases = static_cast<double>(values[i].cases) * (i == 0 ? 1 : 0.5) +
                         static_cast<double>(values[i + 1].cases) * (i + 2 == values.size() ? 1 : 0.5);
    const double low = std::max(range.low, values[i].number);
    const double high = std::min(range.high, values[i + 1].number);
    if (high >= low) sum += cases * std::max(high - low, 0.0) / (values[i + 1].number - values[i].number);
  }
  return std::llround(sum);
}

}  // namespace nodulus
