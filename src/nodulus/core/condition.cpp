#include "nodulus/core/condition.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "nodulus/core/error.h"
#include "nodulus/core/json_fields.h"
#include "nodulus/core/nearest.h"

namespace nodulus {
namespace {

constexpr std::array kinds{ConditionKind::category, ConditionKind::ordinal, ConditionKind::number};
constexpr std::array<std::string_view, 4> units{"mm", "mm2", "mm3", "hu"};

ConditionKind kind_of(const JsonFields& fields) {
  const auto text = fields.get<std::string>("kind", "category, ordinal or number");
  for (const ConditionKind kind : kinds)
    if (name(kind) == text) return kind;
  fields.fail("kind", "category, ordinal or number", "'" + text + "'");
}

/// Weights of a label's values.
void encode_label(const ConditionLabel& label, double value, std::span<float> out) {
  const auto& values = label.values;
  if (label.kind == ConditionKind::category) {
    out[nearest_value(values, value)] = 1;
    return;
  }
  const auto above = std::lower_bound(values.begin(), values.end(), value,
                                      [](const ConditionValue& v, double wanted) { return v.number < wanted; });
  if (above == values.begin() || above == values.end()) {
    out[above == values.begin() ? 0 : values.size() - 1] = 1;
    return;
  }
  const auto at = static_cast<std::size_t>(above - values.begin());
  const double part = (value - values[at - 1].number) / (values[at].number - values[at - 1].number);
  out[at] = static_cast<float>(part);
  out[at - 1] = static_cast<float>(1 - part);
}

}  // namespace

std::size_t nearest_value(const std::vector<ConditionValue>& values, double wanted) {
  const auto nearest = std::min_element(values.begin(), values.end(), [&](const auto& a, const auto& b) {
    return std::abs(a.number - wanted) < std::abs(b.number - wanted);
  });
  return static_cast<std::size_t>(nearest - values.begin());
}

std::string_view name(ConditionKind kind) {
  switch (kind) {
    case ConditionKind::category: return "category";
    case ConditionKind::ordinal: return "ordinal";
    case ConditionKind::number: return "number";
  }
  return "category";
}

Json words_json(const LabelWords& words) {
  Json json = Json::object();
  for (const auto& [word, range] : words) json[word] = {range.first, range.second};
  return json;
}

LabelWords words_of(const JsonFields& fields, const std::string& key) {
  LabelWords words;
  if (!fields.has(key)) return words;
  for (const auto& [word, range] : fields.get<std::map<std::string, std::vector<double>>>(key, "[low, high] by word")) {
    if (range.size() != 2 || !(range[0] <= range[1])) fields.fail(key, "[low, high] by word", Json(range).dump());
    words[word] = {range[0], range[1]};
  }
  return words;
}

std::string ConditionLabel::flag() const {
  std::string flag = "--" + name;
  std::replace(flag.begin(), flag.end(), '_', '-');
  return flag;
}

std::string ConditionLabel::name_of(double value) const {
  const ConditionValue& nearest = values.at(nearest_value(values, value));
  return nearest.name.empty() || nearest.number != value ? fmt::format("{:.4g}", value) : nearest.name;
}

std::string ConditionLabel::text(double value) const {
  std::string number = fmt::format("{:.4g}", value);
  if (kind == ConditionKind::number) return unit.empty() ? number : fmt::format("{} {}", number, unit);
  const std::string called = name_of(value);
  return called == number ? number : fmt::format("{} ({})", number, called);
}

std::int64_t ConditionSchema::width() const {
  std::size_t sum = 0;
  for (const ConditionLabel& label : labels) sum += label.values.size();
  return static_cast<std::int64_t>(sum);
}

std::size_t ConditionSchema::index(std::string_view label) const {
  std::vector<std::string> known;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    if (labels[i].name == label || labels[i].column() == label) return i;
    known.push_back(labels[i].name);
  }
  if (known.empty())
    throw Error(ErrorCode::usage,
                fmt::format("this model was trained without labels: it cannot be asked for '{}'", label));
  throw Error(ErrorCode::usage, fmt::format("expected a label that the model knows, one of {}; found '{}'{}",
                                            fmt::join(known, ", "), label, did_you_mean(label, known)));
}

void encode(const ConditionSchema& schema, const Condition& condition, std::span<float> out) {
  if (condition.size() != schema.labels.size() || static_cast<std::int64_t>(out.size()) != schema.width())
    throw Error(ErrorCode::internal, fmt::format("condition: expected {} values for {} numbers, found {} for {}",
                                                 schema.labels.size(), schema.width(), condition.size(), out.size()));
  std::fill(out.begin(), out.end(), 0.0F);
  for (std::size_t i = 0; i < condition.size(); ++i) {
    const std::size_t size = schema.labels[i].values.size();
    if (condition[i]) encode_label(schema.labels[i], *condition[i], out.first(size));
    out = out.subspan(size);
  }
}

std::vector<std::int64_t> columns_in(const ConditionSchema& schema, const ConditionSchema& wider) {
  std::vector<std::int64_t> columns;
  for (const ConditionLabel& label : schema.labels) {
    std::int64_t first = 0;
    std::size_t at = 0;
    while (at < wider.labels.size() && wider.labels[at].column() != label.column())
      first += static_cast<std::int64_t>(wider.labels[at++].values.size());
    for (const ConditionValue& value : label.values) {
      const auto missing = [&] {
        return Error(ErrorCode::internal, "a wider schema has no " + label.text(value.number));
      };
      if (at == wider.labels.size()) throw missing();
      const auto& values = wider.labels[at].values;
      const auto found =
          std::find_if(values.begin(), values.end(), [&](const auto& v) { return v.number == value.number; });
      if (found == values.end()) throw missing();
      columns.push_back(first + (found - values.begin()));
    }
  }
  return columns;
}

std::optional<ConditionLabel> number_label(std::string_view column, std::string_view meaning,
                                           std::span<const double> values, std::size_t most) {
  std::vector<double> sorted;
  for (const double value : values)
    if (!std::isnan(value)) sorted.push_back(value);
  std::sort(sorted.begin(), sorted.end());
  ConditionLabel label;
  label.kind = ConditionKind::number;
  label.meaning = meaning;
  label.name = column;
  for (const std::string_view unit : units) {
    if (!column.ends_with("_" + std::string(unit))) continue;
    label.name = column.substr(0, column.size() - unit.size() - 1);
    label.unit = unit;
  }
  label.known = static_cast<std::int64_t>(sorted.size());
  for (std::size_t k = 0; k < most && !sorted.empty(); ++k) {
    const double knot = sorted[k * (sorted.size() - 1) / (most - 1)];
    if (label.values.empty() || knot > label.values.back().number) label.values.push_back({knot, "", 0});
  }
  if (label.values.size() < 2) return std::nullopt;
  for (const double value : sorted) ++label.values[nearest_value(label.values, value)].cases;
  return label;
}

void add_cases(ConditionSchema& schema, const ConditionSchema& before) {
  for (const ConditionLabel& other : before.labels) {
    ConditionLabel& label = schema.labels[schema.index(other.name)];
    label.known += other.known;
    for (const ConditionValue& value : other.values) {
      const auto same = std::ranges::find(label.values, value.number, &ConditionValue::number);
      if (same != label.values.end()) same->cases += value.cases;
    }
  }
}

Json json_of(const ConditionSchema& schema) {
  Json all = Json::array();
  for (const ConditionLabel& label : schema.labels) {
    Json values = Json::array();
    for (const ConditionValue& value : label.values)
      values.push_back({{"number", value.number}, {"name", value.name}, {"cases", value.cases}});
    all.push_back({{"name", label.name},
                   {"unit", label.unit},
                   {"kind", name(label.kind)},
                   {"meaning", label.meaning},
                   {"known", label.known},
                   {"words", words_json(label.words)},
                   {"values", values}});
  }
  return all;
}

ConditionSchema condition_schema_of(const Json& json, const std::filesystem::path& file) {
  const Json holder{{"conditions", json}};
  const JsonFields outer(holder, file);
  if (!json.is_array()) outer.fail("conditions", "a list", json.dump());
  ConditionSchema schema;
  for (const Json& entry : json) {
    const JsonFields fields(entry, file, "conditions");
    ConditionLabel label;
    label.name = fields.get<std::string>("name", "a string");
    label.unit = fields.get<std::string>("unit", "a string");
    label.kind = kind_of(fields);
    label.meaning = fields.get<std::string>("meaning", "a string");
    label.known = fields.get<std::int64_t>("known", "a count");
    label.words = words_of(fields, "words");
    for (const Json& item : fields.json("values", "a list")) {
      const JsonFields value(item, file, "conditions.values");
      label.values.push_back({value.get<double>("number", "a number"), value.get<std::string>("name", "a string"),
                              value.get<std::int64_t>("cases", "a count")});
      if (label.values.size() > 1 && !(label.values[label.values.size() - 2].number < label.values.back().number))
        value.fail("number", "ascending values", item.dump());
    }
    if (label.values.size() < 2) fields.fail("values", "two or more", std::to_string(label.values.size()));
    schema.labels.push_back(std::move(label));
  }
  return schema;
}

}  // namespace nodulus
