#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <optional>

#include "nodulus/app/commands.h"
#include "nodulus/app/compute.h"
#include "nodulus/app/diffusion.h"
#include "nodulus/app/image_edit.h"
#include "nodulus/core/artifact.h"
#include "nodulus/core/csv.h"
#include "nodulus/core/error.h"
#include "nodulus/core/files.h"
#include "nodulus/core/npy.h"
#include "nodulus/core/reject.h"
#include "nodulus/data/window.h"
#include "nodulus/sample/diffusion_source.h"

namespace nodulus::app {
namespace {

constexpr std::int64_t sheet_cells = 64;

/// The files of images/, filled batch by batch.
class ImagesWriter {
 public:
  ImagesWriter(const std::filesystem::path& folder, data::ModelShape shape, WindowHu window, bool pictures)
      : folder_(folder),
        shape_(shape),
        window_(window),
        pictures_(pictures),
        images_(folder / "images.npy", NpyType::int16, {shape.height, shape.width}),
        items_(folder / "items.csv", {"file", "model", "seed", "condition", "sampler", "steps", "evaluations"}) {
    if (shape.channels > 1)
      masks_.emplace(folder / "masks.npy", NpyType::uint8, std::vector<std::int64_t>{shape.height, shape.width});
    if (pictures) make_folder(folder / "png");
  }

  /// One image, [channels, height, width] in the model's scale. `row` holds the items.csv fields after `file`.
  void append(std::span<const float> values, const std::vector<std::string>& row) {
    const std::size_t plane = static_cast<std::size_t>(shape_.height) * static_cast<std::size_t>(shape_.width);
    std::vector<std::int16_t> hu(plane);
    data::to_hu(values.first(plane), window_, hu);
    images_.append(std::span<const std::int16_t>(hu));
    if (masks_) {
      std::vector<std::uint8_t> mask(plane);
      data::to_mask(values.subspan(plane, plane), mask);
      masks_->append(std::span<const std::uint8_t>(mask));
    }
    if (images_.rows() <= sheet_cells) sheet_.insert(sheet_.end(), values.begin(), values.end());
    const std::string file = fmt::format("png/{:06}.png", images_.rows() - 1);
    if (pictures_) {
      const std::array marks{synthetic_mark};
      write_png(folder_ / file, data::to_picture(hu, shape_.width, shape_.height, window_), marks);
    }
    std::vector<std::string> fields{pictures_ ? file : ""};
    fields.insert(fields.end(), row.begin(), row.end());
    items_.row(fields);
  }

  [[nodiscard]] std::int64_t count() const { return images_.rows(); }

  void close() {
    images_.close();
    if (masks_) masks_->close();
    items_.close();
    const std::array marks{synthetic_mark};
    write_png(folder_ / "contact_sheet.png", data::sheet_of(sheet_, shape_, window_), marks);
  }

 private:
  std::filesystem::path folder_;
  data::ModelShape shape_;
  WindowHu window_;
  bool pictures_;
  NpyWriter images_;
  std::optional<NpyWriter> masks_;
  CsvWriter items_;
  std::vector<float> sheet_;
};

class Generate final : public Command {
 public:
  void describe(Options& options, const std::vector<std::string>& words) override {
    std::string name = word_after(words, "--sampler");
    edit_.note_sampler(name);  // one from a file, which holds all options, may be left unused
    const std::string config = word_after(words, "--config");
    if (name.empty() && !config.empty()) name = toml_string(config, "sampler");
    if (!name.empty()) sampler_name_ = name;
    choice_ = make_sampler(sampler_name_);
    schedule_name_ = sample::name_of(choice_.row->schedule);
    clip_ = choice_.row->clips;
    options.add("model", model_, "a run's folder or a checkpoint").positional();
    options.add("out", out_, "folder for the images").command_line_only();
    options.add("count", count_, "how many").between(1, 1e9);
    options.add("seed", seed_, "image i is made from seed + i, alone").between(0, 9e18);  // TOML holds 63 bits
    options.add("sampler", sampler_name_, "how noise becomes images").one_of(sampler_names());
    options.add("steps", steps_, "of the sampler; 0: its usual number").between(0, 1e6);
    options.add("schedule", schedule_name_, "how the noise levels of the steps are spread")
        .one_of({"own", "karras", "log-snr", "cosine"});
    options.add("rho", rho_, "of the karras schedule").between(0.1, 100);
    options.add("clip", clip_, "clip each estimate of the clean image to the window");
    options.add("batch", batch_, "images at a time; changes speed, not images").between(1, 1e6);
    options.add("png", pictures_, "a PNG each beside images.npy");
    options.add("bfloat16", bfloat16_, "16-bit arithmetic where it is safe; on CUDA");
    edit_.describe(options);
    choice_.sampler->describe(options);
  }

  Outcome plan(const CommonOptions& common, Monitor& /*monitor*/) override {
    const TrainedModel model = load_model(model_);
    check_target(out_, "images", common.force);
    edit_.prepare(model, choice_, count_);
    const int steps = steps_of(model);
    const std::int64_t evaluations = edit_.evaluations(steps, choice_.sampler->evaluations(steps));
    const double flop = model.family.architecture->forward_flop() * static_cast<double>(evaluations);
    const std::string known = evaluations > 0 ? fmt::format("{} evaluations, {:.1f} GFLOP", evaluations, flop / 1e9)
                                              : "as many evaluations as its tolerance takes";
    Outcome outcome;
    outcome.figures = {{"model", model.checkpoint.string()},
                       {"count", count_},
                       {"evaluations_an_image", evaluations},
                       {"gflop_an_image", flop / 1e9}};
    outcome.text =
        fmt::format("would generate {} images with {}: {} an image", count_, model.checkpoint.string(), known);
    return outcome;
  }

  Outcome run(const CommonOptions& common, const Options& options, Monitor& monitor) override {
    if (bfloat16_ && common.device != "cuda") throw Error(ErrorCode::usage, "--bfloat16: only with --device cuda");
    warn_of_slow_blas(monitor);
    const TrainedModel model = load_model(model_);
    const Manifest::Input input = manifest_input(model.checkpoint);  // now: a run that trains on removes old ones
    edit_.prepare(model, choice_, count_);
    const int steps = steps_of(model);
    sample::DiffusionSource source(parts(model, steps, common, monitor));
    ArtifactWriter artifact(out_, "images", common.force);
    const data::ModelShape shape{model.info.image_channels, model.info.resolution, model.info.resolution};
    ImagesWriter writer(artifact.path(), shape, model.info.window_hu, pictures_);
    std::optional<Error> early;
    try {
      draw(source, writer, steps);
    } catch (const Error& error) {
      std::error_code ignored;
      if (writer.count() == 0) throw;
      // Some images must not replace a whole set that --force would have replaced by a whole set.
      if (std::filesystem::exists(out_, ignored)) {
        throw Error(error.code(), fmt::format("{}; {} of {} images were done and are given up, {} is as it was",
                                              error.what(), writer.count(), count_, out_.string()));
      }
      early = error;  // the finished batches are whole images: keep them
    }
    writer.close();
    Manifest manifest;
    manifest.kind = "images";
    manifest.command = "generate";
    manifest.options = options.to_json();
    manifest.options["model"] = model_.string();
    manifest.options["count"] = writer.count();
    manifest.options["window_hu"] = {model.info.window_hu.lo, model.info.window_hu.hi};
    manifest.options["family"] = model.info.family;
    manifest.options["evaluations"] = source.evaluations();
    manifest.seed = seed_;
    manifest.synthetic = true;
    manifest.inputs.push_back(input);
    if (!edit_.data().empty()) manifest.inputs.push_back(manifest_input(edit_.data()));
    write_manifest(artifact.path(), manifest);
    artifact.commit();
    if (early)
      throw Error(early->code(), fmt::format("{}; {} holds the {} of {} images that were done", early->what(),
                                             out_.string(), writer.count(), count_));
    Outcome outcome;
    outcome.figures = {{"images", out_.string()},
                       {"count", writer.count()},
                       {"sampler", edit_.sampler(sampler_name_)},
                       {"steps", steps},
                       {"evaluations", source.evaluations()},
                       {"synthetic", true}};
    outcome.text = fmt::format("{}: {}, {} with {} steps ({} evaluations each)", out_.string(),
                               counted(writer.count(), "synthetic image"), edit_.sampler(sampler_name_), steps,
                               source.evaluations());
    return outcome;
  }

 private:
  static std::vector<std::string> sampler_names() {
    std::vector<std::string> names;
    for (const sample::SamplerRow& row : sample::samplers()) names.emplace_back(row.name);
    return names;
  }

  [[nodiscard]] int steps_of(const TrainedModel& model) const {
    if (steps_ > 0) return steps_;
    return std::min(edit_.default_steps(choice_.row->default_steps), model.family.process->most_steps());
  }

  [[nodiscard]] sample::DiffusionParts parts(const TrainedModel& model, int steps, const CommonOptions& common,
                                             Monitor& monitor) {
    sample::DiffusionParts parts;
    parts.network = model.network;
    parts.process = model.family.process;
    parts.sampler = choice_.sampler;
    parts.steps = steps;
    parts.schedule = {sample::schedule(schedule_name_), rho_};
    parts.clip = clip_;
    parts.channels = model.info.image_channels;
    parts.resolution = model.info.resolution;
    parts.device = device_from(common.device);
    parts.bfloat16 = bfloat16_;
    parts.on_step = [this, &monitor](std::int64_t done, std::int64_t total) {
      if (monitor.stop_requested())
        throw Error(ErrorCode::stopped, done_ == 0 ? "stopped before the first batch was done" : "stopped");
      // Images, by the share of their steps that is done.
      const std::int64_t images = done_ + batch_now_ * done / total;
      monitor.progress({"generating", images, count_, "images", fmt::format("step {}/{}", done, total)});
    };
    return parts;
  }

  void draw(sample::DiffusionSource& source, ImagesWriter& writer, int steps) {
    for (done_ = 0; done_ < count_; done_ += batch_now_) {
      batch_now_ = std::min<std::int64_t>(batch_, count_ - done_);
      std::vector<std::uint64_t> seeds(static_cast<std::size_t>(batch_now_));
      std::iota(seeds.begin(), seeds.end(), seed_ + static_cast<std::uint64_t>(done_));
      const torch::Tensor images = edit_.images(source, seeds, done_);
      const auto one = static_cast<std::size_t>(images.numel() / batch_now_);
      for (std::size_t i = 0; i < seeds.size(); ++i) {
        writer.append({images.data_ptr<float>() + i * one, one},
                      {model_.string(), std::to_string(edit_.seed(seeds[i])),
                       edit_.condition(done_ + static_cast<std::int64_t>(i)), edit_.sampler(sampler_name_),
                       std::to_string(steps), std::to_string(source.evaluations())});
      }
    }
  }

  std::filesystem::path model_;
  std::filesystem::path out_ = "images";
  std::int64_t count_ = 16;
  std::uint64_t seed_ = 0;
  std::string sampler_name_ = "ddim";
  SamplerChoice choice_;
  ImageEdit edit_;
  int steps_ = 0;
  std::string schedule_name_;
  double rho_ = 7;
  bool clip_ = true;
  int batch_ = 16;
  bool pictures_ = true;
  bool bfloat16_ = false;
  std::int64_t done_ = 0;
  std::int64_t batch_now_ = 0;
};

}  // namespace

CommandRow generate_command() {
  return {"generate", "a trained model -> new nodules, in HU, each from its own seed",
          "nodulus generate runs/00000-ddpm --count 64 --seed 1 --out images/", make_command<Generate>, true};
}

}  // namespace nodulus::app
