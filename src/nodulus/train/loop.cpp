#include "nodulus/train/loop.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "nodulus/core/atomic_file.h"
#include "nodulus/core/error.h"
#include "nodulus/core/hash.h"
#include "nodulus/data/window.h"
#include "nodulus/models/catalog.h"

namespace nodulus::train {
namespace {

using torch::Tensor;
using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

/// One session of a training: the state that the loop's parts share.
class Session {
 public:
  Session(const Training& training, const RunFolder& run, Monitor& monitor)
      : training_(training),
        options_(training.options),
        run_(run),
        monitor_(monitor),
        loader_(*training.dataset, loader_options(training.options, *training.dataset, training.inherited)),
        learner_(training.make_learner(loader_)) {
    info_.family = training.family;
    info_.options = training.resolved_options;
    info_.image_channels = loader_.channels();
    info_.resolution = loader_.height();
    info_.window_hu = loader_.window_hu();
    info_.conditions = loader_.conditions();
    info_.dataset_hash = training.dataset->hash();
    const auto counts = training.dataset->info().counts_by_split.find("train");
    info_.data = {{"sources", data::sources_json(training.dataset->info().sources)}};
    if (counts != training.dataset->info().counts_by_split.end())
      info_.data["counts"] = data::counts_json(counts->second);
    if (training.inherited) {
      info_.continued = training.inherited->ancestry;
      add_sources(training.inherited->data);
    }
    run_.lock();
  }

  TrainResult run() {
    resume();
    start_ = last_checkpoint_ = last_sample_ = Clock::now();
    bool stopped = false;
    while (info_.step < options_.steps && !out_of_time()) {
      stopped = monitor_.stop_requested();
      if (stopped) break;
      take_step();
    }
    save();
    flush_metrics();
    if (stopped) {
      throw Error(ErrorCode::stopped, fmt::format("stopped at step {}; go on with: nodulus train --resume {}",
                                                  info_.step, run_.path().string()));
    }
    if (options_.sample_minutes > 0) write_samples();
    return result();
  }

 private:
  void resume() {
    const auto checkpoints = run_.checkpoints();
    if (checkpoints.empty()) {
      // Of a session that died before its first checkpoint, or somebody removed them.
      std::error_code ignored;
      const bool had_begun = std::filesystem::file_size(run_.metrics(), ignored) > 0 && !ignored;
      run_.rewind_metrics(0);
      if (had_begun) monitor_.warn(fmt::format("{}: no checkpoint is there; starting over", run_.path().string()));
      begin();
      return;
    }
    try {
      load(checkpoints.back());
    } catch (const Error& error) {
      if (error.code() != ErrorCode::bad_input || checkpoints.size() < 2) throw;
      throw Error(error.code(), fmt::format("{} (the one before it, {}, may be whole: remove the damaged one to go on "
                                            "from there)",
                                            error.what(), checkpoints.at(checkpoints.size() - 2).filename().string()));
    }
  }

  /// Whoever's images the weights that it begins with have learnt from is to be named as well.
  void add_sources(const Json& data) {
    if (!data.is_object()) return;
    Json& ours = info_.data["sources"];
    for (const Json& source : data.value("sources", Json::array()))
      if (std::ranges::find(ours, source) == ours.end()) ours.push_back(source);
  }

  /// With another's weights, where the options say so.
  void begin() {
    const auto weights = learner_->weights();
    if (training_.inherited) {
      const Inheritance& model = *training_.inherited;
      load_continued(model.checkpoint, weights, model.from, model.to, models::is_gan(training_.family));
      monitor_.note(fmt::format("goes on from {}", model.checkpoint.string()));
    }
    if (training_.transfer.empty()) return;
    const std::size_t fitting = load_fitting(training_.transfer, weights);
    const CheckpointInfo from = read_checkpoint_info(training_.transfer);
    info_.continued.imported = from.continued.imported;
    info_.continued.transferred = {
        sha256_file(training_.transfer), from.dataset_hash,
        from.images_seen + from.continued.images_seen + from.continued.transferred.images_seen, from.resolution};
    info_.continued.other_data =
        from.continued.other_data || training_.dataset->items_of_ancestor(from.dataset_hash) == 0;
    add_sources(from.data);
    monitor_.note(
        fmt::format("{} of {} tensors are those of {}", fitting, weights.size(), training_.transfer.string()));
  }

  void load(const std::filesystem::path& file) {
    const CheckpointInfo found = read_checkpoint_info(file);
    if (found.dataset_hash != info_.dataset_hash)
      throw Error(ErrorCode::bad_input,
                  fmt::format("{}: was trained on data set {:.12}, found {:.12} in {}", file.string(),
                              found.dataset_hash, info_.dataset_hash, training_.dataset->folder().string()));
    load_checkpoint(file, learner_->state());
    learner_->resumed(found.step);
    info_.step = found.step;
    info_.images_seen = found.images_seen;
    info_.continued.imported = found.continued.imported;
    info_.continued.transferred = found.continued.transferred;
    info_.continued.other_data = found.continued.other_data;
    if (found.data.is_object()) info_.data = found.data;
    seconds_before_ = found.seconds;
    loss_ = run_.rewind_metrics(found.step);
    monitor_.note(fmt::format("resumed {} at step {}", run_.path().string(), found.step));
  }

  [[nodiscard]] bool out_of_time() const {
    return options_.minutes > 0 && seconds_since(start_) >= options_.minutes * 60;
  }

  void take_step() {
    add(learner_->step(info_.step));
    for (const std::string& warning : learner_->warnings()) monitor_.warn(warning);
    ++info_.step;
    ++session_steps_;
    info_.images_seen += options_.batch;
    const double elapsed = seconds_since(start_);
    std::string detail;
    for (const Figure& figure : figures())
      if (figure.shown) detail += fmt::format("{} {:.4f}  ", figure.name, figure.value);
    report_progress(elapsed, detail + fmt::format("{:.1f} images/s", images_per_second(elapsed)));
    if (info_.step % options_.log_steps == 0) flush_metrics();
    if (seconds_since(last_checkpoint_) >= options_.checkpoint_minutes * 60) {
      or_warn("checkpoint", [&] { save(); });
      last_checkpoint_ = Clock::now();
    }
    if (options_.sample_minutes > 0 && seconds_since(last_sample_) >= options_.sample_minutes * 60) write_samples();
  }

  /// Counts steps, or seconds where time is what ends the session.
  void report_progress(double elapsed, const std::string& detail) {
    const bool timed =
        options_.minutes > 0 &&
        elapsed / (options_.minutes * 60) > static_cast<double>(info_.step) / static_cast<double>(options_.steps);
    if (timed) {
      monitor_.progress({"training", static_cast<std::int64_t>(elapsed),
                         static_cast<std::int64_t>(options_.minutes * 60), "s",
                         fmt::format("step {}  {}", info_.step, detail)});
    } else {
      monitor_.progress({"training", info_.step, options_.steps, "steps", detail});
    }
  }

  /// Adds a step's figures to the interval's.
  void add(const std::vector<Figure>& taken) {
    if (interval_ == 0) sums_.assign(taken.size(), 0);
    last_ = taken;
    for (std::size_t i = 0; i < taken.size(); ++i) sums_.at(i) += taken[i].value;
    ++interval_;
  }

  /// The interval's figures so far.
  [[nodiscard]] std::vector<Figure> figures() const {
    std::vector<Figure> all = last_;
    for (std::size_t i = 0; i < all.size() && interval_ > 0; ++i)
      if (all[i].averaged) all[i].value = sums_.at(i) / static_cast<double>(interval_);
    return all;
  }

  void flush_metrics() {
    if (interval_ == 0) return;
    flushed_ = figures();
    loss_ = flushed_.front().value;
    const double elapsed = seconds_since(start_);
    Json line{{"step", info_.step}, {"images_seen", info_.images_seen}};
    for (const Figure& figure : flushed_) line[figure.name] = figure.value;
    line["seconds"] = seconds_before_ + elapsed;
    line["images_per_second"] = images_per_second(elapsed);
    if (!or_warn("line of metrics", [&] { run_.append_metrics(line); }))
      return;  // the next line covers these steps too
    interval_ = 0;
  }

  void save() {
    info_.seconds = seconds_before_ + seconds_since(start_);
    checkpoint_ = run_.checkpoint(info_.step);
    save_checkpoint(checkpoint_, info_, learner_->state());
    run_.prune_checkpoints(options_.keep_checkpoints);
  }

  /// Does what the training can go on without; true where it was done.
  template <class Work>
  bool or_warn(std::string_view what, Work work) {
    try {
      work();
      return true;
    } catch (const Error& error) {
      if (error.code() != ErrorCode::stopped) monitor_.warn(fmt::format("no {}: {}", what, error.what()));
    } catch (const std::exception& error) {  // libtorch's own, such as a GPU's memory that is full
      monitor_.warn(fmt::format("no {}: {}", what, error.what()));
    }
    return false;
  }

  void write_samples() {
    or_warn("sheet of samples", [&] {
      for (const SampleSheet& sheet : learner_->samples(monitor_)) write_sheet(sheet);
    });
    last_sample_ = Clock::now();
  }

  void write_sheet(const SampleSheet& samples) {
    const Tensor& images = samples.images;
    const auto sheet = data::sheet_of(
        {images.data_ptr<float>(), static_cast<std::size_t>(images.numel())},
        {static_cast<int>(images.size(1)), static_cast<int>(images.size(2)), static_cast<int>(images.size(3))},
        info_.window_hu);
    const std::array marks{synthetic_mark};
    AtomicFile file(run_.samples() / fmt::format("{}-{:09}.png", samples.name, info_.step));
    file.write(std::as_bytes(std::span<const std::uint8_t>(encode_png(sheet, marks))));
    file.commit();
  }

  [[nodiscard]] double images_per_second(double elapsed) const {
    return elapsed > 0 ? static_cast<double>(session_steps_ * options_.batch) / elapsed : 0;
  }

  [[nodiscard]] TrainResult result() const {
    return {info_.step, info_.images_seen, loss_,
            flushed_,   info_.seconds,     images_per_second(info_.seconds - seconds_before_),
            checkpoint_};
  }

  const Training& training_;
  const TrainOptions& options_;
  RunFolder run_;
  Monitor& monitor_;
  data::Loader loader_;
  std::unique_ptr<Learner> learner_;
  CheckpointInfo info_;
  Clock::time_point start_;
  Clock::time_point last_checkpoint_;
  Clock::time_point last_sample_;
  std::filesystem::path checkpoint_;
  std::vector<Figure> last_;
  std::vector<double> sums_;
  std::vector<Figure> flushed_;
  double seconds_before_ = 0;
  double loss_ = 0;
  std::int64_t interval_ = 0;
  std::int64_t session_steps_ = 0;
};

}  // namespace

void TrainOptions::describe(Options& o) {
  o.add("channels", channels, "ct, or ct,mask; default: both where the data set has masks").one_of({"ct", "mask"});
  o.add("size", size, "cut images about their centre; 0: whole").between(0, 65536);
  o.add("downsample", downsample, "average this many pixels each way first").between(1, 64);
  o.add("flips", flips, "mirror images at random");
  o.add("quarter_turns", quarter_turns, "turn images by 0, 90, 180 or 270 degrees at random");
  o.add("conditions", conditions,
        "labels of the data set that images can be asked for by, or all; spacing_mm is the pixel size; default: none");
  o.add("hidden_labels", hidden_labels, "probability that an image's labels are hidden, all and each").between(0, 1);
  o.add("batch", batch, "images a step; 0: the family's").between(0, 1 << 20);
  o.add("steps", steps, "steps in all; 0: the family's").between(0, 999999999);  // the digits of a checkpoint's name
  o.add("continue", continued,
        "a model to go on from: its settings and weights, and its labels with those that are new");
  o.add("replay", replay,
        "with --continue: share of the samples that are of images which the model has seen; 0: as they come")
      .between(0, 1);
  o.add("transfer", transfer, "a run or a checkpoint: begin with its weights, where they fit");
  o.add("minutes", minutes, "stop after this time in this session; 0: no limit").between(0, 1e9);
  o.add("seed", seed, "all that is random follows from it").between(0, 9e18);  // TOML holds 63 bits
  o.add("bfloat16", bfloat16, "16-bit arithmetic where it is safe; on CUDA");
  o.add("checkpoint_minutes", checkpoint_minutes, "save the exact state each so many minutes").between(0.01, 1e9);
  o.add("keep_checkpoints", keep_checkpoints, "how many, the newest").between(1, 1e9);
  o.add("log_steps", log_steps, "a line of metrics.jsonl each so many steps").between(1, 1e9);
  o.add("sample_minutes", sample_minutes, "a sheet of samples each so many minutes; 0: none").between(0, 1e9);
}

bool uses_mask(const TrainOptions& options, const data::Dataset& dataset) {
  const bool has_masks = dataset.info().masks;
  if (options.channels.empty()) return has_masks;
  if (options.channels.front() != "ct" || options.channels.size() > 2 ||
      (options.channels.size() == 2 && options.channels.back() != "mask"))
    throw Error(ErrorCode::usage,
                fmt::format("--channels: expected 'ct' or 'ct,mask', found '{}'", fmt::join(options.channels, ",")));
  const bool wanted = options.channels.size() == 2;
  if (wanted && !has_masks)
    throw Error(ErrorCode::usage, fmt::format("--channels: {} has no masks; expected 'ct'", dataset.folder().string()));
  return wanted;
}

data::LoaderOptions loader_options(const TrainOptions& options, const data::Dataset& dataset,
                                   const std::optional<Inheritance>& inherited) {
  data::LoaderOptions loader;
  loader.split = data::Split::train;
  loader.mask_channel = uses_mask(options, dataset);
  loader.downsample = options.downsample;
  loader.size = options.size;
  loader.flips = options.flips;
  loader.quarter_turns = options.quarter_turns;
  loader.conditions = options.conditions;
  loader.seed = options.seed;
  if (inherited) {
    loader.window_hu = inherited->window_hu;
    loader.schema = inherited->to;
    loader.known_items = inherited->ancestry.known_items;
    loader.replay = options.replay;
  }
  return loader;
}

TrainResult train(const Training& training, const RunFolder& run, Monitor& monitor) {
  return Session(training, run, monitor).run();
}

}  // namespace nodulus::train
