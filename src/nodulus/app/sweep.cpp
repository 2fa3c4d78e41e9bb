#include <fmt/format.h>

#include <optional>
#include <set>

#include "nodulus/app/commands.h"
#include "nodulus/app/compute.h"
#include "nodulus/app/drawing.h"
#include "nodulus/app/feature_cache_option.h"
#include "nodulus/app/figure_text.h"
#include "nodulus/app/trained.h"
#include "nodulus/core/artifact.h"
#include "nodulus/core/error.h"
#include "nodulus/core/files.h"
#include "nodulus/data/window.h"
#include "nodulus/eval/evaluate.h"
#include "nodulus/eval/sweep_judge.h"
#include "nodulus/models/catalog.h"

namespace nodulus::app {

/// One way to draw from the model.
struct SweepPoint {
  std::string sampler;  ///< "" of a model without.
  int steps = 0;
};

namespace {

/// Quality against work: one model, several samplers and numbers of steps.
class Sweep final : public Command {
 public:
  void describe(Options& options, const std::vector<std::string>& /*words*/) override {
    options.add("model", model_, "a run's folder, a checkpoint or a published model").positional();
    options.add("real", real_, "the data set that the model learnt from").command_line_only();
    options.add("out", out_, "file for the figures").command_line_only();
    std::vector<std::string> names;
    for (const sample::SamplerRow& row : sample::samplers()) names.emplace_back(row.name);
    options.add("samplers", samplers_, "which; diffusion families").one_of(names);
    options.add("steps", steps_, "of each sampler").between(1, 1e6);
    options.add("count", count_, "images of each").between(2, 1e6);
    options.add("batch", batch_, "images at a time").between(1, 1e6);
    options.add("features", features_, "TorchScript or an Inception v3 state dict; default: SqueezeNet, on board");
    options.add("bootstrap", bootstrap_, "resamplings for the intervals; 0: none").between(0, 100000);
    cache_.describe(options);
    options.add("seed", seed_, "image i is made from seed + i").between(0, 9e18);
  }

  Outcome plan(const CommonOptions& common, Monitor& /*monitor*/) override {
    const Inputs inputs = open(common);
    static_cast<void>(data::Dataset::open(real_));
    const std::int64_t evaluations = checked(inputs, common);
    Outcome outcome;
    outcome.figures = {{"points", inputs.points.size()}, {"evaluations", evaluations}};
    outcome.text = fmt::format("would draw {} images each of {} kinds, {} evaluations of the network in all", count_,
                               inputs.points.size(), evaluations);
    return outcome;
  }

  Outcome run(const CommonOptions& common, const Options& options, Monitor& monitor) override {
    warn_of_slow_blas(monitor);
    const Inputs inputs = open(common);
    const data::Dataset dataset = data::Dataset::open(real_);
    if (inputs.info.dataset_hash != dataset.hash() || inputs.info.continued.other_data)
      monitor.warn(fmt::format("{} learnt from other images than those of {}: it may have seen what is held out there",
                               model_.string(), real_.string()));
    const eval::View view{inputs.info.options.value("downsample", 1), inputs.info.options.value("size", 0),
                          inputs.info.window_hu};
    checked(inputs, common);
    eval::SweepJudge judge(dataset, view, features_, cache_.folder(), monitor);
    Json points = Json::array();
    Outcome outcome;
    outcome.text =
        fmt::format("{:<22}{:>7}{:>13}{:>14}  {}", "sampler", "steps", "evaluations", "s an image", "FD (95 %)");
    for (const SweepPoint& point : inputs.points) {
      const Json json = drawn(point, request(inputs, common), judge, monitor, points.size(), inputs.points.size());
      outcome.text += row_text(json);
      points.push_back(json);
    }
    Manifest manifest;
    manifest.kind = "sweep";
    manifest.schema = eval::metrics_schema;
    manifest.command = "sweep";
    manifest.options = options.to_json();
    manifest.seed = seed_;
    manifest.synthetic = true;
    manifest.inputs = {inputs.sum, manifest_input(real_)};
    Json file = manifest_json(manifest);
    file["name"] = without_slash(model_).filename().string();
    file["family"] = inputs.info.family;
    file["count"] = count_;
    file["dataset"] = dataset.hash();
    file["features"] = {{"distance", judge.extractor().distance_name()}, {"sha256", judge.extractor().hash()}};
    file["floor"] = judge.floor(count_, seed_);
    file["points"] = points;
    write_json_artifact(out_, file);
    outcome.figures = {{"sweep", out_.string()}, {"points", points}, {"floor", file["floor"]}};
    outcome.text += fmt::format("\nreal against real, {} images: {}\n{}", file["floor"]["count"].get<std::int64_t>(),
                                figure_text(file["floor"]["fd"]), out_.string());
    return outcome;
  }

 private:
  struct Inputs {
    std::filesystem::path checkpoint;
    train::CheckpointInfo info;
    Manifest::Input sum;                 // now: a run that trains on removes old checkpoints
    std::optional<TrainedModel> loaded;  // of a diffusion family
    std::vector<SweepPoint> points;
  };

  /// The settings of generate for one point.
  class Settings {
   public:
    explicit Settings(const SweepPoint& point) : gan_(point.sampler.empty()) {
      std::vector<std::string> words;
      if (!gan_) words = {"--sampler", point.sampler, "--steps", std::to_string(point.steps)};
      gan_settings_.describe(options_);
      diffusion_.describe(options_, words);
      options_.parse(words);
    }
    [[nodiscard]] std::unique_ptr<Drawing> open(const DrawingRequest& request) {
      return gan_ ? gan_settings_.open(request, diffusion_.edit()) : diffusion_.open(request);
    }

   private:
    bool gan_;
    Options options_;
    GanDrawingSettings gan_settings_;
    DiffusionDrawingSettings diffusion_;
  };

  [[nodiscard]] Inputs open(const CommonOptions& common) const {
    check_file_target(out_, "sweep", common.force);
    if (real_.empty()) throw Error(ErrorCode::usage, "expected --real, the data set that the model learnt from");
    Inputs inputs;
    inputs.checkpoint = checkpoint_of(model_);
    inputs.info = train::read_checkpoint_info(inputs.checkpoint);
    inputs.sum = manifest_input(inputs.checkpoint);
    if (models::is_gan(inputs.info.family)) {
      inputs.points.push_back({"", 1});
      return inputs;
    }
    inputs.loaded = load_model(inputs.checkpoint);
    for (const std::string& sampler : samplers_)
      for (const int steps : std::set<int>(steps_.begin(), steps_.end())) inputs.points.push_back({sampler, steps});
    if (inputs.points.empty()) throw Error(ErrorCode::usage, "expected --samplers and --steps, found none");
    return inputs;
  }

  /// Opens every point before the first is drawn, so that settings that do not fit cost no work. Evaluations of the
  /// network in all, as far as they are known.
  std::int64_t checked(const Inputs& inputs, const CommonOptions& common) const {
    std::int64_t evaluations = 0;
    for (const SweepPoint& point : inputs.points) {
      Settings settings(point);
      evaluations += count_ * settings.open(request(inputs, common))->evaluations();
    }
    return evaluations;
  }

  [[nodiscard]] DrawingRequest request(const Inputs& inputs, const CommonOptions& common) const {
    DrawingRequest request;
    request.checkpoint = inputs.checkpoint;
    request.info = inputs.info;
    if (inputs.loaded) request.loaded = &*inputs.loaded;
    request.count = count_;
    request.device = device_from(common.device);
    request.on_step = [](std::int64_t, std::int64_t) {};
    return request;
  }

  Json drawn(const SweepPoint& point, DrawingRequest request, eval::SweepJudge& judge, Monitor& monitor,
             std::size_t number, std::size_t points) const {
    Batches batches{.count = count_, .batch = batch_, .seed = seed_};
    request.on_step = [&](std::int64_t step, std::int64_t steps) {
      if (monitor.stop_requested()) throw Error(ErrorCode::stopped, "stopped; nothing was written");
      monitor.progress({point.sampler.empty() ? "drawing" : point.sampler, batches.done, count_, "images",
                        fmt::format("{} of {}, step {}/{}", number + 1, points, step, steps)});
    };
    Settings settings(point);
    const auto drawing = settings.open(request);
    eval::Images images;
    images.height = images.width = static_cast<int>(request.info.resolution);
    images.window_hu = request.info.window_hu;
    const auto plane = static_cast<std::size_t>(images.height) * static_cast<std::size_t>(images.width);
    batches.draw(*drawing, [&](const torch::Tensor& drawn, std::span<const std::uint64_t> seeds) {
      const torch::Tensor ct = drawn.select(1, 0).contiguous();
      for (std::size_t i = 0; i < seeds.size(); ++i)
        eval::append_model_image(images, {ct.data_ptr<float>() + i * plane, plane});
    });
    Json json = {{"sampler", point.sampler},
                 {"steps", drawing->steps()},
                 {"evaluations", drawing->evaluations()},
                 {"seconds_per_image", batches.seconds / static_cast<double>(count_)}};
    json.update(judge.figures(images, bootstrap_, seed_));
    return json;
  }

  [[nodiscard]] static std::string row_text(const Json& json) {
    return fmt::format("\n{:<22}{:>7}{:>13}{:>14.3g}  {}{}", json["sampler"].get<std::string>(),
                       json["steps"].get<int>(), json["evaluations"].get<std::int64_t>(),
                       json["seconds_per_image"].get<double>(), figure_text(json["fd"]),
                       interval_text(json["interval"]));
  }

  std::filesystem::path model_;
  std::filesystem::path real_;
  std::filesystem::path out_ = "sweep.json";
  std::filesystem::path features_;
  std::vector<std::string> samplers_{"ddim", "dpmpp-2m", "heun", "ancestral"};
  std::vector<int> steps_{5, 10, 20, 50};
  std::int64_t count_ = 64;
  int batch_ = 16;
  int bootstrap_ = 100;
  FeatureCacheOption cache_;
  std::uint64_t seed_ = 0;
};

}  // namespace

CommandRow sweep_command() {
  return {"sweep", "one model by several samplers and numbers of steps: quality against work -> sweep.json",
          "nodulus sweep runs/00000-ddpm --real dataset/ --samplers ddim,heun --steps 5,20 --out sweep.json",
          make_command<Sweep>, true};
}

}  // namespace nodulus::app
