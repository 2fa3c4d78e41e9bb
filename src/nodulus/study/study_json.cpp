#include "nodulus/study/study.h"
#include "nodulus/traits/numbers_json.h"

namespace nodulus::study {
namespace {

constexpr std::size_t listed_pairs = 200;
constexpr std::array json_splits{data::Split::train, data::Split::val, data::Split::test};

using traits::distribution_json;
using traits::interval_json;
using traits::number_json;

Json by_split(const std::array<std::int64_t, 3>& counts) {
  return {{"train", counts[0]}, {"val", counts[1]}, {"test", counts[2]}};
}

Json split_json(const std::optional<SplitTest>& test) {
  if (!test) return nullptr;
  return {{"test", test->test},
          {"statistic", number_json(test->statistic)},
          {"p", number_json(test->p)},
          {"p_corrected", number_json(test->p_corrected)}};
}

Json dataset_json(const Study& study) {
  Json json{{"name", study.name},
            {"sha256", study.hash},
            {"size", {study.info.height, study.info.width}},
            {"content", study.info.content},
            {"synthetic", study.synthetic}};
  json["counts"] = data::counts_json(study.info.counts);
  for (const data::Split split : json_splits) {
    const std::string key(name(split));
    const auto found = study.info.counts_by_split.find(key);
    json["counts"][key] = data::counts_json(found == study.info.counts_by_split.end() ? data::Counts{} : found->second);
  }
  return json;
}

Json label_json(const LabelStudy& label) {
  Json json{{"name", label.label.name}, {"type", label.label.type}, {"known", label.known}, {"unknown", label.unknown}};
  if (label.values.count > 0) json["values"] = distribution_json(label.values);
  for (const Classes::Class& entry : label.classes.classes) {
    json["classes"].push_back({{"value", entry.value},
                               {"name", entry.name},
                               {"images", by_split(entry.images)},
                               {"nodules", by_split(entry.nodules)}});
  }
  json["split_test"] = split_json(label.split);
  return json;
}

Json trait_json(const Study& study, const TraitStudy& entry) {
  Json json{{"name", entry.trait.name},
            {"title", entry.trait.title},
            {"unit", entry.trait.unit},
            {"group", entry.trait.group},
            {"all", distribution_json(entry.all)}};
  for (const data::Split split : json_splits) {
    json[std::string(name(split))] = distribution_json(entry.by_split[static_cast<std::size_t>(split)]);
  }
  json["histogram"] = {
      {"edges", entry.histogram.edges}, {"train", entry.histogram.first}, {"held_out", entry.histogram.second}};
  json["split_test"] = split_json(entry.split);
  for (std::size_t k = 0; k < entry.by_class.size(); ++k) {
    json["by_class"][study.classes[k]] = distribution_json(entry.by_class[k]);
  }
  json["spearman"] = {{"value", number_json(entry.spearman)}, {"interval", interval_json(entry.spearman_interval)}};
  return json;
}

Json readers_json(const AgreementStudy& entry) {
  const traits::Agreement& agreement = entry.agreement;
  Json json{{"name", entry.column.name},
            {"column", entry.column.column},
            {"table", entry.column.table},
            {"nodules", agreement.subjects},
            {"nodules_compared", agreement.subjects_compared},
            {"ratings", agreement.ratings},
            {"same", number_json(agreement.same)},
            {"within_one", number_json(agreement.within_one)}};
  for (const traits::Coefficient& coefficient : agreement.coefficients) {
    json[std::string(coefficient.name)] = {{"value", number_json(coefficient.value)},
                                           {"interval", interval_json(coefficient.interval)}};
  }
  return json;
}

Json duplicates_json(const Duplicates& duplicates) {
  Json json{{"threshold", duplicates.threshold},
            {"compared", duplicates.compared},
            {"flat", duplicates.flat},
            {"pairs", duplicates.pairs.size()},
            {"same_nodule", duplicates.pairs_by_kinship[0]},
            {"same_patient", duplicates.pairs_by_kinship[1]},
            {"other_patient", duplicates.pairs_by_kinship[2]},
            {"across_splits", duplicates.across_splits},
            {"leaks", duplicates.leaks},
            {"listed", Json::array()}};
  for (std::size_t k = 0; k < std::min(listed_pairs, duplicates.pairs.size()); ++k) {
    const AlikePair& pair = duplicates.pairs[k];
    json["listed"].push_back({{"items", {pair.first, pair.second}},
                              {"correlation", pair.correlation},
                              {"quarter_turns", pair.turns},
                              {"mirrored", pair.mirrored},
                              {"kinship", name(pair.kinship)},
                              {"crosses_split", pair.crosses_split},
                              {"leak", pair.leak()}});
  }
  return json;
}

Json gaps_json(const Gaps& gaps) {
  Json json{{"without_nodule", gaps.without_nodule}, {"without_spacing", gaps.without_spacing},
            {"without_mark", gaps.without_mark},     {"without_outline", gaps.without_outline},
            {"cut_outlines", gaps.cut_outlines},     {"padded_images", gaps.padded_images},
            {"padding_share", gaps.padding_share},   {"most_padding", gaps.most_padding},
            {"small_classes", Json::array()}};
  for (const Gaps::SmallClass& entry : gaps.small_classes) {
    json["small_classes"].push_back({{"label", entry.label},
                                     {"value", entry.value},
                                     {"name", entry.name},
                                     {"nodules", entry.nodules},
                                     {"train", entry.train}});
  }
  return json;
}

}  // namespace

Json json_of(const Study& study) {
  Json json;
  json["schema"] = {{"name", "nodulus.study"}, {"version", 1}};
  json["dataset"] = dataset_json(study);
  json["labels"] = Json::array();
  for (const LabelStudy& label : study.labels) json["labels"].push_back(label_json(label));
  json["traits"] = {{"measured", study.measured}, {"by", study.by}, {"order", study.order}, {"rows", Json::array()}};
  for (const TraitStudy& trait : study.traits) json["traits"]["rows"].push_back(trait_json(study, trait));
  json["readers"] = Json::array();
  for (const AgreementStudy& entry : study.readers) json["readers"].push_back(readers_json(entry));
  json["duplicates"] = duplicates_json(study.duplicates);
  json["gaps"] = gaps_json(study.gaps);
  json["notes"] = study.notes;
  return json;
}

}  // namespace nodulus::study
