#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "nodulus/core/json_fields.h"
#include "nodulus/core/manifest.h"

/// What images can be asked for by: the labels of a data set as models see them, whatever they are called.
namespace nodulus {

enum class ConditionKind {
  category,  ///< One of a few values without an order.
  ordinal,   ///< Steps of a scale; a mean of readers may lie between two of them.
  number,    ///< A quantity in a unit.
};
std::string_view name(ConditionKind kind);

/// A value of a category or scale; or a knot of a number, from where to where its cases are spread evenly.
struct ConditionValue {
  double number = 0;
  std::string name;        ///< "" where the number says all.
  std::int64_t cases = 0;  ///< Real images to which this value is the nearest.
  bool operator==(const ConditionValue&) const = default;
};

/// Words for the values from low to high: "malignant" for 4 to 5.
using LabelWords = std::map<std::string, std::pair<double, double>>;
Json words_json(const LabelWords& words);
/// Throws Error{bad_input} naming file, key, expected and found.
LabelWords words_of(const JsonFields& fields, const std::string& key);

struct ConditionLabel {
  std::string name;  ///< "diameter"
  std::string unit;  ///< "mm"; "" where there is none. With it the data set's column: "diameter_mm".
  ConditionKind kind = ConditionKind::category;
  std::string meaning;
  std::vector<ConditionValue> values;  ///< Two or more, ascending.
  std::int64_t known = 0;              ///< Real images whose value is known.
  LabelWords words = {};

  [[nodiscard]] std::string column() const { return unit.empty() ? name : name + "_" + unit; }
  /// As it is asked for: "--internal-structure".
  [[nodiscard]] std::string flag() const;
  /// "highly suspicious"; the number where it has no name.
  [[nodiscard]] std::string name_of(double value) const;
  /// "5 (highly suspicious)", "8.25 mm".
  [[nodiscard]] std::string text(double value) const;
  bool operator==(const ConditionLabel&) const = default;
};

/// A value for each label of a schema; nothing: unknown, or any.
using Condition = std::vector<std::optional<double>>;

struct ConditionSchema {
  std::vector<ConditionLabel> labels;

  [[nodiscard]] bool empty() const { return labels.empty(); }
  /// Numbers that a condition becomes for a network: as many as all labels have values.
  [[nodiscard]] std::int64_t width() const;
  /// Where a label stands, by its name or its column. Throws Error{usage} naming those that there are.
  [[nodiscard]] std::size_t index(std::string_view label) const;
  bool operator==(const ConditionSchema&) const = default;
};

/// Index of the value nearest to a number; `values` are not empty.
std::size_t nearest_value(const std::vector<ConditionValue>& values, double wanted);

/// What a network sees of a condition, [width]: for each label the weights of its values, which sum to 1 and bring back
/// the value where it lies between two of them (a category is its nearest); all 0 where nothing is known.
/// Error{internal} where sizes differ.
void encode(const ConditionSchema& schema, const Condition& condition, std::span<float> out);

/// Where each number of a row of `schema` stands in a row of `wider`, which has all its labels and values.
/// Error{internal} where it has not.
std::vector<std::int64_t> columns_in(const ConditionSchema& schema, const ConditionSchema& wider);

/// A label of a number's `values`, NaN among them unknown: knots at their quantiles, up to `most`; nothing where fewer
/// than two differ.
std::optional<ConditionLabel> number_label(std::string_view column, std::string_view meaning,
                                           std::span<const double> values, std::size_t most = 8);

/// Adds the cases of another schema to those of the same labels and values, which `schema` all has.
void add_cases(ConditionSchema& schema, const ConditionSchema& before);

Json json_of(const ConditionSchema& schema);
/// Throws Error{bad_input} naming file, key, expected and found.
ConditionSchema condition_schema_of(const Json& json, const std::filesystem::path& file);

}  // namespace nodulus
