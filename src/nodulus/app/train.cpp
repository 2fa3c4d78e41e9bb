#include <fmt/format.h>

#include <set>

#include "nodulus/app/commands.h"
#include "nodulus/app/compute.h"
#include "nodulus/app/trainable.h"
#include "nodulus/app/trained.h"
#include "nodulus/core/error.h"
#include "nodulus/core/hash.h"
#include "nodulus/data/conditions.h"
#include "nodulus/data/dataset.h"
#include "nodulus/data/loader.h"
#include "nodulus/train/loop.h"

namespace nodulus::app {
namespace {

/// What a resumed run may have anew: nothing that changes its mathematics.
const std::set<std::string> free_on_resume{
    "data", "steps", "minutes", "checkpoint_minutes", "keep_checkpoints", "log_steps", "sample_minutes"};

/// Settings that a run has of its own, whatever model it goes on from.
const std::set<std::string> own_of_a_run{"family",   "data",  "continue", "replay",
                                         "transfer", "steps", "minutes",  "seed"};

class Train final : public Command {
 public:
  void describe(Options& options, const std::vector<std::string>& words) override {
    choose_family(words);
    options.add("family", family_name_, "kind of model").one_of(trainable_families());
    options.add("data", data_, "data set to train on");
    options.add("out", out_, "folder that the run's own is made in").command_line_only();
    options.add("name", name_, "the run's name; default: the family's").command_line_only();
    options.add("resume", resume_, "take this run up where it stopped").command_line_only();
    settings_.describe(options);
    family_->describe(options);
    if (!continued_.empty() && resumed_.empty()) read_own_settings(options, model_, continued_, own_of_a_run);
    if (resumed_.empty()) return;
    options.read_toml_file(resumed_ / "config.toml");
    settings_.minutes = 0;  // a limit of the session that began it
    at_start_ = options.to_json();
  }

  Outcome plan(const CommonOptions& common, Monitor& /*monitor*/) override {
    const data::Dataset dataset = open_data();
    const data::Loader images = fit(dataset);
    const std::int64_t parameters = family_->parameter_count();
    const double flop = family_->step_flop(settings_);
    Outcome outcome;
    outcome.figures = {{"family", family_name_},   {"parameters", parameters},   {"images", images.items()},
                       {"steps", settings_.steps}, {"gflop_a_step", flop / 1e9}, {"device", common.device}};
    outcome.text = fmt::format(
        "would train {} ({} parameters, {} channels, {}x{}) on {} images for {} steps of {} images, {:.1f} GFLOP a "
        "step",
        family_name_, parameters, images.channels(), images.width(), images.height(), images.items(), settings_.steps,
        settings_.batch, flop / 1e9);
    return outcome;
  }

  Outcome run(const CommonOptions& common, const Options& options, Monitor& monitor) override {
    refuse_changes(options);
    if (settings_.bfloat16 && common.device != "cuda")
      throw Error(ErrorCode::usage, "--bfloat16: only with --device cuda");
    warn_of_slow_blas(monitor);
    const data::Dataset dataset = open_data();
    data_ = std::filesystem::absolute(data_).lexically_normal();  // config.toml is read from other folders too
    if (dataset.synthetic())
      monitor.warn(fmt::format("{} holds generated images: the model learns from a model", data_.string()));
    fit(dataset);
    tell_replay(dataset, monitor);
    const torch::Device device = device_from(common.device);
    adopt_transfer();
    train::Training training;
    training.family = family_name_;
    training.options = settings_;
    training.resolved_options = options.to_json();
    training.dataset = &dataset;
    training.transfer = transfer_;
    training.inherited = inherited_;
    training.make_learner = [this, device](const data::Loader& loader) {
      return family_->learner(loader, settings_, device);
    };
    const train::RunFolder folder = run_folder(options, dataset);
    monitor.note(fmt::format("training {} in {}", family_name_, folder.path().string()));
    const train::TrainResult result = trained(training, folder, monitor);
    Outcome outcome;
    outcome.figures = {{"run", folder.path().string()}, {"checkpoint", result.checkpoint.string()},
                       {"steps", result.steps},         {"images_seen", result.images_seen},
                       {"loss", result.loss},           {"images_per_second", result.images_per_second}};
    outcome.text =
        fmt::format("{}: step {}, {} images seen, loss {:.4f}, {:.1f} images/s\nnext: nodulus generate {} --count 16",
                    folder.path().string(), result.steps, result.images_seen, result.loss, result.images_per_second,
                    folder.path().string());
    return outcome;
  }

 private:
  /// A run that could not even begin, as what it was to begin with does not fit, leaves no folder.
  train::TrainResult trained(const train::Training& training, const train::RunFolder& folder, Monitor& monitor) const {
    try {
      return train::train(training, folder, monitor);
    } catch (const Error& error) {
      std::error_code ignored;
      const bool unfit = error.code() == ErrorCode::bad_input || error.code() == ErrorCode::usage;
      if (unfit && resumed_.empty() && std::filesystem::is_empty(folder.metrics(), ignored))
        std::filesystem::remove_all(folder.path(), ignored);
      throw;
    }
  }

  /// Family and process decide which other settings there are, so they are looked for before all else.
  void choose_family(const std::vector<std::string>& words) {
    resumed_ = word_after(words, "--resume");
    const std::filesystem::path config =
        resumed_.empty() ? std::filesystem::path(word_after(words, "--config")) : resumed_ / "config.toml";
    if (!resumed_.empty()) train::RunFolder::open(resumed_);
    auto word = [&](const std::string& key) {
      const std::string given = resumed_.empty() ? word_after(words, "--" + key) : "";
      return given.empty() && !config.empty() ? toml_string(config, key) : given;
    };
    continued_ = word("continue");
    if (!continued_.empty() && resumed_.empty()) {
      model_ = train::read_checkpoint_info(checkpoint_of(continued_));
      for (const char* const fixed : {"family", "process"})
        if (const std::string given = word_after(words, std::string("--") + fixed); !given.empty())
          throw Error(ErrorCode::usage, fmt::format("--{}: with --continue it is that of {}; found '{}'", fixed,
                                                    continued_.string(), given));
      family_name_ = model_.family;
      family_ = make_trainable(family_name_, model_.options.value("process", ""));
      return;
    }
    const std::string name = word("family");
    if (!name.empty()) family_name_ = name;
    family_ = make_trainable(family_name_, word("process"));
  }

  /// What the run takes over: of the model named, or, once it has checkpoints of its own, what they say.
  void inherit(const data::Dataset& dataset) {
    if (settings_.continued.empty()) return;
    if (!settings_.transfer.empty())
      throw Error(ErrorCode::usage, "--continue and --transfer: expected one of them, found both");
    settings_.continued = lasting_path(settings_.continued);
    const auto own =
        resumed_.empty() ? std::vector<std::filesystem::path>{} : train::RunFolder::open(resumed_).checkpoints();
    train::Inheritance inherited;
    inherited.checkpoint = own.empty() ? checkpoint_of(settings_.continued) : own.back();
    const auto model = train::read_checkpoint_info(inherited.checkpoint);
    if (model.family != family_name_)
      throw Error(ErrorCode::usage, fmt::format("--continue {}: expected a model of the family {}, found {}",
                                                settings_.continued.string(), family_name_, model.family));
    inherited.window_hu = model.window_hu;
    inherited.from = model.conditions;
    inherited.to = model.conditions;
    inherited.ancestry = model.continued;
    inherited.data = model.data;
    if (own.empty()) {
      inherited.to = data::extended_schema(model.conditions, dataset, settings_.conditions);
      const std::int64_t known = dataset.items_of_ancestor(model.dataset_hash);
      const bool other = model.continued.other_data || known == 0;
      inherited.ancestry = {sha256_file(inherited.checkpoint),
                            model.dataset_hash,
                            model.images_seen + model.continued.images_seen,
                            known,
                            model.continued.imported,
                            model.continued.transferred,
                            other};
      if (known == 0) add_cases(inherited.to, model.conditions);
    }
    inherited_ = inherited;
  }

  void tell_replay(const data::Dataset& dataset, Monitor& monitor) const {
    if (!inherited_ || !resumed_.empty()) return;
    const std::int64_t known = inherited_->ancestry.known_items;
    if (known > 0 && known < dataset.size() && settings_.replay > 0 && settings_.replay < 1)
      monitor.note(fmt::format("the model has seen {} of the {} images of {}: {:.0f} % of the samples are of them",
                               known, dataset.size(), data_.string(), 100 * settings_.replay));
    if (known == 0)
      monitor.warn(
          fmt::format("{}: not the data set that the model learnt from, nor grown from it by contribute: "
                      "nothing is replayed, and what it knew may fade",
                      data_.string()));
  }

  /// Finds the checkpoint to begin with, where it is still to be begun with.
  void adopt_transfer() {
    if (settings_.transfer.empty()) return;
    settings_.transfer = lasting_path(settings_.transfer);
    if (!resumed_.empty() && !train::RunFolder::open(resumed_).checkpoints().empty()) return;
    transfer_ = checkpoint_of(settings_.transfer);
    if (const auto info = train::read_checkpoint_info(transfer_); info.family != family_name_)
      throw Error(ErrorCode::usage, fmt::format("--transfer {}: expected a model of the family {}, found {}",
                                                settings_.transfer.string(), family_name_, info.family));
  }

  void refuse_changes(const Options& options) const {
    if (resumed_.empty()) return;
    const auto now = options.to_json();
    for (const auto& [key, value] : now.items()) {
      if (free_on_resume.contains(key) || at_start_.at(key) == value) continue;
      throw Error(ErrorCode::usage,
                  fmt::format("--resume: {} was {} in {} and cannot become {}: the run would not be the same one", key,
                              at_start_.at(key).dump(), resumed_.string(), value.dump()));
    }
  }

  [[nodiscard]] data::Dataset open_data() const {
    if (data_.empty()) throw Error(ErrorCode::usage, "expected --data, the data set to train on");
    return data::Dataset::open(data_);
  }

  /// The training images, to which the family is fitted.
  data::Loader fit(const data::Dataset& dataset) {
    inherit(dataset);
    data::Loader loader(dataset, train::loader_options(settings_, dataset, inherited_));
    if (loader.height() != loader.width())
      throw Error(ErrorCode::usage, fmt::format("{}: expected square images, found {}x{}; --size cuts them",
                                                data_.string(), loader.width(), loader.height()));
    family_->fit(loader, settings_);
    return loader;
  }

  [[nodiscard]] train::RunFolder run_folder(const Options& options, const data::Dataset& dataset) const {
    if (!resumed_.empty()) {
      train::RunFolder run = train::RunFolder::open(resumed_);
      // A checkpoint knows the data set itself; a run that died before its first has its manifest's word alone.
      if (run.checkpoints().empty() && !run.began_on(manifest_input(dataset.folder()))) {
        throw Error(ErrorCode::bad_input, fmt::format("{}: was begun on another data set than {}", resumed_.string(),
                                                      dataset.folder().string()));
      }
      return run;
    }
    Manifest manifest;
    manifest.command = "train";
    manifest.options = options.to_json();
    manifest.seed = settings_.seed;
    manifest.synthetic = dataset.synthetic();
    manifest.inputs.push_back(manifest_input(dataset.folder()));
    if (inherited_) manifest.inputs.push_back(manifest_input(inherited_->checkpoint));
    if (!transfer_.empty()) manifest.inputs.push_back(manifest_input(transfer_));
    return train::RunFolder::create(out_, name_.empty() ? family_name_ : name_, options.to_toml(), manifest);
  }

  std::string family_name_ = "ddpm";
  std::unique_ptr<Trainable> family_;
  std::filesystem::path data_;
  std::filesystem::path out_ = "runs";
  std::string name_;
  std::filesystem::path resume_;
  std::filesystem::path resumed_;
  std::filesystem::path transfer_;
  std::filesystem::path continued_;
  train::CheckpointInfo model_;  ///< Of continued_, where it is not resumed.
  std::optional<train::Inheritance> inherited_;
  Json at_start_;
  train::TrainOptions settings_;
};

}  // namespace

CommandRow train_command() {
  return {"train", "data set -> a trained model, in runs/NNNNN-name/",
          "nodulus train --config configs/ddpm-nodule64.toml --data dataset/", make_command<Train>, true};
}

}  // namespace nodulus::app
