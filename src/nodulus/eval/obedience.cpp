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
#include "nodulus/data/conditions.h"
#include "nodulus/eval/classifier.h"
#include "nodulus/traits/catalog.h"
#include "nodulus/traits/numbers_json.h"
#include "nodulus/traits/statistics.h"

namespace nodulus::eval {
namespace {

using torch::Tensor;

constexpr double size_tolerance = 0.25;
constexpr std::size_t most_classes = 16;

/// Images of a known class: their rows and the class, as its place among the values.
struct Known {
  std::vector<std::int64_t> rows;
  std::vector<std::int64_t> classes;
};

/// The values asked for of each label, by image.
std::map<std::string, std::map<std::int64_t, double>> asked_values(const ImageSet& set) {
  std::map<std::string, std::map<std::int64_t, double>> by_label;
  for (std::size_t i = 0; i < set.asked.size(); ++i) {
    for (const std::string& part : set.asked[i]) {
      const std::size_t at = part.find('=');
      const auto value = parse_number(std::string_view(part).substr(at + 1));
      if (!value)
        throw Error(ErrorCode::bad_input, fmt::format("{}: items.csv, row {}: condition: expected LABEL=NUMBER, found "
                                                      "'{}'",
                                                      set.path.string(), i, part));
      by_label[part.substr(0, at)][static_cast<std::int64_t>(i)] = *value;
    }
  }
  return by_label;
}

bool has_steps(const data::Dataset& dataset, const std::string& label) {
  return data::condition_schema(dataset, {label}).labels.front().kind == ConditionKind::ordinal;
}

/// The class of a real image by the schema's one label.
std::optional<double> class_of(const data::Dataset& dataset, const ConditionSchema& schema, std::int64_t item) {
  const auto value = data::condition_of(dataset, schema, item).front();
  return value ? std::optional(std::round(*value)) : std::nullopt;
}

Known known_of(const JudgedImages& real, const data::Dataset& dataset, const ConditionSchema& schema,
               const std::vector<double>& values) {
  Known known;
  for (std::size_t i = 0; i < real.images->row.size(); ++i) {
    const auto value = class_of(dataset, schema, real.images->row[i]);
    if (!value) continue;
    const auto at = std::find(values.begin(), values.end(), *value);
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

std::size_t different(const std::map<std::int64_t, double>& asked) {
  std::set<double> values;
  for (const auto& [image, value] : asked) values.insert(value);
  return values.size();
}

/// A size that was drawn from a range: right within a part of what was asked for. Chance: were the sizes asked of one
/// another's images.
Json sizes_within(const std::string& label, const std::map<std::int64_t, double>& asked, const JudgedImages& judged,
                  std::size_t trait) {
  std::int64_t right = 0;
  std::int64_t by_chance = 0;
  std::int64_t missing = 0;
  const auto fits = [](double measured, double wanted) {
    return std::abs(measured - wanted) <= size_tolerance * wanted;
  };
  for (const auto& [image, wanted] : asked) {
    const double measured = judged.traits.at(static_cast<std::size_t>(image)).at(trait);
    missing += std::isnan(measured) ? 1 : 0;
    right += fits(measured, wanted) ? 1 : 0;
    for (const auto& [other, value] : asked) by_chance += fits(measured, value) ? 1 : 0;
  }
  const auto n = static_cast<std::int64_t>(asked.size());
  return {{"label", label},
          {"judge", "outline"},
          {"classes", Json::array()},
          {"asked", n},
          {"tolerance", size_tolerance},
          {"correct", static_cast<double>(right) / static_cast<double>(n)},
          {"interval", traits::interval_json(traits::wilson_interval(right, n))},
          {"chance", static_cast<double>(by_chance) / static_cast<double>(n) / static_cast<double>(n)},
          {"judge_accuracy", nullptr},
          {"judge_interval", nullptr},
          {"judge_confusion", nullptr},
          {"confusion", Json::array()},
          {"not_measured", missing}};
}

std::int64_t on_diagonal(const std::vector<std::vector<std::int64_t>>& table) {
  std::int64_t sum = 0;
  for (std::size_t c = 0; c < table.size(); ++c) sum += table[c][c];
  return sum;
}

/// What is said of any classes; `found` is the number of classes where nothing was.
Json class_json(const std::string& label, std::string_view judge, const std::vector<std::string>& names,
                const std::vector<std::int64_t>& wanted, const std::vector<std::int64_t>& found) {
  const auto n = static_cast<std::int64_t>(wanted.size());
  const auto count = static_cast<std::int64_t>(names.size());
  const auto table = confusion(wanted, found, count);
  return {{"label", label},
          {"judge", judge},
          {"classes", names},
          {"asked", n},
          {"correct", static_cast<double>(on_diagonal(table)) / static_cast<double>(n)},
          {"interval", traits::interval_json(traits::wilson_interval(on_diagonal(table), n))},
          {"chance", 1.0 / static_cast<double>(count)},
          {"confusion", table},
          {"judge_accuracy", nullptr},
          {"judge_interval", nullptr},
          {"judge_confusion", nullptr},
          {"not_measured", std::count(found.begin(), found.end(), count)}};
}

/// The images that were asked for, by class.
Known wanted_of(const std::map<std::int64_t, double>& asked, const std::vector<double>& values) {
  Known wanted;
  for (const auto& [image, value] : asked) {
    wanted.rows.push_back(image);
    wanted.classes.push_back(std::find(values.begin(), values.end(), value) - values.begin());
  }
  return wanted;
}

/// A few sizes, told by the outline; null of one size alone, as all would be right.
Json sizes_among(const std::string& label, const std::map<std::int64_t, double>& asked, const JudgedImages& judged,
                 std::size_t trait) {
  std::set<double> different_values;
  for (const auto& [image, value] : asked) different_values.insert(value);
  if (different_values.size() < 2) return nullptr;
  const std::vector<double> values(different_values.begin(), different_values.end());
  std::vector<std::string> names;
  names.reserve(values.size());
  for (const double value : values) names.push_back(csv_number(value));
  const Known wanted = wanted_of(asked, values);
  return class_json(label, "outline", names, wanted.classes, measured_classes(judged, wanted.rows, trait, values));
}

struct JudgedSets {
  const JudgedImages& generated;
  const JudgedImages& training;
  const JudgedImages& held_out;
};

/// Classes told by a classifier that learnt them from the training images; null where these do not tell them.
Json classes_seen(const std::string& label, std::map<std::int64_t, double> asked, const JudgedSets& sets,
                  const data::Dataset& dataset) {
  const ConditionSchema schema = data::condition_schema(dataset, {label});
  // Those of the training images too: an image may look like a class that nobody asked for.
  std::set<double> different_values;
  for (auto& [image, value] : asked) different_values.insert(value = std::round(value));
  for (const std::int64_t item : sets.training.images->row)
    if (const auto value = class_of(dataset, schema, item)) different_values.insert(*value);
  const std::vector<double> values(different_values.begin(), different_values.end());
  const bool text = dataset.info().labels.at(dataset.label_column(label)).type == "text";
  std::vector<std::string> names;
  names.reserve(values.size());
  for (const double value : values) names.push_back(text ? schema.labels[0].name_of(value) : csv_number(value));
  const auto count = static_cast<std::int64_t>(values.size());
  const Known wanted = wanted_of(asked, values);
  const Known learnt = known_of(sets.training, dataset, schema, values);
  const Known tried = known_of(sets.held_out, dataset, schema, values);
  if (learnt.rows.empty() || count < 2) return nullptr;
  std::vector<std::int64_t> groups;
  groups.reserve(learnt.rows.size());
  const std::vector<std::int64_t> all_groups = sets.training.images->groups();
  for (const std::int64_t row : learnt.rows) groups.push_back(all_groups[static_cast<std::size_t>(row)]);
  const Classifier classifier(rows_of(sets.training, learnt.rows), learnt.classes, count, groups);
  Json entry = class_json(label, "classifier", names, wanted.classes, classifier(rows_of(sets.generated, wanted.rows)));
  entry["judge_trained_on"] = learnt.rows.size();
  if (tried.rows.empty()) return entry;
  const auto table = confusion(tried.classes, classifier(rows_of(sets.held_out, tried.rows)), count);
  const auto m = static_cast<std::int64_t>(tried.rows.size());
  entry["judge_accuracy"] = static_cast<double>(on_diagonal(table)) / static_cast<double>(m);
  entry["judge_interval"] = traits::interval_json(traits::wilson_interval(on_diagonal(table), m));
  entry["judge_balanced_accuracy"] = balanced_accuracy(table);
  entry["judge_confusion"] = table;
  return entry;
}

}  // namespace

Json obedience(const ImageSet& set, const JudgedImages& judged, const JudgedImages& training,
               const JudgedImages& held_out, const data::Dataset& dataset) {
  Json all = Json::array();
  for (const auto& [label, asked] : asked_values(set)) {
    const auto measuring = measured_by(label);
    const bool drawn = different(asked) > most_classes;  // from a range
    const bool measured = measuring && !judged.traits.empty() && judged.lengths_known;
    Json entry;
    if (measured && drawn) entry = sizes_within(label, asked, judged, *measuring);
    if (measured && !drawn) entry = sizes_among(label, asked, judged, *measuring);
    // Steps of a scale are classes however many means of readers between them were asked for; a quantity's are none.
    // A pixel's size is on no image: nothing judges it.
    const bool judgeable = !measuring && label != data::spacing_label;
    if (judgeable && (!drawn || has_steps(dataset, label)))
      entry = classes_seen(label, asked, {judged, training, held_out}, dataset);
    if (!entry.is_null()) all.push_back(entry);
  }
  return all;
}

}  // namespace nodulus::eval
