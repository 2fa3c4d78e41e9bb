#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "nodulus/core/csv.h"
#include "nodulus/core/error.h"
#include "nodulus/core/json_fields.h"
#include "nodulus/report/report.h"
#include "nodulus/report/required.h"

namespace nodulus::report {
namespace {

bool is_metrics(const Source& source) { return source.json["schema"]["name"] == manifest_schema("metrics"); }

/// What must be alike for two files to stand in one table.
void require_equal(const Source& first, const Json& expected, const Source& other, const Json& found,
                   const std::string& what) {
  if (expected != found)
    throw Error(ErrorCode::usage,
                fmt::format("{}: expected {} as in {}, {}, found {}; such figures do not compare", other.path.string(),
                            what, first.path.string(), expected.dump(), found.dump()));
}

void require_same(const Source& first, const Source& other, const char* section, const char* key,
                  const std::string& what) {
  require_equal(first, first.json.at(section).at(key), other, other.json.at(section).at(key), what);
}

/// Sets of one name are told apart by their paths.
void make_names_unique(Json& sets) {
  std::set<std::string> seen;
  std::set<std::string> twice;
  for (const Json& set : sets)
    if (!seen.insert(set["name"].get<std::string>()).second) twice.insert(set["name"].get<std::string>());
  for (Json& set : sets)
    if (twice.contains(set["name"].get<std::string>())) set["name"] = set["path"];
}

std::string duration(const Json& seconds) {
  if (!seconds.is_number()) return "-";
  const auto s = seconds.get<double>();
  if (s < 120) return fmt::format("{:.0f} s", s);
  if (s < 7200) return fmt::format("{:.0f} min", s / 60);
  return fmt::format("{:.1f} h", s / 3600);
}

std::string whole(const Json& number) {
  return number.is_number() ? fmt::format("{}", number.get<std::int64_t>()) : "-";
}

/// Table 7.1.4 of the thesis that nodulus began with, with a row a model.
Json seed_table(const Json& report) {
  const auto train = report["real"]["counts"]["train"].get<double>();
  Json columns = {"",           "Training time", "Loss, last logged",    "Images",          "Epochs",
                  "Batch size", "Sampler",       "Evaluations an image", "Seconds an image"};
  Json rows = Json::array();
  for (const Json& set : report["sets"]) {
    const Json& cost = set["cost"];
    if (!cost.is_object()) continue;
    auto field = [&](const char* key) { return cost.value(key, Json()); };
    const Json seen = field("training_images");
    const Json loss = field("training_loss");
    const Json seconds = field("generation_seconds_per_image");
    const std::string sampler = set.value("sampler", "");
    rows.push_back(
        {set["name"], duration(field("training_seconds")),
         loss.is_number() ? fmt::format("{:.4g}", loss.get<double>()) : "-", whole(report["real"]["counts"]["train"]),
         seen.is_number() ? fmt::format("{:.1f}", seen.get<double>() / train) : "-", whole(field("training_batch")),
         sampler.empty() ? "-" : sampler, whole(field("evaluations_per_image")),
         seconds.is_number() ? fmt::format("{:.3g}", seconds.get<double>()) : "-"});
  }
  if (rows.empty()) return nullptr;
  return {{"columns", columns},
          {"rows", rows},
          {"note",
           "The columns of the thesis's table 7.1.4. Losses of different families are different quantities and do "
           "not compare."}};
}

}  // namespace

Source read_source(const std::filesystem::path& file) {
  Source source{file, read_json(file)};
  const JsonFields schema = JsonFields(source.json, file).object("schema");
  const auto name = schema.get<std::string>("name", "a string");
  if (name == manifest_schema("sweep")) {
    require_schema(source.json, file, "sweep", newest_metrics);
    require_sweep(source);
  } else {
    if (name != manifest_schema("metrics"))
      schema.fail("name", "\"nodulus.metrics\" of evaluate or \"nodulus.sweep\" of sweep", "\"" + name + "\"");
    require_schema(source.json, file, "metrics", newest_metrics);
    require_metrics(source);
  }
  return source;
}

Json combine(const std::vector<Source>& sources) {
  const auto first = std::find_if(sources.begin(), sources.end(), is_metrics);
  if (first == sources.end())
    throw Error(ErrorCode::usage, "expected a metrics.json of evaluate among the files, found none");
  Json report = {{"schema", {{"name", manifest_schema("report")}, {"version", 1}}},
                 {"created", first->json.value("created", "")},
                 {"program", first->json.value("program", Json::object())},
                 {"summary", Json::array()},
                 {"cautions", Json::array()},
                 {"real", first->json["real"]},
                 {"features", first->json["features"]},
                 {"bootstrap", first->json.value("bootstrap", 0)},
                 {"sets", Json::array()},
                 {"sweeps", Json::array()}};
  for (const Source& source : sources) {
    if (is_metrics(source)) {
      require_same(*first, source, "real", "hash", "the data set");
      require_same(*first, source, "features", "sha256", "the features");
      require_same(*first, source, "real", "window_hu", "the window");
      require_same(*first, source, "real", "size", "images of the size");
      require_same(*first, source, "real", "downsample", "images averaged over as many pixels");
      require_same(*first, source, "real", "spacing_mm", "the pixel size, in mm,");
      for (const Json& set : source.json["sets"]) report["sets"].push_back(set);
      continue;
    }
    require_equal(*first, first->json["real"]["hash"], source, source.json["dataset"], "the data set");
    require_equal(*first, first->json["features"]["sha256"], source, source.json["features"]["sha256"], "the features");
    Json sweep = Json::object();
    for (const char* key : {"name", "family", "count", "floor", "points"}) sweep[key] = source.json.value(key, Json());
    report["sweeps"].push_back(sweep);
  }
  make_names_unique(report["sets"]);
  report["seed_table"] = seed_table(report);
  report["summary"] = summary(report);
  report["cautions"] = cautions(report);
  return report;
}

namespace {

std::string field_text(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  return value.is_number() ? csv_number(value.get<double>()) : "";
}

std::string at_or_empty(const Json& list, std::size_t i) { return list.is_array() ? field_text(list[i]) : ""; }

}  // namespace

std::string figures_csv(const Json& report) {
  std::string text = csv_row(std::vector<std::string>{"set", "figure", "title", "better", "value", "low_95", "high_95",
                                                      "floor", "floor_low_95", "floor_high_95", "matched_count",
                                                      "matched_value", "matched_floor", "ratio"});
  for (const Json& set : report["sets"])
    for (const Json& f : set["figures"])
      text += csv_row(std::vector<std::string>{
          field_text(set["name"]), field_text(f["name"]), field_text(f["title"]), field_text(f["better"]),
          field_text(f["value"]), at_or_empty(f["interval"], 0), at_or_empty(f["interval"], 1),
          field_text(f["floor"]["value"]), at_or_empty(f["floor"]["interval"], 0),
          at_or_empty(f["floor"]["interval"], 1), field_text(f["matched"]["count"]), field_text(f["matched"]["value"]),
          field_text(f["matched"]["floor"]), field_text(f["ratio"])});
  return text;
}

std::string traits_csv(const Json& report) {
  std::string text = csv_row(std::vector<std::string>{"set", "trait", "unit", "real_mean", "real_median",
                                                      "generated_mean", "generated_median", "wasserstein", "low_95",
                                                      "high_95", "floor", "ratio", "ks", "p_corrected", "beyond"});
  for (const Json& set : report["sets"])
    for (const Json& t : set["traits"])
      text += csv_row(std::vector<std::string>{
          field_text(set["name"]), field_text(t["name"]), field_text(t["unit"]), field_text(t["real"]["mean"]),
          field_text(t["real"]["quantiles"]["50"]), field_text(t["generated"]["mean"]),
          field_text(t["generated"]["quantiles"]["50"]), field_text(t["wasserstein"]["value"]),
          at_or_empty(t["wasserstein"]["interval"], 0), at_or_empty(t["wasserstein"]["interval"], 1),
          field_text(t["wasserstein"]["floor"]), field_text(t["wasserstein"]["ratio"]),
          field_text(t["ks"]["statistic"]), field_text(t["ks"]["p_corrected"]), field_text(t["beyond"])});
  return text;
}

}  // namespace nodulus::report
