#include "nodulus/eval/obedience.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>
#include <optional>
#include <set>

#include "nodulus/core/error.h"
#include "nodulus/eval/classifier.h"
#include "nodulus/traits/catalog.h"
#include "nodulus/traits/numbers_json.h"
#include "nodulus/traits/statistics.h"

namespace nodulus::eval {
namespace {

using torch::Tensor;

/// Images of a known class: their rows and the class, as its place among the values.
struct Known {
  std::vector<std::int64_t> rows;
  std::vector<std::int64_t> classes;
};

/// The values asked for of each label, by image.
std::map<std::string, std::map<std::int64_t, double>> asked_values(const ImageSet& set) {
  std::map<std::string, std::map<std::int64_t, double>> by_label;
  for (std::size_t i = 0; i < set.asked.size(); ++i) {
    const std::size_t at = set.asked[i].find('=');
    if (at == std::string::npos) continue;
    const auto value = parse_number(set.asked[i].substr(at + 1));
    if (!value)
      throw Error(ErrorCode::bad_input,
                  fmt::format("{}: items.csv, row {}: condition: expected LABEL=NUMBER, found '{}'", set.path.string(),
                              i, set.asked[i]));
    by_label[set.asked[i].substr(0, at)][static_cast<std::int64_t>(i)] = *value;
  }
  return by_label;
}

Known known_of(const JudgedImages& real, const data::Dataset& dataset, const std::string& label,
               const std::vector<double>& values) {
  Known known;
  for (std::size_t i = 0; i < real.images->row.size(); ++i) {
    const auto value = dataset.label(real.images->row[i], label);
    if (!value) continue;
    const auto at = std::find(values.begin(), values.end(), std::round(*value));
    if (at == values.end()) continue;
    known.rows.push_back(static_cast<std::int64_t>(i));
    known.classes.push_back(at - values.begin());
  }
  return known;
}

Tensor rows_of(const JudgedImages& judged, const std::vector<std::int64_t>& rows) {
  return judged.features.index_select(0, torch::tensor(rows, torch::kLong));
}

/// The trait that measures such a label.
std::optional<std::size_t> measured_by(const std::string& label) {
  const std::string trait = label == "diameter_mm" ? "longest_diameter" : label == "area_mm2" ? "area" : "";
  for (std::size_t k = 0; k < traits::catalog().size(); ++k)
    if (traits::catalog()[k].name == trait) return k;
  return std::nullopt;
}

std::int64_t nearest_class(double measured, const std::vector<double>& values) {
  const auto nearest = std::min_element(values.begin(), values.end(), [&](double a, double b) {
    return std::abs(a - measured) < std::abs(b - measured);
  });
  return nearest - values.begin();
}

/// What the outlines say; `values.size()` for an empty one: none of the sizes.
std::vector<std::int64_t> measured_classes(const JudgedImages& judged, const std::vector<std::int64_t>& rows,
                                           std::size_t trait, const std::vector<double>& values) {
  std::vector<std::int64_t> found;
  found.reserve(rows.size());
  for (const std::int64_t row : rows) {
    const double measured = judged.traits.at(static_cast<std::size_t>(row)).at(trait);
    found.push_back(std::isnan(measured) ? static_cast<std::int64_t>(values.size()) : nearest_class(measured, values));
  }
  return found;
}

std::vector<double> classes_of(const std::map<std::int64_t, double>& asked, const JudgedImages& training,
                               const data::Dataset& dataset, const std::string& label) {
  std::set<double> values;
  for (const auto& [image, value] : asked) values.insert(value);
  // Those of the training images too: an image may look like a class that nobody asked for.
  if (!measured_by(label))
    for (const std::int64_t item : training.images->row)
      if (const auto value = dataset.label(item, label)) values.insert(std::round(*value));
  return {values.begin(), values.end()};
}

std::int64_t on_diagonal(const std::vector<std::vector<std::int64_t>>& table) {
  std::int64_t sum = 0;
  for (std::size_t c = 0; c < table.size(); ++c) sum += table[c][c];
  return sum;
}

}  // namespace

Json obedience(const ImageSet& set, const JudgedImages& judged, const JudgedImages& training,
               const JudgedImages& held_out, const data::Dataset& dataset) {
  Json all = Json::array();
  for (const auto& [label, asked] : asked_values(set)) {
    const std::vector<double> values = classes_of(asked, training, dataset, label);
    const auto count = static_cast<std::int64_t>(values.size());
    Known wanted;
    for (const auto& [image, value] : asked) {
      wanted.rows.push_back(image);
      wanted.classes.push_back(std::find(values.begin(), values.end(), value) - values.begin());
    }
    const auto n = static_cast<std::int64_t>(wanted.rows.size());
    Json entry = {{"label", label}, {"judge", "outline"}, {"classes", Json::array()}, {"asked", n}};
    for (const double value : values) entry["classes"].push_back(csv_number(value));
    std::vector<std::int64_t> found;
    entry["judge_accuracy"] = entry["judge_interval"] = entry["judge_confusion"] = nullptr;
    if (const auto trait = measured_by(label)) {
      if (judged.traits.empty() || count < 2 || !judged.lengths_known)
        continue;  // of one size alone all would be right
      found = measured_classes(judged, wanted.rows, *trait, values);
    } else {
      const Known learnt = known_of(training, dataset, label, values);
      const Known tried = known_of(held_out, dataset, label, values);
      if (learnt.rows.empty() || count < 2) continue;
      std::vector<std::int64_t> groups;
      const std::vector<std::int64_t> all_groups = training.images->groups();
      for (const std::int64_t row : learnt.rows) groups.push_back(all_groups[static_cast<std::size_t>(row)]);
      const Classifier classifier(rows_of(training, learnt.rows), learnt.classes, count, groups);
      found = classifier(rows_of(judged, wanted.rows));
      entry["judge"] = "classifier";
      entry["judge_trained_on"] = learnt.rows.size();
      if (!tried.rows.empty()) {
        const auto table = confusion(tried.classes, classifier(rows_of(held_out, tried.rows)), count);
        const auto m = static_cast<std::int64_t>(tried.rows.size());
        entry["judge_accuracy"] = static_cast<double>(on_diagonal(table)) / static_cast<double>(m);
        entry["judge_interval"] = traits::interval_json(traits::wilson_interval(on_diagonal(table), m));
        entry["judge_balanced_accuracy"] = balanced_accuracy(table);
        entry["judge_confusion"] = table;
      }
    }
    const auto table = confusion(wanted.classes, found, count);
    entry["correct"] = static_cast<double>(on_diagonal(table)) / static_cast<double>(n);
    entry["interval"] = traits::interval_json(traits::wilson_interval(on_diagonal(table), n));
    entry["chance"] = 1.0 / static_cast<double>(count);
    entry["confusion"] = table;
    entry["not_measured"] = std::count(found.begin(), found.end(), count);
    all.push_back(entry);
  }
  return all;
}

}  // namespace nodulus::eval
