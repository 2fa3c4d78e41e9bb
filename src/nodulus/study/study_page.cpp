#include <fmt/format.h>

#include <cmath>

#include "nodulus/study/markdown.h"
#include "nodulus/study/pictures.h"
#include "nodulus/study/study.h"

namespace nodulus::study {
namespace {

constexpr std::size_t pairs_on_page = 20;
constexpr std::array page_splits{data::Split::train, data::Split::val, data::Split::test};

std::string p_value(double p) { return p < 0.001 ? fmt::format("{:.1e}", p) : fmt::format("{:.3f}", p); }

std::string with_interval(double value, const traits::Interval& interval) {
  if (!std::isfinite(value)) return "–";
  if (!std::isfinite(interval.low)) return fmt::format("{:.2f}", value);
  return fmt::format("{:.2f} [{:.2f}, {:.2f}]", value, interval.low, interval.high);
}

std::string opening(const Study& study) {
  const data::DatasetInfo& info = study.info;
  std::string text = fmt::format("# Study of {}\n\n", cell(study.name));
  text += fmt::format("{} images of {}x{} pixels, {}. Data set {}.\n\n", info.counts.images, info.width, info.height,
                      info.content == "patch" ? "each around a nodule" : "whole slices", study.hash.substr(0, 12));
  if (study.synthetic) text += "**Synthetic: generated images are among them.**\n\n";
  for (const data::Source& source : info.sources) {
    text += fmt::format("Source: {}, {}. {}\n\n", cell(source.name), cell(source.licence), cell(source.citation));
  }
  text += head_of({"", "train", "val", "test", "all"});
  const auto line = [&](const char* title, auto member) {
    std::vector<std::string> cells{title};
    for (const data::Split split : page_splits) {
      const auto found = info.counts_by_split.find(std::string(name(split)));
      cells.push_back(std::to_string(found == info.counts_by_split.end() ? 0 : found->second.*member));
    }
    cells.push_back(std::to_string(info.counts.*member));
    text += row_of(cells);
  };
  line("images", &data::Counts::images);
  line("nodules", &data::Counts::nodules);
  line("patients", &data::Counts::patients);
  if (!study.notes.empty()) text += "\n";
  for (const std::string& note : study.notes) text += "- " + cell(note) + "\n";
  return text;
}

std::string label_part(const Study& study, const LabelStudy& label) {
  std::string text = fmt::format("\n### {}\n\n{}. Known for {} images, unknown for {}.", cell(label.label.name),
                                 cell(label.label.meaning), label.known, label.unknown);
  if (label.values.count > 0) {
    const auto& q = label.values.quantiles;
    text += fmt::format(" Median {} (5 % {}, 95 % {}), mean {}.", figure(q[3]), figure(q[1]), figure(q[5]),
                        figure(label.values.mean));
  }
  if (label.split) {
    text += fmt::format(" Splits alike: {} {}, p {}, corrected {}.", label.split->test, figure(label.split->statistic),
                        p_value(label.split->p), p_value(label.split->p_corrected));
  }
  text += "\n";
  if (!label.classes.classes.empty()) {
    text += "\n" + head_of({"", "train", "val", "test", "all images", "nodules"});
    for (const Classes::Class& entry : label.classes.classes) {
      text += row_of({cell(entry.value + (entry.name.empty() ? "" : " " + entry.name)), std::to_string(entry.images[0]),
                      std::to_string(entry.images[1]), std::to_string(entry.images[2]),
                      std::to_string(entry.all_images()), std::to_string(entry.all_nodules())});
    }
  }
  if (std::find(study.sheets.begin(), study.sheets.end(), label.label.name) != study.sheets.end()) {
    text += "\nExamples, a row a class from the top, classes without a nodule left out:\n\n";
    text += fmt::format("![{0}](examples-{0}.png)\n", label.label.name);
  }
  return text;
}

std::string trait_name(const traits::Trait& trait) {
  return trait.unit.empty() ? std::string(trait.title) : fmt::format("{} ({})", trait.title, trait.unit);
}

std::string distributions_part(const Study& study) {
  std::string text = "\nOver images, within the consensus outline.\n\n";
  text += head_of({"trait", "n", "missing", "mean", "sd", "0.5 %", "5 %", "25 %", "median", "75 %", "95 %", "99.5 %"});
  for (const TraitStudy& entry : study.traits) {
    std::vector<std::string> cells{trait_name(entry.trait), std::to_string(entry.all.count),
                                   std::to_string(entry.all.missing), figure(entry.all.mean),
                                   figure(entry.all.deviation)};
    for (const double value : entry.all.quantiles) cells.push_back(figure(value));
    text += row_of(cells);
  }
  return text;
}

std::string classes_part(const Study& study) {
  if (study.by.empty()) return "";
  std::string text = fmt::format(
      "\n### By {}\n\nMedians over nodules (each by its image with the largest outline), and Spearman's rank "
      "correlation "
      "with {}, 95 % interval over patients drawn anew.\n\n",
      cell(study.by), cell(study.order));
  std::vector<std::string> titles{"trait"};
  for (std::size_t k = 0; k < study.classes.size(); ++k) {
    const std::int64_t count = study.labels.empty() ? 0 : [&] {
      for (const LabelStudy& label : study.labels) {
        if (label.label.name == study.by) return label.classes.classes[k].all_nodules();
      }
      return std::int64_t{0};
    }();
    titles.push_back(fmt::format("{} (n {})", cell(study.classes[k]), count));
  }
  titles.emplace_back("correlation");
  text += head_of(titles);
  for (const TraitStudy& entry : study.traits) {
    std::vector<std::string> cells{trait_name(entry.trait)};
    for (const traits::Distribution& d : entry.by_class) cells.push_back(figure(d.quantiles[3]));
    cells.push_back(with_interval(entry.spearman, entry.spearman_interval));
    text += row_of(cells);
  }
  return text;
}

std::string splits_part(const Study& study) {
  std::string text =
      "\n### Train against val and test\n\nBars: images in train; line: val and test together; both as shares. Values "
      "beyond 0.5 and 99.5 % are in the end bins. KS over nodules, Holm's correction over all traits.\n\n";
  text += head_of({"trait", "from", "to", "a tick every", "KS", "p corrected", "picture"});
  for (const TraitStudy& entry : study.traits) {
    if (entry.histogram.edges.empty()) continue;
    const double low = entry.histogram.edges.front();
    const double high = entry.histogram.edges.back();
    text += row_of({trait_name(entry.trait), figure(low), figure(high), figure(tick_step(low, high)),
                    entry.split ? figure(entry.split->statistic) : "–",
                    entry.split ? p_value(entry.split->p_corrected) : "–",
                    fmt::format("![{0}](histograms/{0}.png)", entry.trait.name)});
  }
  return text;
}

std::string readers_part(const Study& study) {
  std::string text = "\n## Agreement among readers\n\n";
  if (study.readers.empty()) return text + "Not known: no column holds each reader's ratings.\n";
  text += "1: full agreement; 0: what chance would give. 95 % intervals over patients drawn anew.\n\n";
  text += head_of({"rating", "nodules", "of two readers or more", "same", "at most 1 apart", "alpha, ordinal",
                   "alpha, interval", "weighted kappa", "Fleiss' kappa", "ICC(1,1)", "ICC(1,k)"});
  for (const AgreementStudy& entry : study.readers) {
    const traits::Agreement& a = entry.agreement;
    std::vector<std::string> cells{cell(entry.column.name), std::to_string(a.subjects),
                                   std::to_string(a.subjects_compared), figure(a.same), figure(a.within_one)};
    for (const char* wanted :
         {"alpha_ordinal", "alpha_interval", "weighted_kappa", "fleiss_kappa", "icc_single", "icc_mean"}) {
      for (const traits::Coefficient& c : a.coefficients) {
        if (c.name == wanted) cells.push_back(with_interval(c.value, c.interval));
      }
    }
    text += row_of(cells);
  }
  return text;
}

std::string duplicates_part(const Study& study) {
  const Duplicates& d = study.duplicates;
  std::string text = fmt::format(
      "\n## Near-duplicates\n\nPairs of images with a correlation of {} or more in one of their poses, of {} images "
      "({} "
      "of one value left out): {}.\n\n",
      d.threshold, d.compared, d.flat, d.pairs.size());
  text += fmt::format("- of one nodule: {}\n- of one patient: {}\n- of two patients: {}\n- across splits: {}\n\n",
                      d.pairs_by_kinship[0], d.pairs_by_kinship[1], d.pairs_by_kinship[2], d.across_splits);
  text += d.leaks == 0 ? std::string("No pair crosses patients or splits.\n")
                       : fmt::format("**{} pairs cross patients or splits: leaks, listed first.**\n", d.leaks);
  if (d.pairs.empty()) return text;
  text += "\n" + head_of({"items", "correlation", "pose", "whose", "across splits"});
  for (std::size_t k = 0; k < std::min(pairs_on_page, d.pairs.size()); ++k) {
    const AlikePair& pair = d.pairs[k];
    std::string pose = pair.turns == 0 ? "" : fmt::format("turned by {} degrees", 90 * pair.turns);
    if (pair.mirrored) pose = pose.empty() ? "mirrored" : "mirrored, " + pose;
    text +=
        row_of({fmt::format("{} and {}", pair.first, pair.second), fmt::format("{:.4f}", pair.correlation),
                pose.empty() ? "as it is" : pose, std::string(name(pair.kinship)), pair.crosses_split ? "yes" : "no"});
  }
  if (d.pairs.size() > pairs_on_page) text += fmt::format("\n{} more.\n", d.pairs.size() - pairs_on_page);
  return text;
}

std::string gaps_part(const Study& study) {
  const Gaps& g = study.gaps;
  std::string text = "\n## What is missing\n\n" + head_of({"", "images"});
  text += row_of({"without a nodule's name", std::to_string(g.without_nodule)});
  text += row_of({"of unknown pixel size", std::to_string(g.without_spacing)});
  text += row_of({"that no reader marked", study.info.masks ? std::to_string(g.without_mark) : "–"});
  text += row_of({"without consensus outline", study.measured ? std::to_string(g.without_outline) : "–"});
  text += row_of({"with an outline that reaches the edge", study.measured ? std::to_string(g.cut_outlines) : "–"});
  text += row_of({"with pixels that were not measured", std::to_string(g.padded_images)});
  text += fmt::format("\nPixels that were not measured: {:.2f} % of all, {:.1f} % at most of an image.\n",
                      100 * g.padding_share, 100 * g.most_padding);
  for (const LabelStudy& label : study.labels) {
    if (label.unknown > 0) text += fmt::format("\n- {}: {} unknown", cell(label.label.name), label.unknown);
  }
  if (!g.small_classes.empty()) {
    text += fmt::format("\n\nClasses with fewer than {} nodules:\n\n", few_examples);
    text += head_of({"class", "nodules", "of them in train"});
    for (const Gaps::SmallClass& entry : g.small_classes) {
      text +=
          row_of({cell(fmt::format("{} {}{}", entry.label, entry.value, entry.name.empty() ? "" : ": " + entry.name)),
                  std::to_string(entry.nodules), std::to_string(entry.train)});
    }
  }
  return text;
}

}  // namespace

std::string page_of(const Study& study) {
  std::string text = opening(study);
  text +=
      "\n## Labels\n\n\"Splits alike\": the chance of such a difference between train, val and test if patients were "
      "dealt at random; corrected after Holm over all labels.\n";
  for (const LabelStudy& label : study.labels) {
    if (label.label.type != "text" || !label.classes.classes.empty()) text += label_part(study, label);
  }
  if (!study.traits.empty()) {
    text += "\n## Traits\n" + distributions_part(study) + classes_part(study) + splits_part(study);
  }
  return text + readers_part(study) + duplicates_part(study) + gaps_part(study);
}

std::string text_of(const Study& study) {
  const data::DatasetInfo& info = study.info;
  std::string text = fmt::format("{} images of {}x{}, {} nodules, {} patients\n", info.counts.images, info.width,
                                 info.height, info.counts.nodules, info.counts.patients);
  if (study.synthetic) text += "SYNTHETIC: generated images are among them\n";
  if (!study.traits.empty()) {
    text += fmt::format("\n{:<34}{:>10}{:>10}{:>10}{:>10}", "trait", "missing", "5 %", "median", "95 %");
    if (!study.order.empty()) text += fmt::format("   correlation with {}", study.order);
    for (const TraitStudy& entry : study.traits) {
      const auto& q = entry.all.quantiles;
      text += fmt::format("\n{:<34}{:>10}{:>10}{:>10}{:>10}", trait_name(entry.trait), entry.all.missing, figure(q[1]),
                          figure(q[3]), figure(q[5]));
      if (!study.order.empty()) text += "   " + with_interval(entry.spearman, entry.spearman_interval);
    }
    text += "\n";
  }
  if (!study.readers.empty()) text += fmt::format("\n{:<34}{:>10}   alpha, ordinal", "agreement", "nodules");
  for (const AgreementStudy& entry : study.readers) {
    for (const traits::Coefficient& c : entry.agreement.coefficients) {
      if (c.name != "alpha_ordinal") continue;
      text += fmt::format("\n{:<34}{:>10}   {}", entry.column.name, entry.agreement.subjects_compared,
                          with_interval(c.value, c.interval));
    }
  }
  const Duplicates& d = study.duplicates;
  text +=
      fmt::format("\n\nnear-duplicates  {} pairs: {} of one nodule, {} of one patient, {} of two patients; {} leaks\n",
                  d.pairs.size(), d.pairs_by_kinship[0], d.pairs_by_kinship[1], d.pairs_by_kinship[2], d.leaks);
  text += fmt::format("missing          {} without outline, {} of unknown pixel size, {} small classes",
                      study.gaps.without_outline, study.gaps.without_spacing, study.gaps.small_classes.size());
  for (const std::string& note : study.notes) text += "\nnote             " + note;
  return text;
}

}  // namespace nodulus::study
