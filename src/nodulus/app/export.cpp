#include <fmt/format.h>

#include "nodulus/app/commands.h"
#include "nodulus/app/trained.h"
#include "nodulus/core/error.h"
#include "nodulus/core/safetensors.h"
#include "nodulus/eval/state_dict.h"

namespace nodulus::app {
namespace {

namespace fs = std::filesystem;

void write_plain_safetensors(const fs::path& file, const std::vector<train::StateTensor>& weights,
                             const train::CheckpointInfo& info) {
  std::vector<TensorView> views;
  views.reserve(weights.size());
  for (const train::StateTensor& weight : weights)
    views.push_back({weight.name,
                     "F32",
                     weight.tensor.sizes().vec(),
                     {static_cast<const std::byte*>(weight.tensor.data_ptr()), weight.tensor.nbytes()}});
  write_safetensors(file, views, {{"family", info.family}, {"options", train::without_paths(info.options).dump()}});
}

class Export final : public Command {
 public:
  void describe(Options& options, const std::vector<std::string>& /*words*/) override {
    options.add("model", model_, "a run's folder, a checkpoint or a published model").positional();
    options.add("file", file_, "NAME.pt (torch.load reads it) or NAME.safetensors").positional();
  }

  Outcome plan(const CommonOptions& common, Monitor& /*monitor*/) override {
    check(common);
    return {{{"file", file_.string()}}, fmt::format("would write {}", file_.string())};
  }

  Outcome run(const CommonOptions& common, const Options& /*options*/, Monitor& /*monitor*/) override {
    check(common);
    const fs::path checkpoint = checkpoint_of(model_);
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
    if (file_.extension() != ".pt" && file_.extension() != ".safetensors")
      throw Error(ErrorCode::usage,
                  fmt::format("expected a file name that ends in .pt or .safetensors, found '{}'", file_.string()));
    if (fs::exists(file_) && !common.force)
      throw Error(ErrorCode::exists, fmt::format("'{}' is there already; --force replaces it", file_.string()));
  }

  fs::path model_;
  fs::path file_;
};

}  // namespace

CommandRow export_command() {
  return {"export", "a model's weights -> a state dict for PyTorch, or safetensors",
          "nodulus export lung-ddpm lung-ddpm.pt", make_command<Export>};
}

}  // namespace nodulus::app
