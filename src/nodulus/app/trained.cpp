#include "nodulus/app/trained.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "nodulus/core/error.h"
#include "nodulus/core/json_fields.h"
#include "nodulus/core/manifest.h"
#include "nodulus/core/nearest.h"
#include "nodulus/store/model_store.h"
#include "nodulus/train/run_folder.h"

namespace nodulus::app {
namespace {

/// What the folder's manifest.json says that it is: "dataset", "images", ...; "" where it says nothing.
std::string artifact_kind(const std::filesystem::path& folder) {
  const std::filesystem::path file = folder / "manifest.json";
  std::error_code error;
  if (!std::filesystem::is_regular_file(file, error)) return "";
  const Json manifest = read_json(file);
  const JsonFields fields(manifest, file);
  const auto name = fields.object("schema").get<std::string>("name", "the name of a schema");
  const std::string begin = manifest_schema("");
  return name.starts_with(begin) ? name.substr(begin.size()) : "";
}

}  // namespace

std::filesystem::path checkpoint_of(const std::filesystem::path& path) {
  std::error_code error;
  if (const auto folder = store::published_folder(path); !folder.empty()) {
    const store::StoredModel model = store::read_model(folder);
    store::verify(model);
    return model.weights();
  }
  if (std::filesystem::is_directory(path, error)) {
    const std::string kind = artifact_kind(path);
    if (!kind.empty() && kind != "run")
      throw Error(
          ErrorCode::bad_input,
          fmt::format("{}: expected a run's folder, a checkpoint or a published model, found an artifact of the "
                      "kind '{}'",
                      path.string(), kind));
    return train::RunFolder::open(path).latest_checkpoint();
  }
  if (std::filesystem::is_regular_file(path, error)) return path;
  const store::ModelStore models(store::ModelStore::default_root());
  const auto names = models.names();
  std::string there;
  if (!path.has_parent_path())
    there = fmt::format(
        "; published in {}: {}{}", models.root().string(),
        names.empty() ? "none ($NODULUS_MODELS names another folder)" : fmt::format("{}", fmt::join(names, ", ")),
        did_you_mean(path.string(), names));
  throw Error(ErrorCode::not_found,
              fmt::format("{}: expected a run's folder, a checkpoint or a published model, found nothing{}",
                          path.string(), there));
}

std::filesystem::path lasting_path(const std::filesystem::path& path) {
  const auto published = store::published_folder(path);
  return std::filesystem::absolute(published.empty() ? path : published).lexically_normal();
}

void read_own_settings(Options& options, const train::CheckpointInfo& model, const std::filesystem::path& checkpoint,
                       const std::set<std::string>& but) {
  Json ours = Json::object();
  for (const auto& [key, value] : model.options.items())
    if (options.find(key) != nullptr && !but.contains(key)) ours[key] = value;
  options.read_json(ours, checkpoint.string());
}

data::Loader loader_for(const train::CheckpointInfo& model, const data::Dataset& dataset, data::Split split) {
  data::LoaderOptions options;
  options.split = split;
  options.mask_channel = model.image_channels == 2;
  options.downsample = model.options.value("downsample", 1);
  options.size = model.options.value("size", 0);
  options.window_hu = model.window_hu;
  data::Loader loader(dataset, options);
  if (loader.height() != model.resolution || loader.width() != model.resolution)
    throw Error(ErrorCode::usage, fmt::format("{}: expected images of {}x{} as the model was trained on, found {}x{}",
                                              dataset.folder().string(), model.resolution, model.resolution,
                                              loader.width(), loader.height()));
  return loader;
}

torch::Tensor item_image(const train::CheckpointInfo& model, const std::filesystem::path& folder, std::int64_t item) {
  const data::Dataset dataset = data::Dataset::open(folder);
  if (item >= dataset.size())
    throw Error(ErrorCode::usage,
                fmt::format("--item: {} has images 0 to {}, found {}", folder.string(), dataset.size() - 1, item));
  const data::Loader loader = loader_for(model, dataset, dataset.item(item).split);
  std::uint64_t number = 0;
  while (loader.item_of(number) != item) ++number;
  torch::Tensor image = torch::empty({1, loader.channels(), loader.height(), loader.width()}, torch::kFloat);
  loader.batch({&number, 1}, {image.data_ptr<float>(), static_cast<std::size_t>(image.numel())});
  return image;
}

torch::Device device_from(const std::string& name) {
  if (name == "cpu") return torch::kCPU;
  if (!at::hasCUDA())
    throw Error(ErrorCode::usage, "--device cuda: this program's libtorch has no CUDA, or no CUDA device is there");
  return {torch::kCUDA, 0};
}

}  // namespace nodulus::app
