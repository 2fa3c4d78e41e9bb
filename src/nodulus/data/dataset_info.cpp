#include "nodulus/data/dataset_info.h"

#include "nodulus/core/json_fields.h"
#include "nodulus/core/manifest.h"

namespace nodulus::data {
namespace {

constexpr const char* schema_name = "nodulus.dataset";

Json json_of(const Label& label) {
  Json json{{"name", label.name}, {"type", label.type}, {"meaning", label.meaning}};
  if (!label.values.empty()) {
    json["values"] = Json::object();
    for (const auto& [value, meaning] : label.values) json["values"][std::to_string(value)] = meaning;
  }
  if (!label.words.empty()) json["words"] = words_json(label.words);
  return json;
}

Label label_of(const JsonFields& fields) {
  Label label{fields.get<std::string>("name", "a string"),
              fields.get<std::string>("type", "a string"),
              fields.get<std::string>("meaning", "a string"),
              {}};
  if (label.type != "category" && label.type != "rating" && label.type != "number" && label.type != "text") {
    fields.fail("type", "category, rating, number or text", "\"" + label.type + "\"");
  }
  label.words = words_of(fields, "words");
  if (!fields.has("values")) return label;
  for (const auto& [value, meaning] : fields.get<std::map<std::string, std::string>>("values", "names by number")) {
    std::size_t used = 0;
    int number = 0;
    try {
      number = std::stoi(value, &used);
    } catch (const std::exception&) {
      used = 0;
    }
    if (used == 0 || used != value.size()) fields.fail("values", "whole numbers as keys", "\"" + value + "\"");
    label.values.emplace_back(number, meaning);
  }
  return label;
}

Counts counts_of(const JsonFields& fields) {
  return {fields.get<std::int64_t>("images", "a count"), fields.get<std::int64_t>("patients", "a count"),
          fields.get<std::int64_t>("nodules", "a count")};
}

}  // namespace

Json counts_json(const Counts& counts) {
  return {{"images", counts.images}, {"patients", counts.patients}, {"nodules", counts.nodules}};
}

Json sources_json(const std::vector<Source>& sources) {
  Json json = Json::array();
  for (const Source& source : sources) {
    json.push_back(
        {{"name", source.name}, {"licence", source.licence}, {"citation", source.citation}, {"url", source.url}});
  }
  return json;
}

void write_dataset_info(const std::filesystem::path& file, const DatasetInfo& info) {
  Json json;
  json["schema"] = {{"name", schema_name}, {"version", dataset_schema}};
  json["content"] = info.content;
  json["size"] = {info.height, info.width};
  json["masks"] = info.masks;
  json["window_hu"] = {info.window_hu.lo, info.window_hu.hi};
  json["spacing_mm"] = info.spacing_mm ? Json(*info.spacing_mm) : Json(nullptr);
  json["padding_hu"] = info.padding_hu;
  json["hu"] = info.hu_note;
  json["sources"] = sources_json(info.sources);
  json["labels"] = Json::array();
  for (const Label& label : info.labels) json["labels"].push_back(json_of(label));
  json["split"] = {{"rule", describe(info.split)}, {"train", info.split.train}, {"val", info.split.val}};
  for (const Ancestor& ancestor : info.grown_from)
    json["grown_from"].push_back({{"sha256", ancestor.sha256}, {"images", ancestor.images}});
  json["counts"] = counts_json(info.counts);
  for (const auto& [split, counts] : info.counts_by_split) json["counts"][split] = counts_json(counts);
  json["rejects"] = info.rejects.empty() ? Json::object() : Json(info.rejects);
  json["files"] = info.files.empty() ? Json::object() : Json(info.files);
  write_json(file, json);
}

DatasetInfo read_dataset_info(const std::filesystem::path& file) {
  const Json json = read_json(file);
  const JsonFields fields(json, file);
  const JsonFields schema = fields.object("schema");
  const auto found = schema.get<std::string>("name", "a string");
  if (found != schema_name) schema.fail("name", schema_name, "\"" + found + "\"");
  const int version = schema.get<int>("version", "a whole number");
  if (version != dataset_schema) schema.fail("version", std::to_string(dataset_schema), std::to_string(version));

  DatasetInfo info;
  info.content = fields.get<std::string>("content", "patch or slice");
  if (info.content != "patch" && info.content != "slice") {
    fields.fail("content", "patch or slice", "\"" + info.content + "\"");
  }
  const auto size = fields.get<std::array<int, 2>>("size", "[height, width]");
  if (size[0] < 1 || size[1] < 1) fields.fail("size", "[height, width]", fields.json("size", "").dump());
  info.height = size[0];
  info.width = size[1];
  info.masks = fields.get<bool>("masks", "true or false");
  const auto window = fields.get<std::array<double, 2>>("window_hu", "[lo, hi]");
  if (!(window[0] < window[1])) fields.fail("window_hu", "[lo, hi] with lo < hi", fields.json("window_hu", "").dump());
  info.window_hu = {window[0], window[1]};
  if (!fields.json("spacing_mm", "a number or null").is_null()) {
    info.spacing_mm = fields.get<double>("spacing_mm", "a number or null");
  }
  info.padding_hu = fields.get<int>("padding_hu", "a whole number");
  info.hu_note = fields.get<std::string>("hu", "a string");
  for (const Json& entry : fields.json("sources", "a list")) {
    const JsonFields source(entry, file, "sources");
    info.sources.push_back({source.get<std::string>("name", "a string"), source.get<std::string>("licence", "a string"),
                            source.get<std::string>("citation", "a string"),
                            source.get<std::string>("url", "a string")});
  }
  for (const Json& entry : fields.json("labels", "a list")) info.labels.push_back(label_of({entry, file, "labels"}));
  const JsonFields split = fields.object("split");
  info.split = {split.get<double>("train", "a share"), split.get<double>("val", "a share")};
  if (fields.has("grown_from")) {
    for (const Json& entry : fields.json("grown_from", "a list")) {
      const JsonFields ancestor(entry, file, "grown_from");
      info.grown_from.push_back(
          {ancestor.get<std::string>("sha256", "a sum"), ancestor.get<std::int64_t>("images", "a count")});
    }
  }
  const JsonFields counts = fields.object("counts");
  info.counts = counts_of(counts);
  for (const Split part : {Split::train, Split::val, Split::test}) {
    info.counts_by_split[std::string(name(part))] = counts_of(counts.object(std::string(name(part))));
  }
  info.rejects = fields.get<std::map<std::string, int>>("rejects", "counts by reason");
  info.files = fields.get<std::map<std::string, std::string>>("files", "sums by file name");
  return info;
}

}  // namespace nodulus::data
