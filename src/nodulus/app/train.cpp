#include <fmt/format.h>

#include <numeric>
#include <set>

#include "nodulus/app/commands.h"
#include "nodulus/app/compute.h"
#include "nodulus/app/diffusion.h"
#include "nodulus/core/error.h"
#include "nodulus/data/dataset.h"
#include "nodulus/data/loader.h"
#include "nodulus/sample/diffusion_source.h"
#include "nodulus/train/diffusion_learner.h"
#include "nodulus/train/loop.h"

namespace nodulus::app {
namespace {

/// What a resumed run may have anew: nothing that changes its mathematics.
const std::set<std::string> free_on_resume{
    "data", "steps", "minutes", "checkpoint_minutes", "keep_checkpoints", "log_steps", "sample_minutes"};

class Train final : public Command {
 public:
  void describe(Options& options, const std::vector<std::string>& words) override {
    choose_family(words);
    options.add("family", family_name_, "kind of model").one_of(family_names());
    options.add("process", family_.process_name, "noise that it is trained in; default: the family's own")
        .one_of(process_names());
    options.add("data", data_, "data set to train on");
    options.add("out", out_, "folder that the run's own is made in").command_line_only();
    options.add("name", name_, "the run's name; default: the family's").command_line_only();
    options.add("resume", resume_, "go on with this run").command_line_only();
    settings_.describe(options);
    diffusion_.describe(options);
    family_.architecture->describe(options);
    family_.process->describe(options);
    if (resumed_.empty()) return;
    options.read_toml_file(resumed_ / "config.toml");
    settings_.minutes = 0;  // a limit of the session that began it
    at_start_ = options.to_json();
  }

  Outcome plan(const CommonOptions& common, Monitor& /*monitor*/) override {
    const data::Dataset dataset = open_data();
    fit(dataset);
    const auto network = family_.architecture->build();
    const double flop = 3 * family_.architecture->forward_flop() * settings_.batch;
    Outcome outcome;
    outcome.figures = {{"family", family_name_},
                       {"parameters", models::parameter_count(*network)},
                       {"images", dataset.items_of(data::Split::train).size()},
                       {"steps", settings_.steps},
                       {"gflop_a_step", flop / 1e9},
                       {"device", common.device}};
    outcome.text = fmt::format(
        "would train {} ({} parameters, {} channels, {}x{}) on {} images for {} steps of {} images, {:.1f} GFLOP a "
        "step",
        family_name_, models::parameter_count(*network), family_.architecture->image_channels(),
        family_.architecture->resolution(), family_.architecture->resolution(),
        dataset.items_of(data::Split::train).size(), settings_.steps, settings_.batch, flop / 1e9);
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
    const torch::Device device = device_from(common.device);
    const train::Training training{family_name_, settings_, &dataset, options.to_json(), learner_maker(device)};
    const train::RunFolder folder = run_folder(options, dataset);
    monitor.note(fmt::format("training {} in {}", family_name_, folder.path().string()));
    const train::TrainResult result = train::train(training, folder, monitor);
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
  static std::vector<std::string> family_names() {
    std::vector<std::string> names;
    for (const models::Family& row : models::families()) names.emplace_back(row.name);
    return names;
  }

  static std::vector<std::string> process_names() {
    std::vector<std::string> names;
    for (const process::ProcessRow& row : process::processes()) names.emplace_back(row.name);
    return names;
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
    const std::string name = word("family");
    if (!name.empty()) family_name_ = name;
    family_ = make_family(family_name_, word("process"));
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

  /// Makes the architecture fit what the loader will hand out.
  void fit(const data::Dataset& dataset) {
    family_.prepare();
    data::LoaderOptions loader;
    loader.mask_channel = train::uses_mask(settings_, dataset);
    loader.downsample = settings_.downsample;
    loader.size = settings_.size;
    const data::Loader probe(dataset, loader);
    if (probe.height() != probe.width())
      throw Error(ErrorCode::usage, fmt::format("{}: expected square images, found {}x{}; --size cuts them",
                                                data_.string(), probe.width(), probe.height()));
    family_.architecture->fit(probe.channels(), probe.height());
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
    return train::RunFolder::create(out_, name_.empty() ? family_name_ : name_, options.to_toml(), manifest);
  }

  [[nodiscard]] std::function<std::unique_ptr<train::Learner>(const data::Loader&)> learner_maker(
      torch::Device device) const {
    return [this, device](const data::Loader& loader) {
      const train::DiffusionStepOptions step{settings_.batch,
                                             diffusion_.learning_rate,
                                             diffusion_.warmup_steps,
                                             diffusion_.clip_norm,
                                             diffusion_.ema_decay,
                                             settings_.seed,
                                             device,
                                             settings_.bfloat16};
      return std::make_unique<train::DiffusionLearner>(*family_.architecture, family_.process, loader, step,
                                                       preview(device));
    };
  }

  [[nodiscard]] train::Preview preview(torch::Device device) const {
    return [this, device](const std::shared_ptr<models::Network>& averaged, Monitor& monitor) {
      sample::DiffusionParts parts;
      parts.network = averaged;
      parts.process = family_.process;
      parts.sampler = make_sampler("ddim").sampler;
      parts.steps = 25;
      parts.channels = family_.architecture->image_channels();
      parts.resolution = family_.architecture->resolution();
      parts.device = device;
      parts.bfloat16 = settings_.bfloat16;
      parts.on_step = [&monitor](std::int64_t done, std::int64_t total) {
        if (monitor.stop_requested()) throw Error(ErrorCode::stopped, "stopped while drawing samples");
        monitor.progress({"drawing samples", done, total, "steps", ""});
      };
      std::vector<std::uint64_t> seeds(24);
      std::iota(seeds.begin(), seeds.end(), settings_.seed);
      return sample::DiffusionSource(parts).images(seeds, {});
    };
  }

  std::string family_name_ = "ddpm";
  FamilyParts family_;
  std::filesystem::path data_;
  std::filesystem::path out_ = "runs";
  std::string name_;
  std::filesystem::path resume_;
  std::filesystem::path resumed_;
  Json at_start_;
  train::TrainOptions settings_;
  train::DiffusionOptions diffusion_;
};

}  // namespace

CommandRow train_command() {
  return {"train", "data set -> a trained model, in runs/NNNNN-name/",
          "nodulus train --config configs/ddpm-nodule64.toml --data dataset/", make_command<Train>, true};
}

}  // namespace nodulus::app
