#include "nodulus/app/diffusion.h"

#include <fmt/format.h>

#include "nodulus/core/error.h"
#include "nodulus/train/run_folder.h"

namespace nodulus::app {

FamilyParts make_family(const std::string& name) {
  const models::Family& row = models::family(name);
  return {name, row.make(), process::make_process(row.process)};
}

TrainedModel load_model(const std::filesystem::path& path) {
  TrainedModel model;
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) {
    model.checkpoint = train::RunFolder::open(path).latest_checkpoint();
  } else if (std::filesystem::is_regular_file(path, error)) {
    model.checkpoint = path;
  } else {
    throw Error(ErrorCode::not_found,
                fmt::format("{}: expected a run's folder or a checkpoint, found nothing", path.string()));
  }
  model.info = train::read_checkpoint_info(model.checkpoint);
  model.family = make_family(model.info.family);
  Options options;
  model.family.architecture->describe(options);
  model.family.process->describe(options);
  Json ours = Json::object();  // the run's options are many; these two take their own sections
  for (const auto& [key, value] : model.info.options.items())
    if (options.find(key) != nullptr) ours[key] = value;
  options.read_json(ours, model.checkpoint.string());
  model.family.process->prepare(process::NoiseLabels::linear);
  model.family.architecture->fit(model.info.image_channels, model.info.resolution);
  model.network = model.family.architecture->build();
  train::load_averages(model.checkpoint, *model.network);
  return model;
}

SamplerChoice make_sampler(const std::string& name) {
  const sample::SamplerRow& row = sample::sampler(name);
  return {&row, row.make()};
}

torch::Device device_from(const std::string& name) {
  if (name == "cpu") return torch::kCPU;
  if (!at::hasCUDA())
    throw Error(ErrorCode::usage, "--device cuda: this program's libtorch has no CUDA, or no CUDA device is there");
  return {torch::kCUDA, 0};
}

}  // namespace nodulus::app
