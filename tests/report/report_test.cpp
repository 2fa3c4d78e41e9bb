#include "nodulus/report/report.h"

#include <gmock/gmock.h>

#include "nodulus/core/csv.h"
#include "nodulus/core/files.h"
#include "tests/support/expect_error.h"
#include "tests/support/temporary_folder.h"

namespace nodulus::report {
namespace {

using testing::HasSubstr;
using testing::Not;

Json figure(const std::string& name, double value, double low, double high) {
  return {{"name", name},
          {"title", name},
          {"meaning", ""},
          {"better", "lower"},
          {"value", value},
          {"interval", {low, high}},
          {"floor", {{"value", 4.0}, {"interval", {3.5, 4.5}}}},
          {"matched", {{"count", 50}, {"value", value}, {"floor", 4.0}}},
          {"ratio", value / 4}};
}

Json trait(const std::string& title, double median, double p) {
  const Json real = {{"mean", 5.0}, {"quantiles", {{"50", 5.0}}}};
  return {{"name", title},
          {"title", title},
          {"unit", "mm"},
          {"real", real},
          {"generated", {{"mean", median}, {"quantiles", {{"50", median}}}}},
          {"wasserstein", {{"value", 1.0}, {"interval", nullptr}, {"floor", 0.5}, {"ratio", 2.0}}},
          {"ks", {{"statistic", 0.5}, {"p", p}, {"p_corrected", p}}},
          {"beyond", 0.1}};
}

Json set_json(const std::string& name, double fd, double low, double high) {
  return {{"name", name},
          {"path", "images/" + name},
          {"family", "ddpm"},
          {"synthetic", true},
          {"learnt_from_real", true},
          {"count", 50},
          {"figures", Json::array({figure("fd", fd, low, high), figure("precision_5", 0.5, 0.4, 0.6),
                                   figure("recall_5", 0.25, 0.2, 0.3)})},
          {"traits", Json::array({trait("Area", 9, 0.001), trait("Elongation", 5, 0.8)})},
          {"beyond", {{"share", 0.5}, {"floor", 0.125}}},
          {"copies", {{"verdict", "no sign of copying"}, {"closer_share", {{"pixel", 0.02}}}}},
          {"obedience", Json::array()},
          {"cost",
           {{"training_seconds", 3600},
            {"training_images", 800},
            {"training_loss", 0.5},
            {"training_batch", 16},
            {"generation_seconds_per_image", 0.25},
            {"evaluations_per_image", 20}}}};
}

Json metrics(const Json& sets, const std::string& hash = "abc") {
  return {{"schema", {{"name", "nodulus.metrics"}, {"version", 1}}},
          {"real",
           {{"name", "ds"},
            {"hash", hash},
            {"window_hu", {-1000, 400}},
            {"size", {64, 64}},
            {"downsample", 1},
            {"spacing_mm", 0.7},
            {"spacing_note", "the median"},
            {"counts", {{"train", 400}, {"held_out", 100}, {"train_patients", 390}, {"held_out_patients", 95}}}}},
          {"features", {{"name", "SqueezeNet"}, {"distance", "FD (SqueezeNet)"}, {"sha256", "f"}}},
          {"sets", sets}};
}

std::string joined(const Json& sentences) {
  std::string text;
  for (const Json& s : sentences) text += s.get<std::string>() + "\n";
  return text;
}

TEST(Report, NamesTheNearestOnlyWhereIntervalsPart) {
  const Json apart = combine({{"a.json", metrics({set_json("a", 10, 9, 11), set_json("b", 14, 12, 16)})}});
  EXPECT_THAT(joined(apart["summary"]), HasSubstr("a lies nearest to the real images"));
  const Json together = combine({{"a.json", metrics({set_json("a", 10, 9, 13), set_json("b", 14, 12, 16)})}});
  EXPECT_THAT(joined(together["summary"]), HasSubstr("no set lies clearly nearer"));
}

TEST(Report, NamesNoneWhereTheNumbersOfImagesDiffer) {
  Json fewer = set_json("b", 14, 12, 16);
  fewer["count"] = 30;
  const Json report = combine({{"a.json", metrics({set_json("a", 10, 9, 11), fewer})}});
  EXPECT_THAT(joined(report["summary"]), HasSubstr("depends on the number of images, which differs"));
  EXPECT_THAT(joined(report["summary"]), Not(HasSubstr("nearest")));
}

TEST(Report, SaysWhoseTheOutlinesAreAndThatSomeAreEmpty) {
  Json set = set_json("a", 10, 9, 11);
  set["outlines"] = {{"from", "network"}, {"dice", 0.52}};
  set["empty_outlines"] = {{"share", 0.25}, {"floor", 0.0}};
  EXPECT_THAT(
      joined(combine({{"a.json", metrics(Json::array({set}))}})["summary"]),
      HasSubstr(
          "a: outlines by a network that agrees with readers by a Dice of 0.52; 25 % of the images show no nodule"));
  for (Json& t : set["traits"]) t["ks"]["p_corrected"] = nullptr;
  EXPECT_THAT(joined(combine({{"a.json", metrics(Json::array({set}))}})["summary"]),
              HasSubstr("no trait could be measured"));
}

TEST(Report, WithoutIntervalsNoneIsNearer) {
  Json a = set_json("a", 10, 9, 11);
  Json b = set_json("b", 14, 12, 16);
  for (Json* set : {&a, &b}) (*set)["figures"][0]["interval"] = nullptr;
  EXPECT_THAT(joined(combine({{"a.json", metrics({a, b})}})["summary"]),
              HasSubstr("Without intervals none can be called nearer"));
}

TEST(Report, SaysWhereAModelMayHaveSeenTheFloor) {
  Json other = set_json("a", 10, 9, 11);
  other["learnt_from_real"] = false;
  EXPECT_THAT(joined(combine({{"a.json", metrics(Json::array({other}))}})["cautions"]),
              HasSubstr("a: the model learnt from other images"));
  other["learnt_from_real"] = nullptr;
  EXPECT_THAT(joined(combine({{"a.json", metrics(Json::array({other}))}})["cautions"]),
              HasSubstr("a: what the model learnt from is not known"));
}

TEST(Report, SaysWhatTheFiguresSay) {
  const Json report = combine({{"a.json", metrics(Json::array({set_json("a", 10, 9, 11)}))}});
  const std::string text = joined(report["summary"]);
  EXPECT_THAT(text, HasSubstr("400 real training images of 390 patients"));
  EXPECT_THAT(text, HasSubstr("10 (10 at 50 images, 2.5 times what as many real images have among themselves)"));
  EXPECT_THAT(text,
              HasSubstr("of 2 traits, 1 differs beyond what chance explains, most of all, by their medians, Area (9 in "
                        "place of 5 mm)"));
  EXPECT_THAT(text,
              HasSubstr("50 % of the nodules lie beyond the real range in some trait (real ones held out: 12 %)"));
  EXPECT_THAT(text, HasSubstr("no sign of copying"));
  EXPECT_THAT(text, HasSubstr("a 0.25 s"));
  const std::string not_said = joined(report["cautions"]);
  EXPECT_THAT(not_said, HasSubstr("With 50 images in the smallest set"));
  EXPECT_THAT(not_said, HasSubstr("is no FID"));
  EXPECT_THAT(not_said, HasSubstr("No radiologist"));
}

TEST(Report, WithFidItDoesNotSayThatItIsNone) {
  Json file = metrics(Json::array({set_json("a", 10, 9, 11)}));
  file["features"]["distance"] = "FID";
  EXPECT_THAT(joined(combine({{"a.json", file}})["cautions"]), Not(HasSubstr("is no FID")));
}

TEST(Report, JoinsFilesAndTellsEqualNamesApart) {
  Json second = set_json("a", 14, 12, 16);
  second["path"] = "elsewhere/a";
  const Json sweep = {{"schema", {{"name", "nodulus.sweep"}, {"version", 1}}},
                      {"name", "run"},
                      {"family", "ddpm"},
                      {"dataset", "abc"},
                      {"features", {{"sha256", "f"}}},
                      {"count", 8},
                      {"floor", {{"fd", 4.0}}},
                      {"points", Json::array({{{"sampler", "heun"}, {"evaluations", 9}}})}};
  const Json report = combine({{"s.json", sweep},
                               {"a.json", metrics(Json::array({set_json("a", 10, 9, 11)}))},
                               {"b.json", metrics(Json::array({second}))}});
  ASSERT_EQ(report["sets"].size(), 2U);
  EXPECT_EQ(report["sets"][0]["name"], "images/a");
  EXPECT_EQ(report["sets"][1]["name"], "elsewhere/a");
  EXPECT_EQ(report["sweeps"][0]["points"][0]["sampler"], "heun");
}

TEST(Report, TheSeedsTableHasARowASet) {
  const Json report = combine({{"a.json", metrics(Json::array({set_json("a", 10, 9, 11)}))}});
  const Json& table = report["seed_table"];
  EXPECT_EQ(table["rows"][0], (Json{"a", "60 min", "0.5", "400", "2.0", "16", "-", "20", "0.25"}));
  EXPECT_EQ(table["columns"].size(), table["rows"][0].size());
}

TEST(Report, RefusesWhatDoesNotCompare) {
  const Source first{"a.json", metrics(Json::array({set_json("a", 10, 9, 11)}))};
  const Source other{"b.json", metrics(Json::array({set_json("b", 10, 9, 11)}), "other")};
  test::expect_error(
      [&] {
        combine({first, other});
      },
      ErrorCode::usage, {"b.json", "a.json", "data set", "abc", "other"});
  Source features = first;
  features.path = "c.json";
  features.json["features"]["sha256"] = "g";
  test::expect_error([&] { combine({first, features}); }, ErrorCode::usage, {"c.json", "features"});
  const Json sweep = {
      {"schema", {{"name", "nodulus.sweep"}, {"version", 1}}}, {"dataset", "other"}, {"features", {{"sha256", "f"}}}};
  test::expect_error([&] { combine({first, {"s.json", sweep}}); }, ErrorCode::usage, {"s.json", "data set", "other"});
  test::expect_error([&] { combine({}); }, ErrorCode::usage, {"metrics.json"});
}

TEST(Report, RefusesFilesThatAreNone) {
  const test::TemporaryFolder folder;
  auto refuse = [&](const Json& json, const std::vector<std::string>& parts) {
    write_json(folder / "m.json", json);
    test::expect_error([&] { read_source(folder / "m.json"); }, ErrorCode::bad_input, parts);
  };
  Json older = metrics(Json::array());
  older["schema"]["version"] = 0;
  refuse(older, {"m.json", "schema.version", "expected 1", "found 0"});
  refuse({{"schema", {{"name", "nodulus.run"}, {"version", 1}}}}, {"m.json", "nodulus.metrics", "nodulus.run"});
  refuse(Json::array(), {"m.json", "an object"});
  Json without = metrics(Json::array());
  without.erase("real");
  refuse(without, {"m.json", "real"});
  Json broken = metrics(Json::array({set_json("a", 1, 1, 1)}));
  broken["sets"][0]["figures"] = 3;
  refuse(broken, {"m.json", "sets[0].figures", "list"});
  // Every key that is read: one after another is taken away.
  for (const char* key : {"name", "count", "figures", "traits"}) {
    Json lacking = metrics(Json::array({set_json("a", 1, 1, 1)}));
    lacking["sets"][0].erase(key);
    refuse(lacking, {"m.json", key, "found nothing"});
  }
  for (const char* key : {"title", "matched", "floor", "interval"}) {
    Json lacking = metrics(Json::array({set_json("a", 1, 1, 1)}));
    lacking["sets"][0]["figures"][0].erase(key);
    refuse(lacking, {"m.json", key, "found nothing"});
  }
  Json odd = metrics(Json::array({set_json("a", 1, 1, 1)}));
  odd["sets"][0]["obedience"] = Json::array({Json::object()});
  refuse(odd, {"m.json", "sets[0].obedience[0].label", "text"});
  write_text(folder / "m.json", "{\"schema\": ");
  test::expect_error([&] { read_source(folder / "m.json"); }, ErrorCode::bad_input, {"not JSON"});
  write_json(folder / "good.json", metrics(Json::array({set_json("a", 1, 1, 1)})));
  EXPECT_EQ(read_source(folder / "good.json").json["sets"].size(), 1U);
}

TEST(Report, ThePageHoldsTheDataAndNoStringEndsIt) {
  Json report = combine({{"a.json", metrics(Json::array({set_json("a", 10, 9, 11)}))}});
  report["sets"][0]["name"] = "</script><b>";
  const std::string html = page(report);
  const std::string mark = "<script id=\"report-data\" type=\"application/json\">";
  const std::size_t begin = html.find(mark) + mark.size();
  const std::string data = html.substr(begin, html.find("</script>", begin) - begin);
  EXPECT_EQ(Json::parse(data)["sets"][0]["name"], "</script><b>");
  EXPECT_THAT(html, Not(HasSubstr("http://localhost")));
}

TEST(Report, TablesReadBack) {
  const Json report = combine({{"a.json", metrics({set_json("a", 10, 9, 11), set_json("b, c", 14, 12, 16)})}});
  const CsvTable figures = CsvTable::parse(figures_csv(report), "figures.csv");
  ASSERT_EQ(figures.rows(), 6U);
  EXPECT_EQ(figures.text(3, "set"), "b, c");
  EXPECT_EQ(figures.number(3, "high_95"), 16);
  const CsvTable traits = CsvTable::parse(traits_csv(report), "traits.csv");
  EXPECT_EQ(traits.number(0, "generated_median"), 9);
  EXPECT_EQ(traits.text(0, "low_95"), "");
}

}  // namespace
}  // namespace nodulus::report
