#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "nodulus/app/command.h"
#include "nodulus/app/drawing.h"
#include "nodulus/core/error.h"
#include "nodulus/sample/diffusion_source.h"
#include "nodulus/store/model_store.h"

namespace nodulus::app {
namespace {

std::vector<std::string> sampler_names() {
  std::vector<std::string> names;
  for (const sample::SamplerRow& row : sample::samplers()) names.emplace_back(row.name);
  return names;
}

const Asked nothing_asked;

/// The sampler that the figures of a published model were made with, and its steps; "" where none is told.
struct MeasuredWay {
  std::string sampler;
  int steps = 0;
};

/// Of the first word that is a model, where it is a published one.
MeasuredWay measured_way(const std::vector<std::string>& words) {
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string& word = words[i];
    if (word.empty() || word.starts_with("-") || (i > 0 && words[i - 1] == "--out")) continue;
    try {
      const auto folder = store::published_folder(word);
      std::error_code ignored;
      if (folder.empty() && std::filesystem::exists(word, ignored)) return {};
      if (folder.empty()) continue;
      const Json metrics = store::read_model(folder).facts.value("metrics", Json());
      if (!metrics.is_object()) return {};
      MeasuredWay way{metrics.value("sampler", ""), metrics.value("steps", 0)};
      const auto names = sampler_names();
      return std::ranges::find(names, way.sampler) == names.end() ? MeasuredWay{} : way;
    } catch (const std::exception&) {
      return {};  // opening the model says what is wrong with it
    }
  }
  return {};
}

class DiffusionDrawing final : public Drawing {
 public:
  DiffusionDrawing(sample::DiffusionParts parts, const ImageEdit& edit, const Asked& asked, std::string sampler,
                   double flop, BatchJoiner::Member* joining)
      : steps_(parts.steps),
        known_evaluations_(edit.evaluations(parts.steps, parts.sampler->evaluations(parts.steps)) *
                           (parts.guidance.weight != 1 ? 2 : 1)),
        parameters_(models::parameter_count(*parts.network)),
        source_(std::move(parts)),
        edit_(edit),
        asked_(asked),
        sampler_(std::move(sampler)),
        flop_(flop),
        joining_(joining) {}

  torch::Tensor images(std::span<const std::uint64_t> seeds, std::int64_t first) override {
    if (joining_ != nullptr)
      return joining_->images(seeds, asked_.rows(seeds),
                              [this](auto some, const torch::Tensor& labels) { return source_.images(some, labels); });
    torch::Tensor drawn =
        edit_.images(source_, seeds, first, edit_.is_surrounded() ? torch::Tensor() : asked_.rows(seeds));
    known_evaluations_ = source_.evaluations();
    return drawn;
  }
  [[nodiscard]] std::string condition(std::int64_t i, std::uint64_t own) const override {
    const std::string asked = edit_.is_surrounded() ? "" : asked_.text(own);
    const std::string edited = edit_.condition(i);
    return asked + (asked.empty() || edited.empty() ? "" : "; ") + edited;
  }
  [[nodiscard]] std::uint64_t seed(std::uint64_t own) const override { return edit_.seed(own); }
  [[nodiscard]] std::string sampler() const override { return edit_.sampler(sampler_); }
  [[nodiscard]] int steps() const override { return steps_; }
  [[nodiscard]] std::int64_t evaluations() const override { return known_evaluations_; }
  [[nodiscard]] double evaluation_flop() const override { return flop_; }
  [[nodiscard]] std::int64_t parameters() const override { return parameters_; }
  [[nodiscard]] std::filesystem::path data() const override { return edit_.data(); }

 private:
  int steps_;
  std::int64_t known_evaluations_;
  std::int64_t parameters_;
  sample::DiffusionSource source_;
  const ImageEdit& edit_;
  const Asked& asked_;
  std::string sampler_;
  double flop_;
  BatchJoiner::Member* joining_;
};

}  // namespace

void DiffusionDrawingSettings::describe(Options& options, const std::vector<std::string>& words) {
  std::string name = word_after(words, "--sampler");
  asked_sampler_ = name;
  edit_.note_sampler(name);  // one from a file, which holds all options, may be left unused
  const std::string config = word_after(words, "--config");
  if (name.empty() && !config.empty()) name = toml_string(config, "sampler");
  if (!name.empty()) sampler_name_ = name;
  // An interpolation asks for a sampler without noise, an edit goes by steps of its own.
  const auto asks_for = [&](const std::string& key) {
    return !word_after(words, "--" + key).empty() || (!config.empty() && !toml_string(config, key).empty());
  };
  if (name.empty() && !asks_for("interpolate") && !asks_for("inpaint") && !asks_for("insert")) {
    if (const MeasuredWay way = measured_way(words); !way.sampler.empty()) {
      sampler_name_ = way.sampler;
      usual_steps_ = way.steps;
    }
  }
  choice_ = make_sampler(sampler_name_);
  schedule_name_ = sample::name_of(choice_.row->schedule);
  clip_ = choice_.row->clips;
  options.add("sampler", sampler_name_, "how noise becomes images; of diffusion families").one_of(sampler_names());
  options.add("steps", steps_, "of the sampler; 0: its usual number, of a published model as it was measured")
      .between(0, 1e6);
  options.add("schedule", schedule_name_, "how the noise levels of the steps are spread")
      .one_of({"own", "karras", "log-snr", "cosine"});
  options.add("rho", rho_, "of the karras schedule").between(0.1, 100);
  options.add("clip", clip_, "clip each estimate of the clean image to the window");
  options.add("bfloat16", bfloat16_, "16-bit arithmetic where it is safe; on CUDA");
  options
      .add("guidance", guidance_, "towards what is asked for; 1: none, above: truer to it, less varied, twice the work")
      .between(0, 100);
  options.add("guided", guided_, "LOW,HIGH: guidance between these noise levels alone; default: at all")
      .between(0, 1e9);
  edit_.describe(options);
  choice_.sampler->describe(options);
}

void DiffusionDrawingSettings::refuse_sampler(const std::string& family) const {
  if (!asked_sampler_.empty())
    throw Error(ErrorCode::usage,
                fmt::format("--sampler: {} has no noise levels to go through; expected none, found {}", family,
                            asked_sampler_));
  const std::string_view option = steps_ > 0       ? "--steps"
                                  : guidance_ != 1 ? "--guidance"
                                  : bfloat16_      ? "--bfloat16"
                                                   : "";
  if (!option.empty())
    throw Error(ErrorCode::usage,
                fmt::format("{}: {} draws an image in one step; expected none of a sampler's options", option, family));
}

std::unique_ptr<Drawing> DiffusionDrawingSettings::open(const DrawingRequest& request) {
  if (bfloat16_ && !request.device.is_cuda()) throw Error(ErrorCode::usage, "--bfloat16: only with --device cuda");
  const bool labelled = request.surroundings != nullptr ? !request.info.conditions.empty()
                                                        : request.asked != nullptr && !request.asked->empty();
  if (guidance_ != 1 && !labelled)
    throw Error(ErrorCode::usage, "--guidance: expected a label that is asked for, to be guided to; found none");
  if (!guided_.empty() && (guided_.size() != 2 || guided_[0] >= guided_[1]))
    throw Error(ErrorCode::usage,
                fmt::format("--guided: expected two noise levels LOW,HIGH, found '{}'", fmt::join(guided_, ",")));
  const TrainedModel model = request.loaded != nullptr ? *request.loaded : load_model(request.checkpoint);
  edit_.set_surroundings(request.surroundings);
  edit_.prepare(model, choice_, request.count);
  const int usual = usual_steps_ > 0 ? usual_steps_ : edit_.default_steps(choice_.row->default_steps);
  const int steps = steps_ > 0 ? steps_ : std::min(usual, model.family.process->most_steps());
  sample::DiffusionParts parts;
  parts.network = model.network;
  parts.process = model.family.process;
  parts.sampler = choice_.sampler;
  parts.steps = steps;
  parts.schedule = {sample::schedule(schedule_name_), rho_};
  parts.clip = clip_;
  parts.channels = model.info.image_channels;
  parts.resolution = model.info.resolution;
  parts.device = request.device;
  parts.bfloat16 = bfloat16_;
  parts.guidance.weight = guidance_;
  if (!guided_.empty()) parts.guidance = {guidance_, guided_[0], guided_[1]};
  parts.on_step = request.on_step;
  parts.on_question = request.on_question;
  // Whose evaluations are not known beforehand are told of the batch, which has to be one's own then.
  const bool is_plain = !edit_.interpolates() && !edit_.is_surrounded() && edit_.data().empty();
  BatchJoiner::Member* const joining = is_plain && choice_.sampler->evaluations(steps) > 0 ? request.joining : nullptr;
  if (joining != nullptr) {
    joining->listen(request.on_step, request.on_question);
    parts.on_step = [joining](std::int64_t done, std::int64_t total) { joining->step(done, total); };
    parts.on_question = [joining](const torch::Tensor& x, double sigma) { joining->question(x, sigma); };
  }
  return std::make_unique<DiffusionDrawing>(std::move(parts), edit_, request.asked ? *request.asked : nothing_asked,
                                            sampler_name_, model.family.architecture->forward_flop(), joining);
}

}  // namespace nodulus::app
