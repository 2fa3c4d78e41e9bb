#include "nodulus/core/condition.h"

#include <gmock/gmock.h>

#include <cmath>
#include <limits>

#include "nodulus/core/condition_request.h"
#include "tests/support/expect_error.h"

namespace nodulus {
namespace {

using ::testing::ElementsAre;
using ::testing::FloatEq;

ConditionSchema schema() {
  ConditionSchema schema;
  schema.labels.push_back({"kind", "", ConditionKind::category, "kind", {{1, "round", 5}, {2, "star", 3}}, 8});
  schema.labels.push_back(
      {"texture",
       "",
       ConditionKind::ordinal,
       "texture",
       {{1, "non-solid/ground glass", 10}, {2, "non-solid/mixed", 2}, {3, "part solid/mixed", 4}, {5, "solid", 90}},
       106,
       {{"subsolid", {1, 3}}}});
  schema.labels.push_back(
      {"diameter", "mm", ConditionKind::number, "diameter", {{4, "", 30}, {8, "", 40}, {16, "", 30}}, 100});
  return schema;
}

std::vector<float> encoded(const Condition& condition) {
  std::vector<float> out(9, -1);
  encode(schema(), condition, out);
  return out;
}

TEST(Condition, ValuesBecomeWeightsThatBringThemBack) {
  EXPECT_EQ(schema().width(), 9);
  EXPECT_THAT(encoded({2, 5, 4}), ElementsAre(0, 1, 0, 0, 0, 1, 1, 0, 0));
  EXPECT_THAT(encoded({1, 2.25, 10}), ElementsAre(1, 0, 0, FloatEq(0.75), FloatEq(0.25), 0, 0, 0.75, 0.25));
  EXPECT_THAT(encoded({std::nullopt, std::nullopt, 40}), ElementsAre(0, 0, 0, 0, 0, 0, 0, 0, 1));
  EXPECT_THAT(encoded({std::nullopt, std::nullopt, 1}), ElementsAre(0, 0, 0, 0, 0, 0, 1, 0, 0));
  std::vector<float> room(9);
  test::expect_error([&] { encode(schema(), {1, 2}, room); }, ErrorCode::internal, {"3 values", "found 2"});
}

TEST(Condition, ANumberHasKnotsWhereItsValuesAre) {
  std::vector<double> values{std::numeric_limits<double>::quiet_NaN()};
  for (int i = 0; i <= 70; ++i) values.push_back(i);
  const auto label = number_label("diameter_mm", "diameter", values);
  ASSERT_TRUE(label);
  EXPECT_EQ(label->name, "diameter");
  EXPECT_EQ(label->unit, "mm");
  EXPECT_EQ(label->column(), "diameter_mm");
  EXPECT_EQ(label->known, 71);
  ASSERT_EQ(label->values.size(), 8U);
  for (std::size_t k = 0; k < 8; ++k) EXPECT_EQ(label->values[k].number, 10.0 * static_cast<double>(k));
  std::int64_t cases = 0;
  for (const ConditionValue& value : label->values) cases += value.cases;
  EXPECT_EQ(cases, 71);
  EXPECT_FALSE(number_label("x", "", std::vector<double>{3, 3, 3}));
  EXPECT_FALSE(number_label("x", "", std::vector<double>{}));
  EXPECT_EQ(number_label("x_hu", "", std::vector<double>{3, 4})->values.size(), 2U);
}

TEST(Condition, TheSchemaComesBackFromAFile) {
  EXPECT_EQ(condition_schema_of(json_of(schema()), "model.json"), schema());
  Json json = json_of(schema());
  json[1]["kind"] = "colour";
  test::expect_error([&] { condition_schema_of(json, "model.json"); }, ErrorCode::bad_input,
                     {"model.json", "kind", "ordinal", "colour"});
  json = json_of(schema());
  json[2]["values"][1]["number"] = 3;
  test::expect_error([&] { condition_schema_of(json, "model.json"); }, ErrorCode::bad_input, {"ascending"});
  json = json_of(schema());
  json[1]["words"]["subsolid"] = {3, 1};
  test::expect_error([&] { condition_schema_of(json, "model.json"); }, ErrorCode::bad_input, {"words", "[low, high]"});
  json[2]["values"] = Json::array();
  json[1]["words"] = Json::object();
  test::expect_error([&] { condition_schema_of(json, "model.json"); }, ErrorCode::bad_input, {"values", "two or more"});
}

TEST(Condition, LabelsAreKnownByNameAndColumn) {
  EXPECT_EQ(schema().index("diameter"), 2U);
  EXPECT_EQ(schema().index("diameter_mm"), 2U);
  test::expect_error([] { static_cast<void>(schema().index("diametre")); }, ErrorCode::usage,
                     {"did you mean 'diameter'"});
  test::expect_error([] { static_cast<void>(ConditionSchema().index("kind")); }, ErrorCode::usage,
                     {"without labels", "kind"});
}

void expect_range(const ConditionLabel& label, const std::string& text, double low, double high) {
  const ConditionRange range = condition_range(label, text);
  EXPECT_EQ(range.low, low) << text;
  EXPECT_EQ(range.high, high) << text;
}

TEST(ConditionRequest, IsReadAsPeopleWriteIt) {
  const auto labels = schema().labels;
  expect_range(labels[2], "8.5", 8.5, 8.5);
  expect_range(labels[2], "8.5 mm", 8.5, 8.5);
  expect_range(labels[2], "8..15mm", 8, 15);
  expect_range(labels[2], "8mm..15mm", 8, 15);
  expect_range(labels[2], "..6", 4, 6);
  expect_range(labels[2], "9..", 9, 16);
  expect_range(labels[2], "30", 30, 30);  // beyond what is known is a caution, no error
  expect_range(labels[1], "part-solid", 3, 3);
  expect_range(labels[1], "Solid", 5, 5);
  expect_range(labels[1], "part solid..solid", 3, 5);
  expect_range(labels[1], "2.5", 2.5, 2.5);
  expect_range(labels[1], "non solid", 1, 2);
  expect_range(labels[1], "SUBSOLID", 1, 3);
  expect_range(labels[1], "non-solid..part-solid", 1, 3);
  expect_range(labels[0], "star", 2, 2);
}

TEST(ConditionRequest, IsRefusedWithWhatIsKnown) {
  const auto labels = schema().labels;
  const auto refuse = [](const ConditionLabel& label, const std::string& text, const std::vector<std::string>& parts) {
    test::expect_error([&] { condition_range(label, text); }, ErrorCode::usage, parts);
  };
  refuse(labels[1], "grey", {"--texture", "1 (non-solid/ground glass)", "5 (solid)", "subsolid", "'grey'"});
  refuse(labels[1], "6", {"--texture", "'6'"});
  refuse(labels[0], "1.5", {"--kind", "2 (star)", "'1.5'"});
  refuse(labels[2], "9..8", {"--diameter", "from the smaller to the larger", "9..8"});
  refuse(labels[2], "..", {"--diameter"});
  for (const std::string text : {"0", "-3", "-3..5"}) refuse(labels[2], text, {"--diameter", "4 mm to 16 mm", text});
  refuse(labels[2], "8in", {"--diameter", "8in"});
  refuse(labels[2], "nan", {"--diameter"});
}

TEST(ConditionRequest, ValuesAreDrawnFromTheSeed) {
  const auto labels = schema().labels;
  std::vector<int> texture(6);
  double low = 100;
  double high = 0;
  for (std::uint64_t seed = 0; seed < 2000; ++seed) {
    const double diameter = drawn_value(labels[2], {{8, 15}}, seed);
    EXPECT_EQ(diameter, drawn_value(labels[2], {{8, 15}}, seed));
    low = std::min(low, diameter);
    high = std::max(high, diameter);
    ++texture.at(static_cast<std::size_t>(drawn_value(labels[1], {{1, 2}, {5, 5}}, seed)));
  }
  EXPECT_GE(low, 8);
  EXPECT_LT(low, 8.1);
  EXPECT_LE(high, 15);
  EXPECT_GT(high, 14.9);
  EXPECT_NEAR(texture[5], 1000, 100);
  EXPECT_NEAR(texture[1], 500, 100);
  EXPECT_EQ(texture[3], 0);
}

TEST(ConditionRequest, CasesAreCounted) {
  const auto labels = schema().labels;
  EXPECT_EQ(cases_within(labels[1], {2, 3}), 6);
  EXPECT_EQ(cases_within(labels[1], {2.5, 2.5}), 6) << "between two steps: those of both";
  EXPECT_EQ(cases_within(labels[2], {4, 16}), 100);
  EXPECT_EQ(cases_within(labels[2], {4, 6}), 25);
  EXPECT_EQ(cases_within(labels[2], {20, 30}), 0);
}

TEST(Condition, CasesOfAnotherSchemaAreAdded) {
  ConditionSchema both = schema();
  ConditionSchema before = schema();
  before.labels.erase(before.labels.begin());
  before.labels[0].values.erase(before.labels[0].values.begin());
  add_cases(both, before);
  const auto once = schema().labels;
  EXPECT_EQ(both.labels[0], once[0]);
  EXPECT_EQ(both.labels[1].known, 2 * once[1].known);
  EXPECT_EQ(both.labels[1].values[0].cases, once[1].values[0].cases);
  for (std::size_t i = 1; i < once[1].values.size(); ++i)
    EXPECT_EQ(both.labels[1].values[i].cases, 2 * once[1].values[i].cases);
}

}  // namespace
}  // namespace nodulus
