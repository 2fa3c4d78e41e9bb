#include "nodulus/study/patterns.h"

#include <fmt/format.h>

#include <algorithm>

#include "nodulus/app/commands.h"
#include "nodulus/app/compute.h"
#include "nodulus/app/feature_cache_option.h"
#include "nodulus/app/shared_options.h"
#include "nodulus/core/artifact.h"
#include "nodulus/core/png.h"
#include "nodulus/data/dataset_copy.h"
#include "nodulus/eval/common_space.h"
#include "nodulus/eval/extractor.h"
#include "nodulus/eval/feature_store.h"
#include "nodulus/traits/catalog.h"

namespace nodulus::app {
namespace {

class PatternsCommand final : public Command {
 public:
  void describe(Options& options, const std::vector<std::string>& /*words*/) override {
    options.add("dataset", dataset_, "the data set whose nodules are grouped").positional();
    options.add("out", out_, "the same data set with the patterns as a label, and their page").command_line_only();
    options.add("label", label_, "name of that label, and so of the option of generate");
    options.add("space", space_, "what nodules are compared by: their traits, features of the image, or both")
        .one_of({"both", "traits", "features"});
    options.add("groups", grouping_.wanted, "this number of groups; 0: as many as are found again").between(0, 1000);
    options.add("most", grouping_.most, "largest number of groups that is tried").between(2, 100);
    options.add("resamplings", grouping_.resamplings, "drawings of patients that the groups must be found in again")
        .between(2, 10000);
    options.add("stable_from", grouping_.stable_from, "Jaccard index from which a group counts as found again")
        .between(0, 1);
    options.add("size", size_, "cut images to that about the centre, for their features and to show them; 0: whole")
        .between(0, 65536);
    options.add("features", features_, "TorchScript or an Inception v3 state dict; default: SqueezeNet, on board");
    cache_.describe(options);
    options.add("examples", examples_, "nodules of each pattern that are shown").between(1, 100);
    options.add("seed", grouping_.seed, "first centres and drawings follow from it");
  }

  Outcome plan(const CommonOptions& common, Monitor& /*monitor*/) override {
    require_out(out_, "the data set to make");
    check_target(out_, "dataset", common.force);
    const data::Dataset dataset = data::Dataset::open(dataset_);
    data::require_new_label(dataset, label_);
    Outcome outcome;
    outcome.figures = {{"images", dataset.size()}};
    outcome.text = fmt::format("would group the nodules of {} images of {}", dataset.size(), dataset_.string());
    return outcome;
  }

  Outcome run(const CommonOptions& common, const Options& options, Monitor& monitor) override {
    require_out(out_, "the data set to make");
    ArtifactWriter artifact(out_, "dataset", common.force);
    const data::Dataset dataset = data::Dataset::open(dataset_);
    data::require_new_label(dataset, label_);
    grouping_.threads = common.threads;
    const study::TraitTable table = study::measure_all(dataset, common.threads, monitor);
    std::vector<std::string> used;
    const study::GroupedNodules nodules = grouped(dataset, table, used, monitor);
    study::Patterns patterns = study::find_patterns(dataset, table, nodules, examples_, grouping_, monitor);
    patterns.dataset = without_slash(dataset_).filename().string();
    patterns.spaces = used;
    if (!patterns.stable && grouping_.wanted == 0)
      monitor.warn(
          fmt::format("no number of groups has all found again in {} of resamplings or more", grouping_.stable_from));
    write_png(artifact.path() / "patterns.png", study::pattern_sheet(dataset, patterns, size_));
    write_json(artifact.path() / "patterns.json", study::json_of(patterns));
    write_text(artifact.path() / "patterns.md", study::page_of(patterns));
    std::vector<std::string> values;
    for (const int pattern : patterns.of_item) values.push_back(std::to_string(pattern));
    data::write_with_label(dataset, study::pattern_label(patterns, label_), values, artifact.path(), monitor);
    write_manifest(artifact.path(), manifest(options, dataset));
    artifact.commit();
    Outcome outcome{study::json_of(patterns), study::text_of(patterns)};
    outcome.text += fmt::format("\npage: {}\nnext: nodulus train --data {} --conditions {}",
                                (out_ / "patterns.md").string(), out_.string(), label_);
    return outcome;
  }

 private:
  [[nodiscard]] Manifest manifest(const Options& options, const data::Dataset& dataset) const {
    Manifest manifest;
    manifest.kind = "dataset";
    manifest.schema = data::dataset_schema;
    manifest.command = "patterns";
    manifest.options = options.to_json();
    manifest.seed = grouping_.seed;
    manifest.synthetic = dataset.synthetic();
    manifest.inputs.push_back(manifest_input(dataset_));
    return manifest;
  }

  /// One image of each nodule, as a point by its traits and features; what they are in words goes to `used`.
  study::GroupedNodules grouped(const data::Dataset& dataset, const study::TraitTable& table,
                                std::vector<std::string>& used, Monitor& monitor) {
    study::GroupedNodules nodules;
    nodules.items = study::one_image_a_nodule(dataset, table);
    std::vector<eval::Description> descriptions;
    if (space_ != "features" && table.measured) {
      descriptions.push_back({trait_values(table, nodules.items), true});
      used.push_back(fmt::format("{} traits", traits::catalog().size()));
    }
    if (space_ == "traits" && !table.measured)
      throw Error(ErrorCode::usage,
                  fmt::format("--space traits: expected outlines in {}, found none", dataset_.string()));
    if (space_ != "traits") {
      const auto extractor = eval::open_extractor(features_);
      descriptions.push_back({image_features(dataset, *extractor, nodules.items, monitor), false});
      used.push_back(fmt::format("{} features of {}", extractor->dimension(), extractor->name()));
    }
    std::vector<std::int64_t> training;
    for (std::size_t row = 0; row < nodules.items.size(); ++row)
      if (dataset.item(nodules.items[row]).split == data::Split::train)
        training.push_back(static_cast<std::int64_t>(row));
    const torch::Tensor points = eval::common_space(descriptions, training);
    nodules.points.count = static_cast<std::size_t>(points.size(0));
    nodules.points.dimensions = static_cast<std::size_t>(points.size(1));
    nodules.points.values.assign(points.data_ptr<double>(), points.data_ptr<double>() + points.numel());
    return nodules;
  }

  static torch::Tensor trait_values(const study::TraitTable& table, const std::vector<std::int64_t>& items) {
    std::vector<torch::Tensor> rows;
    rows.reserve(items.size());
    for (const std::int64_t item : items)
      rows.push_back(torch::tensor(table.values[static_cast<std::size_t>(item)], torch::kFloat64));
    return torch::stack(rows);
  }

  [[nodiscard]] torch::Tensor image_features(const data::Dataset& dataset, eval::FeatureExtractor& extractor,
                                             const std::vector<std::int64_t>& items, Monitor& monitor) const {
    eval::View view;
    view.window_hu = dataset.info().window_hu;
    if (size_ > 0 && size_ < std::min(dataset.info().height, dataset.info().width)) view.size = size_;
    const eval::Images images =
        eval::real_images(dataset, {data::Split::train, data::Split::val, data::Split::test}, view);
    eval::FeatureStore store(extractor, cache_.folder(), monitor);
    std::vector<std::int64_t> place(images.row.size());
    for (std::size_t k = 0; k < images.row.size(); ++k)
      place[static_cast<std::size_t>(images.row[k])] = static_cast<std::int64_t>(k);
    std::vector<std::int64_t> wanted;
    wanted.reserve(items.size());
    for (const std::int64_t item : items) wanted.push_back(place[static_cast<std::size_t>(item)]);
    return store.features(images, 0, dataset_.string()).index_select(0, torch::tensor(wanted));
  }

  std::filesystem::path dataset_;
  std::filesystem::path out_;
  std::filesystem::path features_;
  std::string label_ = "pattern";
  std::string space_ = "both";
  int size_ = 64;
  int examples_ = 8;
  study::GroupingOptions grouping_;
  FeatureCacheOption cache_;
};

}  // namespace

CommandRow patterns_command() {
  return {"patterns", "nodules in groups of alike ones, found without labels -> the data set with them as a label",
          "nodulus patterns dataset/ --out patterned/", make_command<PatternsCommand>};
}

}  // namespace nodulus::app
