#include "nodulus/app/export_model.h"

#include <fmt/format.h>

#include "nodulus/app/diffusion.h"
#include "nodulus/app/gan.h"
#include "nodulus/app/trained.h"
#include "nodulus/core/error.h"
#include "nodulus/core/safetensors.h"
#include "nodulus/eval/state_dict.h"
#include "nodulus/models/catalog.h"
#include "nodulus/sample/torch_script.h"

namespace nodulus::app {
namespace {

namespace fs = std::filesystem;

/// What a file of weights says of itself.
std::string about(const train::CheckpointInfo& info) {
  const Json data = info.data.is_object() ? info.data : Json::object();
  Json json{{"program", program_version()},
            {"family", info.family},
            {"synthetic", true},
            {"note", "for research and teaching, never for diagnosis"},
            {"sources", data.value("sources", Json::array())},
            {"conditions", json_of(info.conditions)}};
  const Json model = train::model_json(info);
  for (const char* const past : {"imported", "transferred", "other_data"})
    if (model.contains(past)) json[past] = model[past];
  return json.dump();
}

void write_plain_safetensors(const fs::path& file, const std::vector<train::StateTensor>& weights,
                             const train::CheckpointInfo& info) {
  std::vector<TensorView> views;
  views.reserve(weights.size());
  for (const train::StateTensor& weight : weights)
    views.push_back({weight.name,
                     "F32",
                     weight.tensor.sizes().vec(),
                     {static_cast<const std::byte*>(weight.tensor.data_ptr()), weight.tensor.nbytes()}});
  write_safetensors(
      file, views,
      {{"family", info.family}, {"options", train::without_paths(info.options).dump()}, {"about", about(info)}});
}

void write_torch_script(const fs::path& file, const fs::path& checkpoint, int steps) {
  const train::CheckpointInfo info = train::read_checkpoint_info(checkpoint);
  const sample::ScriptFacts facts{info.conditions, info.window_hu, about(info)};
  if (models::is_gan(info.family)) {
    if (steps != 0)
      throw Error(ErrorCode::usage, fmt::format("--steps: {} draws an image in one step; expected none", info.family));
    sample::write_script(file, *load_generator(checkpoint, info, torch::kCPU), facts);
    return;
  }
  const TrainedModel model = load_model(checkpoint);
  const int most = model.family.process->most_steps();
  sample::write_script(file, *model.network, *model.family.process, info.image_channels, info.resolution,
                       steps > 0 ? steps : std::min(make_sampler("ddim").row->default_steps, most), facts);
}

class Export final : public Command {
 public:
  void describe(Options& options, const std::vector<std::string>& /*words*/) override {
    options.add("model", model_, "a run's folder, a checkpoint or a published model").positional();
    options.add("file", file_, "NAME.pt (torch.load reads it), NAME.ts (torch.jit.load runs it) or NAME.safetensors")
        .positional();
    options.add("steps", steps_, "of a .ts file's way from noise to an image, by DDIM; 0: the usual number")
        .between(0, 100'000);
  }

  Outcome plan(const CommonOptions& common, Monitor& /*monitor*/) override {
    check(common);
    return {{{"file", file_.string()}}, fmt::format("would write {}", file_.string())};
  }

  Outcome run(const CommonOptions& common, const Options& /*options*/, Monitor& /*monitor*/) override {
    check(common);
    const fs::path checkpoint = checkpoint_of(model_);
    if (file_.extension() == ".ts") {
      write_torch_script(file_, checkpoint, steps_);
      const auto bytes = fs::file_size(file_);
      return {{{"file", file_.string()}, {"bytes", bytes}},
              fmt::format("{}: {:.1f} MB of TorchScript\nin Python: torch.jit.load(\"{}\").generate([1, 2, 3])",
                          file_.string(), static_cast<double>(bytes) / 1e6, file_.filename().string())};
    }
    const auto weights = train::drawing_weights(checkpoint);
    if (file_.extension() == ".pt") {
      eval::StateDict tensors;
      for (const train::StateTensor& weight : weights) tensors[weight.name] = weight.tensor;
      eval::write_state_dict(file_, tensors);
    } else {
      write_plain_safetensors(file_, weights, train::read_checkpoint_info(checkpoint));
    }
    std::int64_t numbers = 0;
    for (const train::StateTensor& weight : weights) numbers += weight.tensor.numel();
    return {{{"file", file_.string()}, {"tensors", weights.size()}, {"numbers", numbers}},
            fmt::format("{}: {} tensors, {} numbers", file_.string(), weights.size(), numbers)};
  }

 private:
  void check(const CommonOptions& common) const {
    const std::string kind = file_.extension().string();
    if (kind != ".pt" && kind != ".ts" && kind != ".safetensors")
      throw Error(
          ErrorCode::usage,
          fmt::format("expected a file name that ends in .pt, .ts or .safetensors, found '{}'", file_.string()));
    if (steps_ != 0 && kind != ".ts")
      throw Error(ErrorCode::usage, fmt::format("--steps: of .ts files alone, found '{}'", file_.string()));
    if (fs::exists(file_) && !common.force)
      throw Error(ErrorCode::exists, fmt::format("'{}' is there already; --force replaces it", file_.string()));
  }

  fs::path model_;
  fs::path file_;
  int steps_ = 0;
};

}  // namespace

std::unique_ptr<Command> make_model_export() { return std::make_unique<Export>(); }

}  // namespace nodulus::app
