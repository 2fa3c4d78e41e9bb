#include "nodulus/app/diffusion.h"

#include <fmt/format.h>

#include "nodulus/core/error.h"
#include "nodulus/train/diffusion_learner.h"
#include "nodulus/train/run_folder.h"

namespace nodulus::app {

FamilyParts make_family(const std::string& name, const std::string& process) {
  const models::Family& row = models::family(name);
  const std::string process_name = process.empty() ? std::string(row.process) : process;
  return {name, row.make(), process_name, process::make_process(process_name)};
}

std::filesystem::path checkpoint_of(const std::filesystem::path& path) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) return train::RunFolder::open(path).latest_checkpoint();
  if (std::filesystem::is_regular_file(path, error)) return path;
  throw Error(ErrorCode::not_found,
              fmt::format("{}: expected a run's folder or a checkpoint, found nothing", path.string()));
}

TrainedModel load_model(const std::filesystem::path& path) {
  TrainedModel model;
  model.checkpoint = checkpoint_of(path);
  model.info = train::read_checkpoint_info(model.checkpoint);
  if (models::is_gan(model.info.family))
    throw Error(ErrorCode::usage,
                fmt::format("{}: expected a model of a diffusion family, found {}", path.string(), model.info.family));
  model.family = make_family(model.info.family, model.info.options.value("process", ""));
  Options options;
  model.family.architecture->describe(options);
  model.family.process->describe(options);
  Json ours = Json::object();  // the run's options are many; these two take their own sections
  for (const auto& [key, value] : model.info.options.items())
    if (options.find(key) != nullptr) ours[key] = value;
  options.read_json(ours, model.checkpoint.string());
  model.family.prepare();
  model.family.architecture->fit(model.info.image_channels, model.info.resolution);
  model.network = model.family.architecture->build();
  train::load_part(model.checkpoint, train::averaged_weights(*model.network));
  return model;
}

data::Loader loader_for(const TrainedModel& model, const data::Dataset& dataset, data::Split split) {
  data::LoaderOptions options;
  options.split = split;
  options.mask_channel = model.info.image_channels == 2;
  options.downsample = model.info.options.value("downsample", 1);
  options.size = model.info.options.value("size", 0);
  options.window_hu = model.info.window_hu;
  data::Loader loader(dataset, options);
  if (loader.height() != model.info.resolution || loader.width() != model.info.resolution)
    throw Error(ErrorCode::usage, fmt::format("{}: expected images of {}x{} as {} was trained on, found {}x{}",
                                              dataset.folder().string(), model.info.resolution, model.info.resolution,
                                              model.checkpoint.string(), loader.width(), loader.height()));
  return loader;
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
