#include "nodulus/study/ratings.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <string_view>
#include <unordered_map>

#include "nodulus/core/csv.h"

namespace nodulus::study {
namespace {

constexpr double not_given = std::numeric_limits<double>::quiet_NaN();
constexpr std::size_t most_readers = 32;

/// The name without its ending; "" for a column of another kind.
std::string question_of(std::string_view column) {
  for (const std::string_view ending : {"_values", "_ratings"}) {
    if (column.size() > ending.size() && column.ends_with(ending)) {
      return std::string(column.substr(0, column.size() - ending.size()));
    }
  }
  return "";
}

/// The readers' numbers of one field; nothing where it holds anything else.
std::optional<std::vector<double>> parse_ratings(std::string_view text) {
  const bool by_place = text.find(';') != std::string_view::npos;
  std::vector<double> values;
  std::size_t from = 0;
  while (from <= text.size()) {
    const std::size_t end = std::min(text.find_first_of(by_place ? ";" : " ,", from), text.size());
    std::string_view part = text.substr(from, end - from);
    from = end + 1;
    while (!part.empty() && part.front() == ' ') part.remove_prefix(1);
    while (!part.empty() && part.back() == ' ') part.remove_suffix(1);
    if (part.empty()) {
      if (by_place) values.push_back(not_given);
      continue;
    }
    const std::optional<double> value = parse_number(part);
    if (!value) return std::nullopt;
    values.push_back(*value);
  }
  if (values.size() > most_readers) return std::nullopt;
  return values;
}

/// Fields and patients of one column, a nodule an entry.
struct Fields {
  std::vector<std::string> texts;
  std::vector<std::string> patients;
};

/// False where the column does not hold ratings, or none at all.
bool fill_ratings(const Fields& fields, RatingsColumn& result) {
  std::vector<std::vector<double>> rows;
  std::unordered_map<std::string, std::size_t> place;
  for (std::size_t k = 0; k < fields.texts.size(); ++k) {
    if (fields.texts[k].empty()) continue;
    auto row = parse_ratings(fields.texts[k]);
    if (!row) return false;
    result.ratings.readers = std::max(result.ratings.readers, row->size());
    rows.push_back(std::move(*row));
    result.patients.push_back(place.emplace(fields.patients[k], place.size()).first->second);
  }
  for (std::vector<double>& row : rows) {
    row.resize(result.ratings.readers, not_given);
    result.ratings.values.insert(result.ratings.values.end(), row.begin(), row.end());
  }
  return !rows.empty();
}

Fields of_nodules(const CsvTable& table, const std::string& column) {
  Fields fields;
  for (std::size_t row = 0; row < table.rows(); ++row) {
    if (table.has("images") && table.text(row, "images") == "0") continue;
    fields.texts.push_back(table.text(row, column));
    fields.patients.push_back(table.has("patient") ? table.text(row, "patient") : std::to_string(row));
  }
  return fields;
}

Fields of_items(const data::Dataset& dataset, const std::string& label, const std::vector<std::int64_t>& items) {
  const std::size_t column = dataset.label_column(label);
  Fields fields;
  for (const std::int64_t item : items) {
    fields.texts.push_back(dataset.item(item).labels[column]);
    fields.patients.push_back(dataset.item(item).patient);
  }
  return fields;
}

}  // namespace

std::vector<RatingsColumn> find_ratings(const data::Dataset& dataset, const std::vector<std::int64_t>& one_a_nodule) {
  std::vector<RatingsColumn> found;
  const auto take = [&](const std::string& column, const std::string& table, const auto& fields) {
    RatingsColumn entry;
    entry.name = question_of(column);
    const auto known = [&](const RatingsColumn& other) { return other.name == entry.name; };
    if (entry.name.empty() || std::any_of(found.begin(), found.end(), known)) return;
    entry.column = column;
    entry.table = table;
    if (fill_ratings(fields(), entry)) found.push_back(std::move(entry));
  };
  const CsvTable& nodules = dataset.nodules();
  // An imported table may name nodules for some images alone: then the images have what nodules.csv lacks.
  const bool all_named = std::none_of(one_a_nodule.begin(), one_a_nodule.end(),
                                      [&](std::int64_t item) { return dataset.item(item).nodule.empty(); });
  if (all_named) {
    for (const std::string& column : nodules.columns()) {
      take(column, "nodules.csv", [&] { return of_nodules(nodules, column); });
    }
  }
  for (const data::Label& label : dataset.info().labels) {
    take(label.name, "items.csv", [&] { return of_items(dataset, label.name, one_a_nodule); });
  }
  return found;
}

}  // namespace nodulus::study
