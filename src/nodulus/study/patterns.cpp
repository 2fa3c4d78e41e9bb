#include "nodulus/study/patterns.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "nodulus/core/error.h"
#include "nodulus/study/classes.h"
#include "nodulus/traits/catalog.h"
#include "nodulus/traits/statistics.h"

namespace nodulus::study {
namespace {

constexpr std::size_t most_distinctions = 5;
constexpr double little_telling_share = 0.6;
constexpr double much_alike = 0.8;  ///< Rank correlation from which two traits say the same.

/// Nodules of one pattern and all others, as positions in a list.
struct Sides {
  std::vector<std::size_t> inside;
  std::vector<std::size_t> outside;
};

std::vector<double> known_values(const std::vector<double>& values, const std::vector<std::size_t>& rows) {
  std::vector<double> some;
  for (const std::size_t row : rows)
    if (std::isfinite(values[row])) some.push_back(values[row]);
  std::sort(some.begin(), some.end());
  return some;
}

/// Share of pairs in which the first is larger, ties as half (Mann and Whitney's U over the number of pairs).
double share_above(const std::vector<double>& inside, const std::vector<double>& outside) {
  double wins = 0;
  for (const double value : inside) {
    const auto [low, high] = std::equal_range(outside.begin(), outside.end(), value);
    wins += static_cast<double>(low - outside.begin()) + 0.5 * static_cast<double>(high - low);
  }
  return wins / (static_cast<double>(inside.size()) * static_cast<double>(outside.size()));
}

/// Nothing (an `above` of 0.5) where a side has too few to say.
Distinction distinction(const std::vector<double>& values, const Sides& sides) {
  const std::vector<double> inside = known_values(values, sides.inside);
  const std::vector<double> outside = known_values(values, sides.outside);
  Distinction found;
  if (inside.size() < 5 || outside.size() < 5) return found;
  found.above = share_above(inside, outside);
  found.median = traits::quantile(inside, 0.5);
  found.elsewhere = traits::quantile(outside, 0.5);
  return found;
}

double strength(const Distinction& d) { return std::abs(d.above - 0.5); }

/// Traits of the nodules, a column each.
using Columns = std::vector<std::vector<double>>;

/// Those that people have a word for first, of either the most telling.
bool comes_first(const Distinction& a, const Distinction& b) {
  if (a.word.empty() != b.word.empty()) return b.word.empty();
  return strength(a) > strength(b);
}

/// The traits that tell in `share` of the pairs or more, without those that say what another has said.
std::vector<Distinction> telling_traits(const Columns& columns, const Sides& sides, double share) {
  std::vector<std::pair<Distinction, std::size_t>> all;
  for (std::size_t t = 0; t < columns.size(); ++t) {
    const traits::Trait& trait = traits::catalog()[t];
    Distinction d = distinction(columns[t], sides);
    if (strength(d) < share - 0.5) continue;
    d.name = trait.name;
    d.title = trait.unit.empty() ? std::string(trait.title) : fmt::format("{} ({})", trait.title, trait.unit);
    d.word = d.above > 0.5 ? trait.high : trait.low;
    all.emplace_back(std::move(d), t);
  }
  std::stable_sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return comes_first(a.first, b.first); });
  std::vector<Distinction> chosen;
  std::vector<std::size_t> columns_chosen;
  for (auto& candidate : all) {
    Distinction& d = candidate.first;
    const std::vector<double>& values = columns[candidate.second];
    const bool said = std::any_of(chosen.begin(), chosen.end(),
                                  [&](const Distinction& other) { return !d.word.empty() && other.word == d.word; });
    const bool alike = std::any_of(columns_chosen.begin(), columns_chosen.end(), [&](std::size_t other) {
      return std::abs(traits::spearman(columns[other], values)) > much_alike;
    });
    if (said || alike || chosen.size() == most_distinctions) continue;
    chosen.push_back(std::move(d));
    columns_chosen.push_back(candidate.second);
  }
  return chosen;
}

std::vector<Distinction> telling_labels_of(const data::Dataset& dataset, const std::vector<std::int64_t>& items,
                                           const Sides& sides) {
  std::vector<Distinction> all;
  for (const data::Label& label : dataset.info().labels) {
    if (label.type != "rating" && label.type != "number") continue;
    const std::vector<double> of_images = label_numbers(dataset, label);
    std::vector<double> values;
    values.reserve(items.size());
    for (const std::int64_t item : items) values.push_back(of_images[static_cast<std::size_t>(item)]);
    Distinction d = distinction(values, sides);
    if (strength(d) < telling_share - 0.5) continue;
    d.name = d.title = label.name;
    all.push_back(std::move(d));
  }
  std::stable_sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return strength(a) > strength(b); });
  if (all.size() > most_distinctions) all.resize(most_distinctions);
  return all;
}

std::string first_words(const std::vector<Distinction>& traits) {
  std::string words;
  for (std::size_t k = 0; k < std::min<std::size_t>(3, traits.size()); ++k)
    if (!traits[k].word.empty()) words += (words.empty() ? "" : ", ") + traits[k].word;
  return words;
}

/// A pattern that nothing with a word tells from the others is called by what does so a little.
std::string words_of(const std::vector<Distinction>& traits, const Columns& columns, const Sides& sides) {
  std::string words = first_words(traits);
  if (words.empty()) words = first_words(telling_traits(columns, sides, little_telling_share));
  if (words.empty()) return "in no trait apart from the others";
  return first_words(traits).empty() ? "rather " + words : words;
}

std::vector<std::int64_t> typical_of(const GroupedNodules& nodules, const std::vector<std::size_t>& members,
                                     std::span<const double> centre, int examples) {
  std::vector<std::pair<double, std::int64_t>> by_distance;
  for (const std::size_t row : members) {
    const auto point = nodules.points.at(row);
    double squared = 0;
    for (std::size_t j = 0; j < point.size(); ++j) squared += (point[j] - centre[j]) * (point[j] - centre[j]);
    by_distance.emplace_back(squared, nodules.items[row]);
  }
  std::sort(by_distance.begin(), by_distance.end());
  std::vector<std::int64_t> items;
  for (std::size_t k = 0; k < std::min(by_distance.size(), static_cast<std::size_t>(examples)); ++k)
    items.push_back(by_distance[k].second);
  return items;
}

/// The training nodules' rows, and whose each is.
struct Training {
  std::vector<std::size_t> rows;
  std::vector<std::size_t> patient;
};

Training training_of(const data::Dataset& dataset, const std::vector<std::int64_t>& items) {
  Training training;
  std::map<std::string, std::size_t> numbers;
  for (std::size_t row = 0; row < items.size(); ++row) {
    const data::Item& item = dataset.item(items[row]);
    if (item.split != data::Split::train) continue;
    training.rows.push_back(row);
    training.patient.push_back(numbers.emplace(item.patient, numbers.size()).first->second);
  }
  return training;
}

/// Each image's pattern: its nodule's; of an image that stands for itself its own.
std::vector<int> pattern_of_items(const data::Dataset& dataset, const std::vector<std::int64_t>& items,
                                  const std::vector<int>& of_nodule) {
  std::map<std::pair<std::string, std::string>, int> by_nodule;
  std::vector<int> of_item(static_cast<std::size_t>(dataset.size()), 0);
  for (std::size_t row = 0; row < items.size(); ++row) {
    const data::Item& item = dataset.item(items[row]);
    of_item[static_cast<std::size_t>(items[row])] = of_nodule[row] + 1;
    if (!item.nodule.empty()) by_nodule[{item.patient, item.nodule}] = of_nodule[row] + 1;
  }
  for (std::int64_t i = 0; i < dataset.size(); ++i) {
    const data::Item& item = dataset.item(i);
    if (!item.nodule.empty()) of_item[static_cast<std::size_t>(i)] = by_nodule.at({item.patient, item.nodule});
  }
  return of_item;
}

}  // namespace

Patterns find_patterns(const data::Dataset& dataset, const TraitTable& table, const GroupedNodules& nodules,
                       int examples, const GroupingOptions& options, Monitor& monitor) {
  const Training training = training_of(dataset, nodules.items);
  const Grouping grouping = find_groups(nodules.points.of(training.rows), training.patient, options, monitor);
  const std::vector<int> of_nodule = nearest_centres(nodules.points, grouping.groups.centres);
  Patterns result;
  result.hash = dataset.hash();
  result.synthetic = dataset.synthetic();
  result.options = options;
  result.trials = grouping.trials;
  result.chosen = grouping.chosen;
  result.stable = grouping.stable;
  result.of_item = pattern_of_items(dataset, nodules.items, of_nodule);
  Columns columns;
  if (table.measured)
    for (std::size_t t = 0; t < traits::catalog().size(); ++t) columns.push_back(table.column(t, nodules.items));
  for (std::size_t g = 0; g < grouping.groups.centres.count; ++g) {
    Sides sides;
    for (std::size_t row = 0; row < of_nodule.size(); ++row)
      (of_nodule[row] == static_cast<int>(g) ? sides.inside : sides.outside).push_back(row);
    Pattern pattern;
    pattern.number = static_cast<int>(g) + 1;
    pattern.nodules = static_cast<std::int64_t>(sides.inside.size());
    pattern.images = std::count(result.of_item.begin(), result.of_item.end(), pattern.number);
    pattern.jaccard = grouping.trial().jaccard[g];
    pattern.traits = telling_traits(columns, sides, telling_share);
    pattern.labels = telling_labels_of(dataset, nodules.items, sides);
    pattern.words = words_of(pattern.traits, columns, sides);
    pattern.typical = typical_of(nodules, sides.inside, grouping.groups.centres.at(g), examples);
    result.patterns.push_back(std::move(pattern));
  }
  return result;
}

data::Label pattern_label(const Patterns& patterns, const std::string& name) {
  data::Label label;
  label.name = name;
  label.type = "category";
  label.meaning = "group of nodules alike, found without labels";
  for (const Pattern& pattern : patterns.patterns) label.values.emplace_back(pattern.number, pattern.words);
  return label;
}

}  // namespace nodulus::study
