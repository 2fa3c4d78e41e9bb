#include "nodulus/eval/evaluate.h"

#include <fmt/format.h>

#include "nodulus/app/commands.h"
#include "nodulus/app/compute.h"
#include "nodulus/app/feature_cache_option.h"
#include "nodulus/app/figure_text.h"
#include "nodulus/core/artifact.h"
#include "nodulus/core/error.h"
#include "nodulus/core/reject.h"

namespace nodulus::app {
namespace {

/// Of a label that some images were asked for by.
std::string obedience_text(const Json& label) {
  std::string text = fmt::format("\n  {}: {} of {} images as asked{}, by the {}", label["label"].get<std::string>(),
                                 figure_text(label["correct"]), label["asked"].get<std::int64_t>(),
                                 interval_text(label["interval"]), label["judge"].get<std::string>());
  if (!label["judge_accuracy"].is_null())
    text += fmt::format(", which is right for {} of held-out real ones", figure_text(label["judge_accuracy"]));
  return text;
}

/// A table for a terminal: a row a figure. The floor and the ratio are at as many images as both have.
std::string set_text(const Json& set) {
  const std::string count = fmt::format("at {}", set["figures"][0]["matched"]["count"].get<std::int64_t>());
  std::string text = fmt::format("\n{}, {} images\n  {:<34}{:<32}{:>11}{:>11}{:>9}", set["path"].get<std::string>(),
                                 set["count"].get<std::int64_t>(), "figure", "value (95 %)", count, "floor", "ratio");
  for (const Json& figure : set["figures"])
    text += fmt::format("\n  {:<34}{:<32}{:>11}{:>11}{:>9}", figure["title"].get<std::string>(),
                        figure_text(figure["value"]) + interval_text(figure["interval"]),
                        figure_text(figure["matched"]["value"]), figure_text(figure["matched"]["floor"]),
                        figure_text(figure["ratio"]));
  if (!set["copies"].is_null()) text += fmt::format("\n  copies: {}", set["copies"]["verdict"].get<std::string>());
  for (const Json& label : set["obedience"]) text += obedience_text(label);
  return text;
}

class Evaluate final : public Command {
 public:
  void describe(Options& options, const std::vector<std::string>& /*words*/) override {
    options.add("images", settings_.sets, "folders of images: of generate, or of import for another program's")
        .positional();
    options.add("real", settings_.real, "the data set that the models learnt from").command_line_only();
    options.add("out", out_, "file for the figures").command_line_only();
    options.add("features", settings_.features,
                "TorchScript or an Inception v3 state dict; default: SqueezeNet, on board");
    options.add("downsample", settings_.downsample, "average the real images over NxN pixels; 0: as the model saw them")
        .between(0, 64);
    options.add("size", settings_.size, "cut the real images to that about the centre; 0: as the model saw them")
        .between(0, 65536);
    options.add("spacing_mm", settings_.spacing_mm, "pixel size that traits are measured at; 0: the data set's")
        .between(0, 100);
    options.add("bootstrap", settings_.bootstrap, "resamplings for the intervals; 0: none").between(0, 100000);
    options.add("pictures", settings_.pictures, "images of each set that the file holds, to look at").between(1, 1000);
    options
        .add("outline_epochs", settings_.outline_epochs,
             "training of the network that outlines images that came without; 0: none")
        .between(0, 10000);
    options.add("copies", settings_.copies, "look for copies of training images");
    cache_.describe(options);
    options.add("seed", settings_.seed, "which images are drawn and resampled").between(0, 9e18);
  }

  Outcome plan(const CommonOptions& common, Monitor& /*monitor*/) override {
    const eval::Evaluation evaluation = open(common);
    Outcome outcome;
    outcome.figures = {{"train", evaluation.training.count}, {"held_out", evaluation.held_out.count}};
    for (const eval::ImageSet& set : evaluation.sets)
      outcome.text += fmt::format("would compare {} images of {} with {} real ones\n", set.images.count,
                                  set.path.string(), evaluation.training.count);
    return outcome;
  }

  Outcome run(const CommonOptions& common, const Options& options, Monitor& monitor) override {
    warn_of_slow_blas(monitor);
    const eval::Evaluation evaluation = open(common);
    for (const eval::ImageSet& set : evaluation.sets) {
      if (set.images.has_masks()) continue;
      monitor.note(fmt::format("{}: no outlines come with the images; {}", set.path.string(),
                               eval::can_outline(evaluation, settings_)
                                   ? "a network that learns them from the training images finds them"
                                   : "their traits are not measured"));
    }
    Manifest manifest;
    manifest.kind = "metrics";
    manifest.schema = eval::metrics_schema;
    manifest.command = "evaluate";
    manifest.options = options.to_json();
    manifest.seed = settings_.seed;
    for (const auto& path : settings_.sets) manifest.inputs.push_back(manifest_input(path));
    manifest.inputs.push_back(manifest_input(settings_.real));
    for (const eval::ImageSet& set : evaluation.sets) manifest.synthetic = manifest.synthetic || set.synthetic;
    Json figures = eval::evaluate(evaluation, settings_, monitor);
    Json file = manifest_json(manifest);
    file.update(figures);
    write_json_artifact(out_, file);
    Outcome outcome;
    outcome.text = fmt::format("{} real images to compare with, {} held out for the floor; features: {}",
                               evaluation.training.count, evaluation.held_out.count,
                               figures["features"]["name"].get<std::string>());
    outcome.figures = {{"metrics", out_.string()}, {"sets", Json::array()}};
    for (const Json& set : figures["sets"]) {
      outcome.text += set_text(set);
      Json brief = {{"path", set["path"]}, {"count", set["count"]}, {"figures", set["figures"]}};
      if (!set["copies"].is_null()) brief["copies"] = set["copies"]["named"];
      outcome.figures["sets"].push_back(brief);
    }
    outcome.text += fmt::format("\n{}\nnext: nodulus report {} --out report/", out_.string(), out_.string());
    return outcome;
  }

 private:
  [[nodiscard]] eval::Evaluation open(const CommonOptions& common) {
    check_file_target(out_, "metrics", common.force);
    settings_.threads = common.threads;
    settings_.cache = cache_.folder();
    return eval::open_evaluation(settings_);
  }

  eval::EvaluateOptions settings_;
  std::filesystem::path out_ = "metrics.json";
  FeatureCacheOption cache_;
};

}  // namespace

CommandRow evaluate_command() {
  return {"evaluate", "sets of images against real ones: distances, variety, copies, traits -> metrics.json",
          "nodulus evaluate images/ --real dataset/ --out metrics.json", make_command<Evaluate>, false};
}

}  // namespace nodulus::app
