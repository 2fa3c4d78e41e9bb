#include "nodulus/study/contribute.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "nodulus/core/artifact.h"
#include "nodulus/core/error.h"
#include "nodulus/data/centre_cut.h"
#include "nodulus/data/dataset_copy.h"
#include "nodulus/data/item_table.h"
#include "nodulus/study/duplicates.h"

namespace nodulus::study {
namespace {

constexpr std::size_t patients_named = 3;
constexpr double far_hu = 300;  ///< A difference of median HU that is worth a word.

struct Addition {
  data::Dataset dataset;
  std::string name;  ///< As its user calls it.
};

[[noreturn]] void refuse(const Addition& added, const std::string& why) {
  throw Error(ErrorCode::bad_input, added.name + ": " + why);
}

std::size_t place_of(const std::vector<data::Label>& labels, std::string_view label_name) {
  const auto found = std::find_if(labels.begin(), labels.end(), [&](const auto& l) { return l.name == label_name; });
  return static_cast<std::size_t>(found - labels.begin());
}

void require_same_kind(const data::Dataset& base, const Addition& added) {
  if (added.dataset.synthetic())
    throw Error(ErrorCode::usage, added.name +
                                      ": expected real images, found generated ones, which are of no patient: a "
                                      "model is not to learn from a model");
  const data::DatasetInfo& ours = base.info();
  const data::DatasetInfo& theirs = added.dataset.info();
  if (theirs.content != ours.content)
    refuse(added, fmt::format("expected images of the content '{}', found '{}'", ours.content, theirs.content));
  if (theirs.height < ours.height || theirs.width < ours.width)
    refuse(added, fmt::format("expected images of {}x{} pixels or more, found {}x{}", ours.width, ours.height,
                              theirs.width, theirs.height));
  if (ours.spacing_mm && theirs.spacing_mm != ours.spacing_mm)
    refuse(added, fmt::format("expected a pixel size of {} mm, found {}", *ours.spacing_mm,
                              theirs.spacing_mm ? fmt::format("{} mm", *theirs.spacing_mm) : "each image's own"));
  if (ours.masks && !theirs.masks) refuse(added, "expected outlines, as the data set has them, found none");
}

/// HU of a sample of all pixels, ascending.
std::vector<std::int16_t> some_hu(const data::Dataset& dataset) {
  std::vector<std::int16_t> values;
  const std::int64_t step = std::max<std::int64_t>(1, dataset.size() / 256);
  for (std::int64_t i = 0; i < dataset.size(); i += step) {
    const auto image = dataset.image(i);
    for (std::size_t k = 0; k < image.size(); k += 7)
      if (image[k] != dataset.info().padding_hu) values.push_back(image[k]);
  }
  std::sort(values.begin(), values.end());
  return values;
}

void check_hu(const data::Dataset& base, const Addition& added, Monitor& monitor) {
  const auto theirs = some_hu(added.dataset);
  const auto ours = some_hu(base);
  if (theirs.empty() || ours.empty()) return;
  if (theirs.front() >= 0 && theirs.back() <= 255)
    refuse(added, fmt::format("expected Hounsfield units, found values from {} to {}: grey levels; `import` takes "
                              "hu_gain and hu_offset, or --window-hu",
                              theirs.front(), theirs.back()));
  const auto median = [](const auto& values) { return static_cast<double>(values[values.size() / 2]); };
  if (std::abs(median(theirs) - median(ours)) > far_hu)
    monitor.warn(fmt::format("{}: half of the pixels are below {} HU, below {} HU in the data set", added.name,
                             median(theirs), median(ours)));
}

/// Adds what their label has to ours of the same name.
void merge_label(data::Label& ours, const data::Label& theirs, const Addition& added, ContributeResult& result) {
  // Readers' steps and means of them go together, on one scale: as means.
  const bool steps_and_means = ours.values == theirs.values && !ours.values.empty() && ours.type != "text" &&
                               theirs.type != "text" && ours.type != theirs.type;
  if (steps_and_means) ours.type = "rating";
  if (ours.type != theirs.type && !steps_and_means)
    refuse(added, fmt::format("label '{}': expected the type {}, found {}", ours.name, ours.type, theirs.type));
  ours.words.insert(theirs.words.begin(), theirs.words.end());
  for (const auto& [number, text] : theirs.values) {
    const auto known = std::find_if(ours.values.begin(), ours.values.end(),
                                    [&, n = number](const auto& value) { return value.first == n; });
    if (known == ours.values.end() && ours.type == "rating")
      refuse(added, fmt::format("label '{}': expected the scale of the data set, found the step {} ({})", ours.name,
                                number, text));
    if (known == ours.values.end()) {
      ours.values.emplace_back(number, text);
      result.new_values.push_back(ours.name + ": " + text);
    } else if (known->second != text) {
      refuse(added,
             fmt::format("label '{}': {} is '{}' in the data set, found '{}'", ours.name, number, known->second, text));
    }
  }
  std::sort(ours.values.begin(), ours.values.end());
}

/// One image to come.
struct Candidate {
  const Addition* from = nullptr;
  std::int64_t item = 0;
  std::vector<std::int16_t> image;
  std::vector<std::uint8_t> mask;
};

class Joining {
 public:
  Joining(const ContributeOptions& options, Monitor& monitor)
      : options_(options), monitor_(monitor), base_(data::Dataset::open(options.dataset)), info_(base_.info()) {
    for (const Added& one : options.added)
      added_.push_back({data::Dataset::open(one.folder), one.name.empty() ? one.folder.string() : one.name});
    for (std::int64_t i = 0; i < base_.size(); ++i) split_of_[base_.item(i).patient] = base_.item(i).split;
  }

  ContributeResult run() {
    ArtifactWriter artifact(options_.out, "dataset", options_.force);
    name_source();
    for (const Addition& added : added_) {
      require_same_kind(base_, added);
      check_hu(base_, added, monitor_);
      merge_labels(added);
    }
    require_patients();
    collect();
    drop_duplicates();
    if (candidates_.empty())
      throw Error(ErrorCode::bad_input, fmt::format("{}: no image is left to add ({})", options_.added.front().name,
                                                    reasons_text(count_by_reason(rejects_))));
    result_.rejects = count_by_reason(rejects_);
    write(artifact.path());
    write_manifest(artifact.path(), manifest());
    artifact.commit();
    return result_;
  }

 private:
  /// The new source, and the label that tells it from what is there.
  void name_source() {
    const std::size_t at = place_of(info_.labels, source_label);
    std::set<std::string> taken;
    for (const data::Source& source : info_.sources) taken.insert(source.name);
    if (at == info_.labels.size()) {
      old_source_ = info_.sources.empty() ? base_.folder().filename().string() : info_.sources.front().name;
      taken.insert(old_source_);
      info_.labels.push_back({std::string(source_label), "text", "the contribution that the image is of", {}});
      result_.new_labels.emplace_back(source_label);
    } else {
      for (std::int64_t i = 0; i < base_.size(); ++i) taken.insert(base_.item(i).labels[at]);
    }
    if (taken.contains(options_.source.name))
      throw Error(ErrorCode::usage, fmt::format("--name: {} has a contribution '{}' already; expected another name",
                                                options_.dataset.string(), options_.source.name));
    info_.sources.push_back(options_.source);
  }

  void merge_labels(const Addition& added) {
    for (const data::Label& theirs : added.dataset.info().labels) {
      if (theirs.name == source_label) continue;
      const std::size_t at = place_of(info_.labels, theirs.name);
      if (at < info_.labels.size()) {
        merge_label(info_.labels[at], theirs, added, result_);
      } else {
        info_.labels.push_back(theirs);
        result_.new_labels.push_back(theirs.name);
      }
    }
  }

  void require_patients() const {
    if (!options_.patients.empty()) return;
    std::set<std::string> shared;
    for (const Addition& added : added_)
      for (std::int64_t i = 0; i < added.dataset.size(); ++i)
        if (split_of_.contains(added.dataset.item(i).patient)) shared.insert(added.dataset.item(i).patient);
    if (shared.empty()) return;
    std::string names;
    for (const std::string& patient : shared)
      if (names.size() < 60 * patients_named) names += (names.empty() ? "" : ", ") + patient;
    throw Error(ErrorCode::usage,
                fmt::format("in both data sets: {} ({}); expected --patients same or --patients other, for the split "
                            "is by patient",
                            counted(static_cast<std::int64_t>(shared.size()), "patient"), names));
  }

  void reject(const Candidate& candidate, const std::string& reason, const std::string& detail) {
    const data::Item& item = candidate.from->dataset.item(candidate.item);
    rejects_.push_back(
        {fmt::format("{}: item {} ({})", candidate.from->name, candidate.item, item.patient), reason, detail});
  }

  /// The label that is off its scale, or nothing.
  [[nodiscard]] std::string off_scale(const Addition& added, std::int64_t item) const {
    for (const data::Label& theirs : added.dataset.info().labels) {
      const std::size_t at = place_of(info_.labels, theirs.name);
      const data::Label& label = info_.labels[at];
      if (label.values.empty() || label.type == "text") continue;
      const auto value = added.dataset.label(item, theirs.name);
      if (!value) continue;
      const bool on = label.type == "rating"
                          ? *value >= label.values.front().first && *value <= label.values.back().first
                          : std::any_of(label.values.begin(), label.values.end(),
                                        [&](const auto& known) { return known.first == *value; });
      if (!on) return fmt::format("{} = {}", label.name, *value);
    }
    return "";
  }

  void collect() {
    for (const Addition& added : added_) {
      for (std::int64_t i = 0; i < added.dataset.size(); ++i) {
        Candidate candidate{
            &added, i, data::centre_cut(added.dataset.image(i), added.dataset.info(), info_.height, info_.width), {}};
        if (info_.masks)
          candidate.mask = data::centre_cut(added.dataset.mask(i), added.dataset.info(), info_.height, info_.width);
        const auto [low, high] = std::minmax_element(candidate.image.begin(), candidate.image.end());
        if (*low == *high) {
          reject(candidate, "flat", fmt::format("all pixels are {} HU", *low));
        } else if (const std::string label = off_scale(added, i); !label.empty()) {
          reject(candidate, "label off its scale", "found " + label);
        } else {
          candidates_.push_back(std::move(candidate));
        }
      }
    }
  }

  void drop_duplicates() {
    std::vector<std::span<const std::int16_t>> old;
    std::vector<std::span<const std::int16_t>> fresh;
    for (std::int64_t i = 0; i < base_.size(); ++i) old.push_back(base_.image(i));
    for (const Candidate& candidate : candidates_) fresh.emplace_back(candidate.image);
    std::map<std::size_t, std::pair<double, std::int64_t>> like;  // the most alike of each
    for (const AlikePair& pair : find_alike_between(old, fresh, info_, options_.alike, options_.threads, monitor_)) {
      auto& best = like[static_cast<std::size_t>(pair.second)];
      if (pair.correlation > best.first) best = {pair.correlation, pair.first};
    }
    std::vector<Candidate> kept;
    for (std::size_t k = 0; k < candidates_.size(); ++k) {
      const auto found = like.find(k);
      if (found == like.end()) {
        kept.push_back(std::move(candidates_[k]));
      } else {
        reject(candidates_[k], "duplicate",
               fmt::format("like item {} of patient {}, correlation {:.3f}", found->second.second,
                           base_.item(found->second.second).patient, found->second.first));
      }
    }
    candidates_ = std::move(kept);
  }

  [[nodiscard]] bool renamed(const std::string& patient) const {
    return options_.patients == "other" && split_of_.contains(patient);
  }
  [[nodiscard]] std::string patient_of(const std::string& patient) const {
    return renamed(patient) ? options_.source.name + "/" + patient : patient;
  }
  /// A nodule of a patient that both have is told from the data set's own.
  [[nodiscard]] std::string nodule_of(const std::string& patient, const std::string& nodule) const {
    const bool both = split_of_.contains(patient) && !renamed(patient);
    return both && !nodule.empty() ? options_.source.name + "/" + nodule : nodule;
  }

  [[nodiscard]] data::Item item_of(const Candidate& candidate) const {
    const data::Item& theirs = candidate.from->dataset.item(candidate.item);
    data::Item item = theirs;
    item.patient = patient_of(theirs.patient);
    item.nodule = nodule_of(theirs.patient, theirs.nodule);
    const auto known = split_of_.find(item.patient);
    item.split = known != split_of_.end() ? known->second : data::split_of(item.patient, info_.split);
    item.labels.assign(info_.labels.size(), "");
    for (std::size_t k = 0; k < theirs.labels.size(); ++k)
      item.labels[place_of(info_.labels, candidate.from->dataset.info().labels[k].name)] = theirs.labels[k];
    item.labels[place_of(info_.labels, source_label)] = options_.source.name;
    return item;
  }

  [[nodiscard]] data::Item base_item(std::int64_t i) const {
    data::Item item = base_.item(i);
    item.labels.resize(info_.labels.size());
    if (!old_source_.empty()) item.labels[place_of(info_.labels, source_label)] = old_source_;
    return item;
  }

  void append_nodules(data::DatasetWriter& writer, const std::vector<std::string>& columns) const {
    for (const Addition& added : added_) {
      const CsvTable& nodules = added.dataset.nodules();
      for (std::size_t row = 0; row < nodules.rows(); ++row) {
        std::vector<std::string> fields;
        for (const std::string& column : columns) {
          std::string text = nodules.has(column) ? nodules.text(row, column) : "";
          if (column == "patient") text = patient_of(text);
          if (column == "nodule" && nodules.has("patient")) text = nodule_of(nodules.text(row, "patient"), text);
          fields.push_back(std::move(text));
        }
        writer.append_nodule(fields);
      }
    }
  }

  void write(const std::filesystem::path& folder) {
    info_.grown_from.push_back({base_.hash(), base_.size()});
    std::vector<std::string> columns = base_.nodules().columns();
    for (const Addition& added : added_)
      for (const std::string& column : added.dataset.nodules().columns())
        if (std::find(columns.begin(), columns.end(), column) == columns.end()) columns.push_back(column);
    data::copy_own_tables(base_, folder);
    data::DatasetWriter writer(folder, info_, columns);
    data::append_all(
        writer, base_, columns, [&](std::int64_t i) { return base_item(i); }, monitor_);
    std::set<std::string> patients;
    std::set<std::pair<std::string, std::string>> nodules;
    for (const Candidate& candidate : candidates_) {
      const data::Item item = item_of(candidate);
      writer.append(item, candidate.image, candidate.mask);
      patients.insert(item.patient);
      if (!item.nodule.empty()) nodules.emplace(item.patient, item.nodule);
    }
    append_nodules(writer, columns);
    std::vector<Reject> all = data::read_rejects(base_);
    all.insert(all.end(), rejects_.begin(), rejects_.end());
    result_.added = {static_cast<std::int64_t>(candidates_.size()), static_cast<std::int64_t>(patients.size()),
                     static_cast<std::int64_t>(nodules.size())};
    result_.info = writer.close(all);
  }

  [[nodiscard]] Manifest manifest() const {
    Manifest manifest;
    manifest.kind = "dataset";
    manifest.schema = data::dataset_schema;
    manifest.command = "contribute";
    manifest.options = {{"name", options_.source.name},         {"licence", options_.source.licence},
                        {"citation", options_.source.citation}, {"url", options_.source.url},
                        {"patients", options_.patients},        {"alike", options_.alike}};
    manifest.synthetic = base_.synthetic();
    manifest.inputs.push_back(manifest_input(options_.dataset));
    for (std::size_t k = 0; k < added_.size(); ++k) {
      manifest.synthetic = manifest.synthetic || added_[k].dataset.synthetic();
      manifest.inputs.push_back(manifest_input(options_.added[k].folder));
    }
    return manifest;
  }

  const ContributeOptions& options_;
  Monitor& monitor_;
  data::Dataset base_;
  std::vector<Addition> added_;
  data::DatasetInfo info_;
  std::string old_source_;  ///< What the data set's own images are called; "" where they say so themselves.
  std::map<std::string, data::Split> split_of_;
  std::vector<Candidate> candidates_;
  std::vector<Reject> rejects_;
  ContributeResult result_;
};

}  // namespace

void require_source(const data::Source& source) {
  if (source.name.empty()) throw Error(ErrorCode::usage, "expected --name, what the contribution is called");
  if (source.licence.empty())
    throw Error(ErrorCode::usage, "expected --licence, under which the images may be used, such as \"CC BY 4.0\"");
}

ContributeResult contribute(const ContributeOptions& options, Monitor& monitor) {
  if (options.added.empty()) throw Error(ErrorCode::usage, "expected images to add, found none");
  require_source(options.source);
  return Joining(options, monitor).run();
}

}  // namespace nodulus::study
