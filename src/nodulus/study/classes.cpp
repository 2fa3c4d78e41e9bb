#include "nodulus/study/classes.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <unordered_map>

#include "nodulus/core/csv.h"
#include "nodulus/core/seed.h"
#include "nodulus/data/loader.h"

namespace nodulus::study {
namespace {

constexpr std::size_t most_unnamed_classes = 10;

/// Numbers by size, before all text.
struct ByValue {
  bool operator()(const std::string& a, const std::string& b) const {
    const std::optional<double> x = parse_number(a);
    const std::optional<double> y = parse_number(b);
    if (x && y) return *x < *y;
    if (x.has_value() != y.has_value()) return x.has_value();
    return a < b;
  }
};

/// What an image's label is called as a class; "" where it is unknown, nothing where the label can have no classes.
std::optional<std::string> class_name(const data::Label& label, const std::string& text) {
  if (text.empty() || label.type == "text") return text;
  const std::optional<double> value = parse_number(text);
  if (!value || std::abs(*value) > 1e9) return std::nullopt;
  if (label.type == "number" && *value != std::round(*value)) return std::nullopt;
  return std::to_string(std::lround(*value));
}

using SplitCounts = std::vector<std::array<double, 3>>;

/// Pearson's chi-square of a table; rows and columns without any count are left out.
double pearson(const SplitCounts& table) {
  double all = 0;
  std::array<double, 3> columns{};
  for (const auto& row : table) {
    for (std::size_t s = 0; s < 3; ++s) {
      columns[s] += row[s];
      all += row[s];
    }
  }
  double sum = 0;
  for (const auto& row : table) {
    for (std::size_t s = 0; s < 3; ++s) {
      const double expected = (row[0] + row[1] + row[2]) * columns[s] / all;
      if (expected > 0) sum += (row[s] - expected) * (row[s] - expected) / expected;
    }
  }
  return sum;
}

}  // namespace

Classes classes_of(const data::Dataset& dataset, const data::Label& label,
                   const std::vector<std::int64_t>& one_a_nodule) {
  const std::size_t column = dataset.label_column(label.name);
  std::map<std::string, Classes::Class, ByValue> found;
  for (const auto& [value, name] : label.values) found[std::to_string(value)].name = name;
  Classes result;
  result.of_item.assign(static_cast<std::size_t>(dataset.size()), -1);
  for (std::int64_t i = 0; i < dataset.size(); ++i) {
    const std::optional<std::string> value = class_name(label, dataset.item(i).labels[column]);
    if (!value) return result;
    if (!value->empty()) ++found[*value].images[static_cast<std::size_t>(dataset.item(i).split)];
    if (label.values.empty() && found.size() > most_unnamed_classes) return result;
  }
  std::unordered_map<std::string, int> place;
  for (auto& [value, entry] : found) {
    place[value] = static_cast<int>(result.classes.size());
    entry.value = value;
    result.classes.push_back(std::move(entry));
  }
  for (std::int64_t i = 0; i < dataset.size(); ++i) {
    const std::string value = *class_name(label, dataset.item(i).labels[column]);
    if (!value.empty()) result.of_item[static_cast<std::size_t>(i)] = place.at(value);
  }
  for (const std::int64_t i : one_a_nodule) {
    const int at = result.of_item[static_cast<std::size_t>(i)];
    const auto split = static_cast<std::size_t>(dataset.item(i).split);
    if (at >= 0) ++result.classes[static_cast<std::size_t>(at)].nodules[split];
  }
  return result;
}

std::vector<double> label_numbers(const data::Dataset& dataset, const data::Label& label) {
  std::vector<double> numbers(static_cast<std::size_t>(dataset.size()), std::numeric_limits<double>::quiet_NaN());
  if (label.type == "text") return numbers;
  for (std::int64_t i = 0; i < dataset.size(); ++i) {
    const std::optional<double> value = dataset.label(i, label.name);
    if (value) numbers[static_cast<std::size_t>(i)] = *value;
  }
  return numbers;
}

std::optional<SharesTest> compare_shares(const data::Dataset& dataset, const Classes& classes,
                                         const std::vector<std::int64_t>& one_a_nodule, int shuffles,
                                         std::uint64_t seed) {
  std::unordered_map<std::string, std::size_t> place;
  std::vector<std::size_t> split_of_patient;
  std::vector<std::pair<std::size_t, std::size_t>> nodules;  // patient and class
  for (const std::int64_t i : one_a_nodule) {
    const int at = classes.of_item[static_cast<std::size_t>(i)];
    if (at < 0) continue;
    const auto [entry, fresh] = place.emplace(dataset.item(i).patient, split_of_patient.size());
    if (fresh) split_of_patient.push_back(static_cast<std::size_t>(dataset.item(i).split));
    nodules.emplace_back(entry->second, static_cast<std::size_t>(at));
  }
  const auto table_of = [&](const std::vector<std::size_t>& splits) {
    SplitCounts table(classes.classes.size());
    for (const auto& [patient, at] : nodules) ++table[at][splits[patient]];
    return table;
  };
  const SplitCounts table = table_of(split_of_patient);
  const auto filled = std::count_if(table.begin(), table.end(), [](const auto& r) { return r[0] + r[1] + r[2] > 0; });
  const bool one_split = std::all_of(split_of_patient.begin(), split_of_patient.end(),
                                     [&](std::size_t split) { return split == split_of_patient.front(); });
  if (filled < 2 || one_split) return std::nullopt;
  SharesTest test;
  test.chi_square = pearson(table);
  int as_much = 0;
  std::vector<std::size_t> shuffled(split_of_patient.size());
  for (int k = 0; k < shuffles; ++k) {
    const std::uint64_t key = derive_seed(derive_seed(seed, "shuffled patients"), static_cast<std::uint64_t>(k));
    for (std::size_t p = 0; p < shuffled.size(); ++p) {
      shuffled[p] = split_of_patient[data::permuted(p, shuffled.size(), key)];
    }
    if (pearson(table_of(shuffled)) >= test.chi_square * (1 - 1e-12)) ++as_much;
  }
  test.p = (1.0 + as_much) / (1.0 + shuffles);
  return test;
}

}  // namespace nodulus::study
