#include "nodulus/data/conditions.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "nodulus/core/error.h"
#include "nodulus/data/loader.h"
#include "nodulus/traits/shape.h"

namespace nodulus::data {
namespace {

constexpr std::size_t most_values = 256;
constexpr std::size_t few_values = 16;

const Label* label_of(const Dataset& dataset, std::string_view column) {
  const auto& labels = dataset.info().labels;
  const auto found = std::find_if(labels.begin(), labels.end(), [&](const Label& l) { return l.name == column; });
  return found == labels.end() ? nullptr : &*found;
}

bool measures_diameter(const Dataset& dataset, std::string_view column) {
  return column == diameter_label && dataset.info().masks;
}

/// Nothing where there is no outline or no pixel size.
std::optional<double> diameter_of(const Dataset& dataset, std::int64_t item) {
  const double spacing = dataset.item(item).spacing_mm;
  if (std::isnan(spacing)) return std::nullopt;
  const int least = consensus_at(dataset, item);
  const auto readers = dataset.mask(item);
  const int width = dataset.info().width;
  int top = dataset.info().height;
  int bottom = -1;
  int left = width;
  int right = -1;
  for (int y = 0; y < dataset.info().height; ++y) {
    for (int x = 0; x < width; ++x) {
      if (readers[static_cast<std::size_t>(y) * width + x] < least) continue;
      top = std::min(top, y);
      bottom = y;
      left = std::min(left, x);
      right = std::max(right, x);
    }
  }
  if (bottom < 0) return std::nullopt;
  // The box around the outline alone: a whole image takes some hundred times as long.
  std::vector<std::uint8_t> inside;
  for (int y = top; y <= bottom; ++y)
    for (int x = left; x <= right; ++x)
      inside.push_back(readers[static_cast<std::size_t>(y) * width + x] >= least ? 1 : 0);
  const traits::Region region = traits::region_of(inside, bottom - top + 1, right - left + 1);
  const double found =
      traits::measure_shape(traits::without_holes(traits::largest_part(region)), spacing).longest_diameter;
  return std::isnan(found) || found <= 0 ? std::nullopt : std::optional(found);
}

std::optional<double> number_of(const Dataset& dataset, std::string_view column, std::int64_t item) {
  if (measures_diameter(dataset, column)) return diameter_of(dataset, item);
  if (column != spacing_label) return dataset.label(item, column);
  const double spacing = dataset.item(item).spacing_mm;
  return std::isnan(spacing) ? std::nullopt : std::optional(spacing);
}

/// How often each text occurs among the training images; "" is unknown and left out.
std::map<std::string, std::int64_t> texts_of(const Dataset& dataset, std::string_view column) {
  const std::size_t at = dataset.label_column(column);
  std::map<std::string, std::int64_t> counts;
  for (const std::int64_t item : dataset.items_of(Split::train))
    if (const std::string& text = dataset.item(item).labels[at]; !text.empty()) ++counts[text];
  return counts;
}

std::optional<ConditionLabel> text_label(const Dataset& dataset, const Label& label) {
  ConditionLabel out;
  out.name = label.name;
  out.meaning = label.meaning;
  for (const auto& [text, count] : texts_of(dataset, label.name)) {
    out.values.push_back({static_cast<double>(out.values.size()), text, count});
    out.known += count;
  }
  return out.values.size() < 2 || out.values.size() > most_values ? std::nullopt : std::optional(out);
}

/// A category or a rating, on the scale that the data set says, else on the values that occur.
std::optional<ConditionLabel> scale_label(const Dataset& dataset, const Label& label) {
  ConditionLabel out;
  out.name = label.name;
  out.meaning = label.meaning;
  out.words = label.words;
  out.kind = label.type == "rating" ? ConditionKind::ordinal : ConditionKind::category;
  std::map<int, ConditionValue> values;
  for (const auto& [number, text] : label.values) values[number] = {static_cast<double>(number), text, 0};
  for (const std::int64_t item : dataset.items_of(Split::train)) {
    const auto value = dataset.label(item, label.name);
    if (!value) continue;
    const auto nearest = static_cast<int>(std::lround(*value));
    values.try_emplace(nearest, ConditionValue{static_cast<double>(nearest), "", 0});
    ++values[nearest].cases;
    ++out.known;
  }
  for (const auto& [number, value] : values) out.values.push_back(value);
  return out.known == 0 || out.values.size() < 2 || out.values.size() > most_values ? std::nullopt : std::optional(out);
}

std::optional<ConditionLabel> condition_label(const Dataset& dataset, const std::string& column) {
  const bool measured = measures_diameter(dataset, column) || column == spacing_label;
  const Label* const label = measured ? nullptr : label_of(dataset, column);
  if (label == nullptr && !measured) static_cast<void>(dataset.label_column(column));  // says which
  if (label != nullptr && label->type == "text") return text_label(dataset, *label);
  if (label != nullptr && label->type != "number") return scale_label(dataset, *label);
  std::vector<double> values;
  for (const std::int64_t item : dataset.items_of(Split::train))
    values.push_back(number_of(dataset, column, item).value_or(std::numeric_limits<double>::quiet_NaN()));
  const std::string_view meaning =
      column == spacing_label ? "pixel size in the plane" : "longest diameter on the image";
  return number_label(column, measured ? meaning : label->meaning, values);
}

bool has_column(const Dataset& dataset, std::string_view column) {
  return column == spacing_label || measures_diameter(dataset, column) || label_of(dataset, column) != nullptr;
}

/// A text's place among the model's values; the next free number where it is new.
void add_text(ConditionLabel& label, const ConditionValue& found) {
  const auto known = std::find_if(label.values.begin(), label.values.end(),
                                  [&](const ConditionValue& value) { return value.name == found.name; });
  if (known != label.values.end()) {
    known->cases = found.cases;
  } else {
    label.values.push_back({label.values.back().number + 1, found.name, found.cases});
  }
}

void add_value(ConditionLabel& label, const ConditionValue& found) {
  const auto at = std::find_if(label.values.begin(), label.values.end(),
                               [&](const ConditionValue& value) { return value.number >= found.number; });
  if (at == label.values.end() || at->number != found.number) {
    label.values.insert(at, found);
    return;
  }
  if (!at->name.empty() && !found.name.empty() && at->name != found.name)
    throw Error(ErrorCode::usage, fmt::format("label '{}': {} is '{}' in the model and '{}' in the data set",
                                              label.column(), found.number, at->name, found.name));
  if (at->name.empty()) at->name = found.name;
  at->cases = found.cases;
}

/// The model's label with what the data set has of it.
ConditionLabel extended_label(ConditionLabel label, const Dataset& dataset) {
  for (ConditionValue& value : label.values) value.cases = 0;
  label.known = 0;
  const auto found = has_column(dataset, label.column()) ? condition_label(dataset, label.column()) : std::nullopt;
  if (!found) return label;
  label.known = found->known;
  label.words.insert(found->words.begin(), found->words.end());
  if (label.kind == ConditionKind::number) {
    for (const std::int64_t item : dataset.items_of(Split::train))
      if (const auto value = number_of(dataset, label.column(), item))
        ++label.values[nearest_value(label.values, *value)].cases;
    return label;
  }
  const Label* const column = label_of(dataset, label.column());
  const bool text = column != nullptr && column->type == "text";
  for (const ConditionValue& value : found->values) text ? add_text(label, value) : add_value(label, value);
  return label;
}

}  // namespace

std::vector<std::string> telling_labels(const Dataset& dataset) {
  std::vector<std::string> names;
  for (const Label& label : dataset.info().labels) {
    if (label.type == "text" && texts_of(dataset, label.name).size() > few_values) continue;
    const auto found = condition_label(dataset, label.name);
    if (found && (label.type != "number" || !found->unit.empty())) names.push_back(label.name);
  }
  const bool listed = std::find(names.begin(), names.end(), diameter_label) != names.end();
  if (dataset.info().masks && !listed && condition_label(dataset, std::string(diameter_label)))
    names.emplace_back(diameter_label);
  if (condition_label(dataset, std::string(spacing_label))) names.emplace_back(spacing_label);
  return names;
}

ConditionSchema condition_schema(const Dataset& dataset, const std::vector<std::string>& columns) {
  ConditionSchema schema;
  const bool all = columns.size() == 1 && columns.front() == all_labels;
  for (const std::string& column : all ? telling_labels(dataset) : columns) {
    auto label = condition_label(dataset, column);
    if (!label)
      throw Error(ErrorCode::usage, fmt::format("label '{}': expected 2 to {} different values among the training "
                                                "images of {}, found another number",
                                                column, most_values, dataset.folder().string()));
    schema.labels.push_back(std::move(*label));
  }
  return schema;
}

ConditionSchema extended_schema(const ConditionSchema& model, const Dataset& dataset,
                                const std::vector<std::string>& columns) {
  ConditionSchema schema;
  for (const ConditionLabel& label : model.labels) schema.labels.push_back(extended_label(label, dataset));
  const bool all = columns.size() == 1 && columns.front() == all_labels;
  std::vector<std::string> more = all ? telling_labels(dataset) : columns;
  std::erase_if(more, [&](const std::string& column) {
    return std::any_of(model.labels.begin(), model.labels.end(), [&](const auto& l) { return l.column() == column; });
  });
  const ConditionSchema added = condition_schema(dataset, more);
  schema.labels.insert(schema.labels.end(), added.labels.begin(), added.labels.end());
  return schema;
}

Condition condition_of(const Dataset& dataset, const ConditionSchema& schema, std::int64_t item) {
  Condition condition;
  for (const ConditionLabel& wanted : schema.labels) {
    const Label* const label = label_of(dataset, wanted.column());
    if (!has_column(dataset, wanted.column())) {
      condition.emplace_back();
      continue;
    }
    if (label == nullptr || measures_diameter(dataset, wanted.column()) || label->type != "text") {
      condition.push_back(number_of(dataset, wanted.column(), item));
      continue;
    }
    const std::string& text = dataset.item(item).labels[dataset.label_column(label->name)];
    const auto found = std::find_if(wanted.values.begin(), wanted.values.end(),
                                    [&](const ConditionValue& value) { return value.name == text; });
    condition.push_back(found == wanted.values.end() || text.empty() ? std::nullopt : std::optional(found->number));
  }
  return condition;
}

}  // namespace nodulus::data
