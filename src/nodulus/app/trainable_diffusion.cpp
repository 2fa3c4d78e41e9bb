#include <numeric>

#include "nodulus/app/diffusion.h"
#include "nodulus/app/trainable.h"
#include "nodulus/core/error.h"
#include "nodulus/models/network.h"
#include "nodulus/sample/diffusion_source.h"
#include "nodulus/train/diffusion_learner.h"
#include "nodulus/train/labels.h"

namespace nodulus::app {
namespace {

constexpr int usual_batch = 128;
constexpr std::int64_t usual_steps = 800000;
constexpr std::size_t sheet_images = 24;

std::vector<std::string> process_names() {
  std::vector<std::string> names;
  for (const process::ProcessRow& row : process::processes()) names.emplace_back(row.name);
  return names;
}

class TrainableDiffusion final : public Trainable {
 public:
  TrainableDiffusion(const std::string& family, const std::string& process) : family_(make_family(family, process)) {}

  void describe(Options& options) override {
    options.add("process", family_.process_name, "noise that it is trained in; default: the family's own")
        .one_of(process_names());
    settings_.describe(options);
    family_.architecture->describe(options);
    family_.process->describe(options);
  }

  void fit(const data::Loader& loader, train::TrainOptions& settings) override {
    if (settings.batch == 0) settings.batch = usual_batch;
    if (settings.steps == 0) settings.steps = usual_steps;
    family_.prepare();
    family_.architecture->fit(loader.channels(), loader.height(), static_cast<int>(loader.conditions().width()));
  }

  [[nodiscard]] std::int64_t parameter_count() const override {
    return models::parameter_count(*family_.architecture->build());
  }

  [[nodiscard]] double step_flop(const train::TrainOptions& settings) const override {
    return 3 * family_.architecture->forward_flop() * settings.batch;
  }

  [[nodiscard]] std::unique_ptr<train::Learner> learner(const data::Loader& loader, const train::TrainOptions& settings,
                                                        torch::Device device) const override {
    const train::DiffusionStepOptions step{settings.batch,
                                           settings_.learning_rate,
                                           settings_.warmup_steps,
                                           settings_.clip_norm,
                                           settings_.ema_decay,
                                           settings.seed,
                                           device,
                                           settings.bfloat16,
                                           settings.hidden_labels};
    return std::make_unique<train::DiffusionLearner>(*family_.architecture, family_.process, loader, step,
                                                     preview(settings, device, first_labels(loader)));
  }

 private:
  /// Of the first training images: what the sheet's images are asked to be.
  static torch::Tensor first_labels(const data::Loader& loader) {
    std::vector<std::uint64_t> numbers(sheet_images);
    std::iota(numbers.begin(), numbers.end(), 0);
    return train::label_rows(loader, numbers);
  }

  [[nodiscard]] train::Preview preview(const train::TrainOptions& settings, torch::Device device,
                                       const torch::Tensor& labels) const {
    sample::DiffusionParts parts;
    parts.process = family_.process;
    parts.sampler = make_sampler("ddim").sampler;
    parts.steps = 25;
    parts.channels = family_.architecture->image_channels();
    parts.resolution = family_.architecture->resolution();
    parts.device = device;
    parts.bfloat16 = settings.bfloat16;
    return [parts, labels, seed = settings.seed](const std::shared_ptr<models::Network>& averaged, Monitor& monitor) {
      sample::DiffusionParts all = parts;
      all.network = averaged;
      all.on_step = [&monitor](std::int64_t done, std::int64_t total) {
        if (monitor.stop_requested()) throw Error(ErrorCode::stopped, "stopped while drawing samples");
        monitor.progress({"drawing samples", done, total, "steps", ""});
      };
      std::vector<std::uint64_t> seeds(sheet_images);
      std::iota(seeds.begin(), seeds.end(), seed);
      return sample::DiffusionSource(all).images(seeds, labels);
    };
  }

  FamilyParts family_;
  train::DiffusionOptions settings_;
};

}  // namespace

std::unique_ptr<Trainable> make_trainable_diffusion(const std::string& family, const std::string& process) {
  return std::make_unique<TrainableDiffusion>(family, process);
}

}  // namespace nodulus::app
