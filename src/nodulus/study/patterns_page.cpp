#include <fmt/format.h>

#include "nodulus/study/markdown.h"
#include "nodulus/study/patterns.h"
#include "nodulus/study/pictures.h"
#include "nodulus/traits/numbers_json.h"

namespace nodulus::study {
namespace {

Json distinctions_json(const std::vector<Distinction>& all) {
  Json list = Json::array();
  for (const Distinction& d : all) {
    list.push_back({{"name", d.name},
                    {"word", d.word},
                    {"above", traits::number_json(d.above)},
                    {"median", traits::number_json(d.median)},
                    {"elsewhere", traits::number_json(d.elsewhere)}});
  }
  return list;
}

std::string criterion_text(const Patterns& patterns) {
  const GroupingOptions& options = patterns.options;
  const std::size_t k = patterns.trials[patterns.chosen].k;
  if (options.wanted > 0) return fmt::format("{} groups, as asked for.", k);
  const std::string rule = fmt::format(
      "the most, of {} to {}, whose groups all have an index of {:.2f} or more when patients are drawn anew",
      options.least, options.most, options.stable_from);
  if (patterns.stable) return fmt::format("{} groups: {}.", k, rule);
  return fmt::format(
      "**Not stable**: the criterion is {}; no number meets it. Shown are {} groups, whose least is best.", rule, k);
}

std::string distinctions_table(const std::vector<Distinction>& all, const std::string& title) {
  if (all.empty()) return "";
  std::string text = head_of({title, "median here", "elsewhere", "larger in"});
  for (const Distinction& d : all) {
    const std::string what = d.word.empty() ? cell(d.title) : fmt::format("**{}**: {}", d.word, cell(d.title));
    text += row_of({what, figure(d.median), figure(d.elsewhere), fmt::format("{:.0f} %", 100 * d.above)});
  }
  return text + "\n";
}

}  // namespace

Json json_of(const Patterns& patterns) {
  Json json{{"dataset", {{"name", patterns.dataset}, {"sha256", patterns.hash}, {"synthetic", patterns.synthetic}}},
            {"spaces", patterns.spaces},
            {"criterion",
             {{"least", patterns.options.least},
              {"most", patterns.options.most},
              {"wanted", patterns.options.wanted},
              {"resamplings", patterns.options.resamplings},
              {"stable_from", patterns.options.stable_from}}},
            {"groups", patterns.trials[patterns.chosen].k},
            {"stable", patterns.stable}};
  for (const GroupTrial& trial : patterns.trials)
    json["trials"].push_back({{"groups", trial.k},
                              {"jaccard", trial.jaccard},
                              {"least", trial.least_jaccard()},
                              {"silhouette", traits::number_json(trial.silhouette)}});
  for (const Pattern& pattern : patterns.patterns)
    json["patterns"].push_back({{"number", pattern.number},
                                {"words", pattern.words},
                                {"nodules", pattern.nodules},
                                {"images", pattern.images},
                                {"jaccard", traits::number_json(pattern.jaccard)},
                                {"traits", distinctions_json(pattern.traits)},
                                {"labels", distinctions_json(pattern.labels)},
                                {"typical", pattern.typical}});
  return json;
}

std::string page_of(const Patterns& patterns) {
  std::string text = fmt::format("# Patterns of {}\n\n", cell(patterns.dataset));
  text += fmt::format("Nodules that are alike, found without labels, in {}. Data set {}.\n\n",
                      fmt::join(patterns.spaces, " and "), patterns.hash.substr(0, 12));
  if (patterns.synthetic) text += "**Synthetic: generated images are among them.**\n\n";
  text += criterion_text(patterns) + "\n\nA row a pattern, from 1 at the top: the nodules nearest to its centre.\n\n";
  text += "![patterns](patterns.png)\n";
  for (const Pattern& pattern : patterns.patterns) {
    text += fmt::format("\n## {}: {}\n\n{}, {}. Found again in resampling: {:.2f}.\n\n", pattern.number,
                        cell(pattern.words), counted(pattern.nodules, "nodule"), counted(pattern.images, "image"),
                        pattern.jaccard);
    text += distinctions_table(pattern.traits, "what sets it apart");
    text += distinctions_table(pattern.labels, "labels, which the grouping has not seen");
  }
  text +=
      "\n\"Larger in\": of all pairs of a nodule of the pattern with another, the share in which its own is larger.\n";
  text += fmt::format(
      "\n## Numbers of groups\n\n{} resamplings by patient; Jaccard index of each group (Hennig 2007); "
      "silhouette (Rousseeuw 1987) for comparison.\n\n",
      patterns.options.resamplings);
  text += head_of({"groups", "least index", "all", "silhouette"});
  for (const GroupTrial& trial : patterns.trials) {
    std::vector<std::string> all;
    for (const double index : trial.jaccard) all.push_back(fmt::format("{:.2f}", index));
    text += row_of({std::to_string(trial.k), fmt::format("{:.2f}", trial.least_jaccard()),
                    fmt::format("{}", fmt::join(all, " ")), fmt::format("{:.3f}", trial.silhouette)});
  }
  return text;
}

std::string text_of(const Patterns& patterns) {
  std::string text = fmt::format("{} patterns{}", patterns.patterns.size(),
                                 patterns.stable || patterns.options.wanted > 0 ? "" : ", not stable");
  for (const Pattern& pattern : patterns.patterns)
    text += fmt::format("\n  {}  {:<60} {:>6} nodules, {:>6} images, found again {:.2f}", pattern.number, pattern.words,
                        pattern.nodules, pattern.images, pattern.jaccard);
  return text;
}

Picture pattern_sheet(const data::Dataset& dataset, const Patterns& patterns, int side) {
  std::vector<std::vector<std::int64_t>> rows;
  for (const Pattern& pattern : patterns.patterns) rows.push_back(pattern.typical);
  return row_sheet(dataset, rows, side);
}

}  // namespace nodulus::study
