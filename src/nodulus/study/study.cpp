#include "nodulus/study/study.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>
#include <unordered_map>

#include "nodulus/core/artifact.h"
#include "nodulus/core/error.h"
#include "nodulus/core/seed.h"
#include "nodulus/core/threads.h"
#include "nodulus/study/pictures.h"

namespace nodulus::study {
namespace {

constexpr double alike_from = 0.98;
constexpr double no_figure = std::numeric_limits<double>::quiet_NaN();

bool has_label(const data::DatasetInfo& info, const std::string& name) {
  return std::any_of(info.labels.begin(), info.labels.end(), [&](const data::Label& l) { return l.name == name; });
}

/// Values in train, and in val and test together.
std::array<std::vector<double>, 2> halves(const data::Dataset& dataset, const std::vector<std::int64_t>& items,
                                          const std::vector<double>& values) {
  std::array<std::vector<double>, 2> parts;
  for (std::size_t k = 0; k < items.size(); ++k) {
    parts[dataset.item(items[k]).split == data::Split::train ? 0 : 1].push_back(values[k]);
  }
  return parts;
}

std::optional<SplitTest> ks_test(const std::array<std::vector<double>, 2>& parts) {
  const traits::KsTest test = traits::ks_two_sample(parts[0], parts[1]);
  if (std::isnan(test.p)) return std::nullopt;
  return SplitTest{"KS", test.statistic, test.p, test.p};
}

/// Holm's correction over all members of a list that have a test.
template <class Entries>
void correct(Entries& entries) {
  std::vector<double> ps;
  ps.reserve(entries.size());
  for (const auto& entry : entries) ps.push_back(entry.split ? entry.split->p : no_figure);
  const std::vector<double> corrected = traits::holm(ps);
  for (std::size_t k = 0; k < entries.size(); ++k) {
    if (entries[k].split) entries[k].split->p_corrected = corrected[k];
  }
}

LabelStudy study_label(const data::Dataset& dataset, const data::Label& label,
                       const std::vector<std::int64_t>& one_a_nodule, const StudyOptions& options) {
  LabelStudy result;
  result.label = label;
  const std::size_t column = dataset.label_column(label.name);
  for (std::int64_t i = 0; i < dataset.size(); ++i) {
    ++(dataset.item(i).labels[column].empty() ? result.unknown : result.known);
  }
  const std::vector<double> numbers = label_numbers(dataset, label);
  if (label.type == "number" || label.type == "rating") result.values = traits::distribution(numbers);
  result.classes = classes_of(dataset, label, one_a_nodule);
  if (!result.classes.classes.empty()) {
    const std::uint64_t seed = derive_seed(options.seed, label.name);
    const auto test = compare_shares(dataset, result.classes, one_a_nodule, options.repeats, seed);
    if (test) result.split = SplitTest{"chi-square", test->chi_square, test->p, test->p};
  } else if (label.type == "number") {
    std::vector<double> of_nodules;
    of_nodules.reserve(one_a_nodule.size());
    for (const std::int64_t item : one_a_nodule) of_nodules.push_back(numbers[static_cast<std::size_t>(item)]);
    result.split = ks_test(halves(dataset, one_a_nodule, of_nodules));
  }
  return result;
}

/// What all traits are compared by.
struct StudiedImages {
  std::vector<std::int64_t> all;  ///< Every item.
  std::vector<std::int64_t> one_a_nodule;
  std::vector<std::size_t> patients;  ///< Of one_a_nodule, as numbers.
  const Classes* by = nullptr;
  std::vector<double> order;  ///< Of one_a_nodule; empty: none.
};

TraitStudy study_trait(const data::Dataset& dataset, const TraitTable& table, std::size_t trait,
                       const StudiedImages& groups, const StudyOptions& options) {
  TraitStudy result;
  result.trait = traits::catalog()[trait];
  const std::vector<double> values = table.column(trait, groups.all);
  result.all = traits::distribution(values);
  for (std::size_t split = 0; split < 3; ++split) {
    const auto items = dataset.items_of(static_cast<data::Split>(split));
    result.by_split[split] = traits::distribution(table.column(trait, items));
  }
  const auto image_halves = halves(dataset, groups.all, values);
  result.histogram = traits::common_histogram(image_halves[0], image_halves[1]);
  const std::vector<double> of_nodules = table.column(trait, groups.one_a_nodule);
  result.split = ks_test(halves(dataset, groups.one_a_nodule, of_nodules));
  if (groups.by != nullptr) {
    std::vector<std::vector<double>> members(groups.by->classes.size());
    for (std::size_t k = 0; k < of_nodules.size(); ++k) {
      const int at = groups.by->of_item[static_cast<std::size_t>(groups.one_a_nodule[k])];
      if (at >= 0) members[static_cast<std::size_t>(at)].push_back(of_nodules[k]);
    }
    for (const auto& of_class : members) result.by_class.push_back(traits::distribution(of_class));
  }
  result.spearman = no_figure;
  result.spearman_interval = {no_figure, no_figure};
  if (groups.order.empty()) return result;
  result.spearman = traits::spearman(of_nodules, groups.order);
  if (std::isnan(result.spearman)) return result;
  const traits::IndexStatistic statistic = traits::spearman_of(of_nodules, groups.order);
  result.spearman_interval =
      traits::cluster_bootstrap_interval(groups.patients, statistic, {options.repeats, 0.95, options.seed});
  return result;
}

/// Malignancy where the data set has it: its classes, and its finest numbers.
void choose_order(const data::Dataset& dataset, Study& result, StudiedImages& groups) {
  for (const char* name : {"malignancy", "malignancy_median"}) {
    if (!has_label(result.info, name)) continue;
    const std::size_t column = dataset.label_column(name);
    const LabelStudy& label = result.labels[column];
    const std::vector<double> numbers = label_numbers(dataset, label.label);
    groups.order.clear();
    for (const std::int64_t item : groups.one_a_nodule) groups.order.push_back(numbers[static_cast<std::size_t>(item)]);
    result.order = name;
    if (!result.by.empty() || label.classes.classes.empty()) continue;
    result.by = name;
    groups.by = &label.classes;
    for (const Classes::Class& entry : label.classes.classes) result.classes.push_back(entry.value);
  }
  if (result.by.empty()) result.notes.emplace_back("no label 'malignancy': traits are not shown by class");
}

void study_traits(const data::Dataset& dataset, const TraitTable& table, StudiedImages& groups,
                  const StudyOptions& options, Monitor& monitor, Study& result) {
  std::unordered_map<std::string, std::size_t> place;
  for (const std::int64_t item : groups.one_a_nodule) {
    groups.patients.push_back(place.emplace(dataset.item(item).patient, place.size()).first->second);
  }
  choose_order(dataset, result, groups);
  const auto count = static_cast<std::int64_t>(traits::catalog().size());
  result.traits.resize(static_cast<std::size_t>(count));
  std::atomic<std::int64_t> done{0};
  parallel_for(count, options.threads, [&](std::int64_t trait) {
    if (monitor.stop_requested()) throw Error(ErrorCode::stopped, "study stopped: nothing was written");
    const auto at = static_cast<std::size_t>(trait);
    result.traits[at] = study_trait(dataset, table, at, groups, options);
    monitor.progress({"comparing", ++done, count, "traits", ""});
  });
  correct(result.traits);
}

void study_readers(const data::Dataset& dataset, const std::vector<std::int64_t>& one_a_nodule,
                   const StudyOptions& options, Monitor& monitor, Study& result) {
  std::vector<RatingsColumn> columns = find_ratings(dataset, one_a_nodule);
  result.readers.resize(columns.size());
  parallel_for(static_cast<std::int64_t>(columns.size()), options.threads, [&](std::int64_t k) {
    if (monitor.stop_requested()) throw Error(ErrorCode::stopped, "study stopped: nothing was written");
    AgreementStudy& entry = result.readers[static_cast<std::size_t>(k)];
    entry.column = std::move(columns[static_cast<std::size_t>(k)]);
    entry.agreement =
        traits::agreement(entry.column.ratings, entry.column.patients, {options.repeats, 0.95, options.seed});
  });
  if (columns.empty()) {
    result.notes.emplace_back(
        "no column named *_values or *_ratings holds each reader's ratings: agreement among readers is not known");
  }
}

void note_gaps(Study& result) {
  const Gaps& gaps = result.gaps;
  if (!result.info.masks) {
    result.notes.emplace_back("the data set has no outlines: traits are not measured");
  } else if (!result.measured) {
    result.notes.emplace_back("whole slices show more than one nodule: traits are not measured");
  }
  if (result.measured && gaps.without_spacing > 0) {
    result.notes.push_back("the pixel size of " + std::to_string(gaps.without_spacing) +
                           " images is not known: they have no traits that depend on it");
  }
  if (result.synthetic) result.notes.emplace_back("generated images are among the data set's");
}

void write_pictures(const data::Dataset& dataset, const std::vector<std::int64_t>& one_a_nodule,
                    const StudyOptions& options, const std::filesystem::path& folder, Study& result) {
  std::vector<PngText> marks;
  if (result.synthetic) marks.push_back(synthetic_mark);
  for (const LabelStudy& label : result.labels) {
    const std::string& name = label.label.name;
    constexpr std::string_view median = "_median";
    const bool repeated = name.ends_with(median) && has_label(result.info, name.substr(0, name.size() - median.size()));
    if (!names_classes(label.label) || repeated) continue;
    const std::uint64_t seed = derive_seed(derive_seed(options.seed, "examples"), name);
    const Picture sheet = class_sheet(dataset, label.classes, one_a_nodule, options.images, seed);
    if (sheet.width == 0) continue;
    write_png(folder / ("examples-" + name + ".png"), sheet, marks);
    result.sheets.push_back(name);
  }
  if (!result.measured) return;
  make_folder(folder / "histograms");
  for (const TraitStudy& trait : result.traits) {
    const Picture picture = share_picture(trait.histogram);
    if (picture.width > 0) write_png(folder / "histograms" / (std::string(trait.trait.name) + ".png"), picture, marks);
  }
}

Manifest manifest_of(const StudyOptions& options, const Study& result) {
  Manifest manifest;
  manifest.kind = "study";
  manifest.command = "study";
  manifest.seed = options.seed;
  manifest.options = {{"images", options.images}};
  manifest.synthetic = result.synthetic;
  manifest.inputs = {manifest_input(options.dataset)};
  return manifest;
}

}  // namespace

Study study(const StudyOptions& options, Monitor& monitor) {
  ArtifactWriter artifact(options.out, "study", options.force);
  const data::Dataset dataset = data::Dataset::open(options.dataset);
  Study result;
  result.info = dataset.info();
  result.name = without_slash(options.dataset).filename().string();
  result.hash = dataset.hash();
  result.synthetic = dataset.synthetic();
  const TraitTable table = measure_all(dataset, options.threads, monitor);
  result.measured = table.measured;
  StudiedImages groups;
  for (std::int64_t i = 0; i < dataset.size(); ++i) groups.all.push_back(i);
  groups.one_a_nodule = one_image_a_nodule(dataset, table);
  std::vector<Classes> classes;
  for (const data::Label& label : result.info.labels) {
    if (monitor.stop_requested()) throw Error(ErrorCode::stopped, "study stopped: nothing was written");
    result.labels.push_back(study_label(dataset, label, groups.one_a_nodule, options));
    classes.push_back(result.labels.back().classes);
  }
  correct(result.labels);
  if (table.measured) study_traits(dataset, table, groups, options, monitor, result);
  study_readers(dataset, groups.one_a_nodule, options, monitor, result);
  result.duplicates = find_duplicates(dataset, alike_from, options.threads, monitor);
  result.gaps = find_gaps(dataset, table, classes, monitor);
  note_gaps(result);
  write_pictures(dataset, groups.one_a_nodule, options, artifact.path(), result);
  if (table.measured) write_traits_csv(artifact.path() / "traits.csv", dataset, table);
  write_json(artifact.path() / "study.json", json_of(result));
  write_text(artifact.path() / "study.md", page_of(result));
  write_manifest(artifact.path(), manifest_of(options, result));
  artifact.commit();
  return result;
}

}  // namespace nodulus::study
