#include "nodulus/sample/likelihood.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <numeric>

#include "nodulus/app/commands.h"
#include "nodulus/app/compute.h"
#include "nodulus/app/diffusion.h"
#include "nodulus/app/shared_options.h"
#include "nodulus/core/artifact.h"
#include "nodulus/core/csv.h"
#include "nodulus/core/error.h"
#include "nodulus/core/reject.h"

namespace nodulus::app {
namespace {

/// ln p and bits per dimension of a data set's images under a diffusion model.
class Likelihood final : public Command {
 public:
  void describe(Options& options, const std::vector<std::string>& /*words*/) override {
    options.add("model", model_, "a run's folder, a checkpoint or a published model").positional();
    options.add("data", data_, "data set whose images are asked for");
    options.add("out", out_, "folder for the table").command_line_only();
    options.add("split", split_, "which of its images").one_of({"train", "val", "test"});
    options.add("count", count_, "how many; 0: all of the split").between(0, 1e9);
    options.add("batch", batch_, "images at a time; figures change by less than the tolerance").between(1, 1e6);
    options.add("probes", probes_, "random directions an image; more: less noise").between(1, 1000);
    options.add("rtol", tolerance_.rtol, "of the ODE: relative error of a step").between(1e-7, 1);
    options.add("atol", tolerance_.atol, "of the ODE: absolute error of a step").between(1e-7, 1);
    options.add("seed", seed_, "dequantisation and directions follow from it").between(0, 9e18);
  }

  Outcome plan(const CommonOptions& common, Monitor& /*monitor*/) override {
    const Inputs inputs = open();
    check_target(out_, "likelihood", common.force);
    Outcome outcome;
    outcome.figures = {{"model", inputs.model.checkpoint.string()}, {"images", inputs.count}};
    outcome.text = fmt::format("would compute the likelihood of {} under {}", counted(inputs.count, "image"),
                               inputs.model.checkpoint.string());
    return outcome;
  }

  Outcome run(const CommonOptions& common, const Options& options, Monitor& monitor) override {
    warn_of_slow_blas(monitor);
    const Inputs inputs = open();
    const torch::Device device = device_from(common.device);
    inputs.model.network->to(device);
    inputs.model.network->eval();
    for (torch::Tensor& parameter : inputs.model.network->parameters()) parameter.set_requires_grad(false);
    ArtifactWriter artifact(out_, "likelihood", common.force);
    const Figures figures = write_table(artifact.path() / "items.csv", inputs, device, monitor);
    Manifest manifest;
    manifest.kind = "likelihood";
    manifest.command = "likelihood";
    manifest.options = options.to_json();
    manifest.options["model"] = model_.string();
    manifest.options["bits_per_dimension"] = figures.bits;
    manifest.seed = seed_;
    manifest.synthetic = inputs.dataset.synthetic();
    manifest.inputs = {manifest_input(inputs.model.checkpoint), manifest_input(inputs.dataset.folder())};
    write_manifest(artifact.path(), manifest);
    artifact.commit();
    Outcome outcome;
    outcome.figures = {{"likelihood", out_.string()},
                       {"count", inputs.count},
                       {"bits_per_dimension", figures.bits},
                       {"evaluations", figures.evaluations}};
    outcome.text = fmt::format("{}: {:.4f} bits per dimension over {} ({:.0f} evaluations each)", out_.string(),
                               figures.bits, counted(inputs.count, "image"), figures.evaluations);
    return outcome;
  }

 private:
  struct Inputs {
    TrainedModel model;
    data::Dataset dataset;
    std::int64_t count = 0;
  };
  struct Figures {
    double bits = 0;  ///< Mean bits per dimension.
    double evaluations = 0;
  };

  [[nodiscard]] Inputs open() const {
    require_out(out_, "the folder for the table");
    if (data_.empty()) throw Error(ErrorCode::usage, "expected --data, the data set whose images are asked for");
    Inputs inputs{load_model(model_), data::Dataset::open(data_), 0};
    const auto all = static_cast<std::int64_t>(inputs.dataset.items_of(data::split_from_name(split_)).size());
    if (all == 0)
      throw Error(ErrorCode::usage, fmt::format("--split {}: {} has no images in it", split_, data_.string()));
    inputs.count = count_ > 0 ? std::min(count_, all) : all;
    return inputs;
  }

  Figures write_table(const std::filesystem::path& file, const Inputs& inputs, torch::Device device,
                      Monitor& monitor) const {
    const data::Loader loader = loader_for(inputs.model.info, inputs.dataset, data::split_from_name(split_));
    const process::Process& process = *inputs.model.family.process;
    const auto network = [&](const torch::Tensor& x, const torch::Tensor& c_noise) {
      return inputs.model.network->forward(x, c_noise);
    };
    const process::Denoiser denoiser = process.denoiser(network);
    CsvWriter table(file, {"item", "patient", "nodule", "log_density", "bits_per_dimension", "evaluations"});
    Figures figures;
    for (std::int64_t first = 0; first < inputs.count; first += batch_) {
      const std::int64_t now = std::min<std::int64_t>(batch_, inputs.count - first);
      std::vector<std::uint64_t> numbers(static_cast<std::size_t>(now));
      std::iota(numbers.begin(), numbers.end(), static_cast<std::uint64_t>(first));
      torch::Tensor images = torch::empty({now, loader.channels(), loader.height(), loader.width()}, torch::kFloat);
      loader.batch(numbers, {images.data_ptr<float>(), static_cast<std::size_t>(images.numel())});
      std::vector<std::uint64_t> seeds = numbers;
      for (std::uint64_t& seed : seeds) seed += seed_;
      auto on_progress = [&](double share) {
        if (monitor.stop_requested()) throw Error(ErrorCode::stopped, "stopped; nothing was written");
        const auto done = first + static_cast<std::int64_t>(share * static_cast<double>(now));
        monitor.progress({"likelihood", done, inputs.count, "images", ""});
      };
      const sample::Likelihoods found =
          sample::log_likelihood(denoiser, sample::dequantized(images, seeds).to(device), process.likelihood_range(),
                                 process.prior_deviation(), seeds, {tolerance_, probes_}, on_progress);
      for (std::size_t i = 0; i < seeds.size(); ++i) {
        const std::int64_t item = loader.item_of(numbers[i]);
        const double bits = sample::bits_per_dimension(found.log_density[i], images[0].numel());
        figures.bits += bits / static_cast<double>(inputs.count);
        figures.evaluations += static_cast<double>(found.evaluations[i]) / static_cast<double>(inputs.count);
        const data::Item& shown = inputs.dataset.item(item);
        const std::array row{std::to_string(item),
                             shown.patient,
                             shown.nodule,
                             fmt::format("{:.6g}", found.log_density[i]),
                             fmt::format("{:.6f}", bits),
                             std::to_string(found.evaluations[i])};
        table.row(row);
      }
    }
    table.close();
    return figures;
  }

  std::filesystem::path model_;
  std::filesystem::path data_;
  std::filesystem::path out_ = "likelihood";
  std::string split_ = "test";
  std::int64_t count_ = 0;
  int batch_ = 16;
  int probes_ = 1;
  sample::OdeTolerance tolerance_;
  std::uint64_t seed_ = 0;
};

}  // namespace

CommandRow likelihood_command() {
  return {"likelihood", "a diffusion model and a data set -> bits per dimension, image by image",
          "nodulus likelihood runs/00000-ddpmpp --data dataset/ --split test", make_command<Likelihood>, true};
}

}  // namespace nodulus::app
