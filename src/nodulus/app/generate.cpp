#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "nodulus/app/batch_joiner.h"
#include "nodulus/app/commands.h"
#include "nodulus/app/compute.h"
#include "nodulus/app/drawing.h"
#include "nodulus/app/generate.h"
#include "nodulus/app/images_writer.h"
#include "nodulus/app/record.h"
#include "nodulus/core/artifact.h"
#include "nodulus/core/error.h"
#include "nodulus/core/files.h"
#include "nodulus/core/reject.h"
#include "nodulus/data/conditions.h"
#include "nodulus/models/catalog.h"
#ifdef NODULUS_HAS_DICOM
#include "nodulus/app/insertion.h"
#include "nodulus/data/export_dicom.h"
#endif

namespace nodulus::app {
namespace {

class Generate final : public Command {
 public:
  Generate() = default;
  Generate(std::shared_ptr<BatchJoiner> joiner, std::string key) : joiner_(std::move(joiner)), key_(std::move(key)) {}

  void describe(Options& options, const std::vector<std::string>& words) override {
    if (!word_after(words, "--insert").empty()) count_ = 1;  // each is a whole series
    options.add("model", model_, "a run's folder, a checkpoint or a published model").positional();
    options.add("out", out_, "folder for the images").command_line_only();
    options.add("count", count_, "how many").between(1, 1e9);
    options.add("seed", seed_, "image i is made from seed + i, alone").between(0, 9e18);  // TOML holds 63 bits
    options.add("batch", batch_, "images at a time; changes speed, not images").between(1, 1e6);
    options.add("format", formats_, "beside images.npy").one_of(known_formats());
#ifdef NODULUS_HAS_DICOM
    dicom_.describe(options, "dicom.");
#endif
    gan_.describe(options);
    diffusion_.describe(options, words);
#ifdef NODULUS_HAS_DICOM
    insertion_.describe(options);
#endif
    asked_.describe(options, words);
  }

  Outcome plan(const CommonOptions& common, Monitor& monitor) override {
    const DrawingRequest request = request_of(common, monitor);
    check_target(out_, "images", common.force);
    check_formats(request.info);
    const auto drawing = open(request);
    const std::int64_t evaluations = drawing->evaluations();
    const double flop = drawing->evaluation_flop() * static_cast<double>(evaluations);
    const std::string known = evaluations > 0 ? fmt::format("{} evaluations, {:.1f} GFLOP", evaluations, flop / 1e9)
                                              : "as many evaluations as its tolerance takes";
    Outcome outcome;
    outcome.figures = {{"model", request.checkpoint.string()},
                       {"count", request.count},
                       {"evaluations_an_image", evaluations},
                       {"gflop_an_image", flop / 1e9}};
    outcome.text =
        fmt::format("would generate {} images with {}: {} an image", request.count, request.checkpoint.string(), known);
    return outcome;
  }

  Outcome run(const CommonOptions& common, const Options& options, Monitor& monitor) override {
    warn_of_slow_blas(monitor);
    if (joiner_) member_.emplace(joiner_, key_);
    const DrawingRequest request = request_of(common, monitor);
    for (const std::string& caution : asked_.cautions()) monitor.warn(caution);
    check_formats(request.info);
    const Manifest::Input input = manifest_input(request.checkpoint);  // now: a run that trains on removes old ones
    const auto drawing = open(request);
    const train::CheckpointInfo& info = request.info;
    ArtifactWriter artifact(out_, "images", common.force);
    const data::ModelShape shape{info.image_channels, info.resolution, info.resolution};
    ImagesWriter writer(artifact.path(), shape, info.window_hu, asks_for("png"));
    const std::optional<Error> early = draw_all(request, *drawing, writer);
    writer.close();
    Manifest manifest;
    manifest.kind = "images";
    manifest.command = "generate";
    manifest.options = options.to_json();
    manifest.options["model"] = model_.string();
    manifest.options["count"] = writer.count();
    manifest.options["window_hu"] = {info.window_hu.lo, info.window_hu.hi};
    manifest.options["family"] = info.family;
    manifest.options["evaluations"] = drawing->evaluations();
    manifest.options["sampler"] = drawing->sampler();
    manifest.options["steps"] = drawing->steps();
    manifest.seed = seed_;
    manifest.synthetic = true;
    manifest.inputs.push_back(input);
#ifdef NODULUS_HAS_DICOM
    if (insertion_.wanted()) manifest.inputs.push_back(insertion_.input());
#endif
    if (!drawing->data().empty()) manifest.inputs.push_back(manifest_input(drawing->data()));
    const GenerationCost cost{batches_.seconds,      writer.count(), drawing->evaluations(),
                              drawing->parameters(), common.device,  common.threads};
    write_record(artifact.path(), info, input.sha256, cost_json(cost, request.checkpoint, info),
                 path_.strips(first_image_, info.window_hu, seed_), insertion_record());
    write_manifest(artifact.path(), manifest);
    write_objects(artifact.path(), monitor);
    artifact.commit();
    if (early)
      throw Error(early->code(), fmt::format("{}; {} holds the {} of {} images that were done", early->what(),
                                             out_.string(), writer.count(), count_));
    return outcome_of(*drawing, writer.count());
  }

 private:
  static std::vector<std::string> known_formats() {
#ifdef NODULUS_HAS_DICOM
    return {"png", "dicom", "npy"};
#else
    return {"png", "npy"};
#endif
  }

  [[nodiscard]] bool asks_for(std::string_view format) const {
    return std::ranges::find(formats_, format) != formats_.end();
  }

  /// The images as DICOM objects, where these are asked for, or the series that they were inserted into.
  void write_objects(const std::filesystem::path& artifact, Monitor& monitor) {
#ifdef NODULUS_HAS_DICOM
    if (asks_for("dicom")) {
      make_folder(artifact / "dicom");
      SilentMonitor unstopped;  // who stopped the drawing has the images that were done, as DICOM too
      data::export_dicom(artifact, artifact / "dicom", dicom_, unstopped);
    }
    if (insertion_.wanted()) {
      make_folder(artifact / "inserted");
      inserted_ = data::write_inserted(artifact, artifact / "inserted", insertion_.series(), insertion_.nodules(),
                                       {dicom_.uid_root, dicom_.outlines}, monitor);
    }
#else
    (void)artifact;
    (void)monitor;
#endif
  }

  [[nodiscard]] Json insertion_record() const {
#ifdef NODULUS_HAS_DICOM
    if (insertion_.wanted()) return insertion_.record();
#endif
    return nullptr;
  }

  /// Before the work: what they take is there.
  void check_formats(const train::CheckpointInfo& model) const {
#ifdef NODULUS_HAS_DICOM
    if (insertion_.wanted()) check_insertion_formats();
    if (!asks_for("dicom")) return;
    data::check(dicom_);
    const auto& labels = model.conditions.labels;
    const bool known = std::ranges::any_of(labels, [](const auto& l) { return l.column() == data::spacing_label; });
    if (!known && dicom_.spacing_mm == 0)
      throw Error(
          ErrorCode::usage,
          "--format dicom: expected --dicom.spacing-mm, the size of a pixel, of which this model knows nothing");
#else
    (void)model;
#endif
  }

#ifdef NODULUS_HAS_DICOM
  void check_insertion_formats() const {
    data::check(dicom_);
    if (asks_for("dicom"))
      throw Error(
          ErrorCode::usage,
          "--format dicom: expected no --insert, whose images are parts of a real one; inserted/ is DICOM anyway");
    if (dicom_.burn_in || dicom_.object != data::DicomExportOptions().object)
      throw Error(ErrorCode::usage,
                  fmt::format("--dicom.{}: expected no --insert, which keeps a scan's pixels and kind",
                              dicom_.burn_in ? "burn-in" : "object"));
  }
#endif

  [[nodiscard]] DrawingRequest request_of(const CommonOptions& common, Monitor& monitor) {
    DrawingRequest request;
    request.checkpoint = checkpoint_of(model_);
    request.info = train::read_checkpoint_info(request.checkpoint);
    request.count = count_;
    asked_.prepare();
    request.asked = &asked_;
    request.device = device_from(common.device);
    if (member_) request.joining = &*member_;
    prepare_insertion(request, common, monitor);
    request.on_step = [this, &monitor](std::int64_t done, std::int64_t total) {
      if (monitor.stop_requested())
        throw Error(ErrorCode::stopped, batches_.done == 0 ? "stopped before the first batch was done" : "stopped");
      // Images, by the share of their steps that is done.
      const std::int64_t images = batches_.done + batches_.now * done / total;
      monitor.progress({"generating", images, batches_.count, "images", fmt::format("step {}/{}", done, total)});
    };
    request.on_question = [this](const torch::Tensor& x, double sigma) {
      if (batches_.done == 0) path_.see(x.narrow(1, 0, 1), sigma);
    };
    return request;
  }

  /// With --insert: an image for each slice that a nodule lies on.
  void prepare_insertion(DrawingRequest& request, const CommonOptions& common, Monitor& monitor) {
#ifdef NODULUS_HAS_DICOM
    insertion_.check(request.info.family);
    if (!insertion_.wanted()) return;
    check_formats(request.info);
    insertion_.prepare(request.info, asked_, count_, seed_, common.threads, monitor);
    batches_.seeds = insertion_.seeds();
    request.count = static_cast<std::int64_t>(batches_.seeds.size());
    request.surroundings = &insertion_;
#else
    (void)request;
    (void)common;
    (void)monitor;
#endif
  }

  [[nodiscard]] std::unique_ptr<Drawing> open(const DrawingRequest& request) {
    if (models::is_gan(request.info.family)) {
      diffusion_.refuse_sampler(request.info.family);
      return gan_.open(request, diffusion_.edit());
    }
    gan_.refuse(request.info.family);
    return diffusion_.open(request);
  }

  /// Draws what was asked for. What ended it early, where that left some images that are whole.
  std::optional<Error> draw_all(const DrawingRequest& request, Drawing& drawing, ImagesWriter& writer) {
    try {
      draw(request.count, drawing, writer);
    } catch (const Error& error) {
      std::error_code ignored;
      if (writer.count() == 0 || request.surroundings != nullptr) throw;  // half a nodule is none
      // Some images must not replace a whole set that --force would have replaced by a whole set.
      if (std::filesystem::exists(out_, ignored)) {
        throw Error(error.code(), fmt::format("{}; {} of {} images were done and are given up, {} is as it was",
                                              error.what(), writer.count(), count_, out_.string()));
      }
      return error;  // the finished batches are whole images: keep them
    }
    return std::nullopt;
  }

  void draw(std::int64_t count, Drawing& drawing, ImagesWriter& writer) {
    batches_ = {.count = count, .batch = batch_, .seed = seed_, .seeds = std::move(batches_.seeds)};
    batches_.draw(drawing, [&](const torch::Tensor& images, std::span<const std::uint64_t> seeds) {
      if (batches_.done == 0) first_image_ = images[0].narrow(0, 0, 1).clone();
      const auto one = static_cast<std::size_t>(images.numel() / images.size(0));
      for (std::size_t i = 0; i < seeds.size(); ++i) {
        writer.append({images.data_ptr<float>() + i * one, one},
                      {model_.string(), std::to_string(drawing.seed(seeds[i])),
                       drawing.condition(batches_.done + static_cast<std::int64_t>(i), seeds[i]), drawing.sampler(),
                       std::to_string(drawing.steps()), std::to_string(drawing.evaluations())});
      }
    });
  }

  [[nodiscard]] Outcome outcome_of(const Drawing& drawing, std::int64_t count) const {
    Outcome outcome;
    outcome.figures = {{"images", out_.string()},
                       {"count", count},
                       {"sampler", drawing.sampler()},
                       {"steps", drawing.steps()},
                       {"evaluations", drawing.evaluations()},
                       {"synthetic", true}};
    const std::string how = drawing.sampler().empty() ? "in one evaluation each"
                                                      : fmt::format("{} with {} ({} each)", drawing.sampler(),
                                                                    counted(drawing.steps(), "step"),
                                                                    counted(drawing.evaluations(), "evaluation"));
    outcome.text = fmt::format("{}: {}, {}", out_.string(), counted(count, "synthetic image"), how);
#ifdef NODULUS_HAS_DICOM
    if (insertion_.wanted()) {
      const auto nodules = static_cast<std::int64_t>(insertion_.nodules().size());
      outcome.figures["inserted"] = {{"series", nodules},
                                     {"slices", inserted_.slices},
                                     {"changed_slices", inserted_.changed},
                                     { "outlines",
                                       inserted_.outlines }};
      outcome.text += fmt::format(
          "\n{}: {} of real slices, {} of {} with a generated nodule", (out_ / "inserted").string(),
          nodules == 1 ? "a series" : fmt::format("{} series", nodules), inserted_.changed, inserted_.slices);
    }
#endif
    return outcome;
  }

  std::filesystem::path model_;
  std::filesystem::path out_ = "images";
  std::int64_t count_ = 16;
  std::uint64_t seed_ = 0;
  int batch_ = 16;
  std::vector<std::string> formats_{"png"};
#ifdef NODULUS_HAS_DICOM
  data::DicomExportOptions dicom_;
  Insertion insertion_;
  data::InsertedSeriesResult inserted_;
#endif
  DiffusionDrawingSettings diffusion_;
  GanDrawingSettings gan_;
  Asked asked_;
  PathRecorder path_;
  torch::Tensor first_image_;  // [1, H, W]
  Batches batches_;
  std::shared_ptr<BatchJoiner> joiner_;
  std::string key_;
  std::optional<BatchJoiner::Member> member_;
};

}  // namespace

std::unique_ptr<Command> make_generate(std::shared_ptr<BatchJoiner> joiner, std::string key) {
  return std::make_unique<Generate>(std::move(joiner), std::move(key));
}

CommandRow generate_command() {
  return {"generate", "a trained model -> new nodules, in HU, each from its own seed",
          "nodulus generate runs/00000-ddpm --count 64 --seed 1 --out images/", make_command<Generate>, true};
}

}  // namespace nodulus::app
