#include "nodulus/app/gan.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstring>

#include "nodulus/app/trained.h"
#include "nodulus/core/error.h"
#include "nodulus/core/manifest.h"
#include "nodulus/core/safetensors.h"
#include "nodulus/models/catalog.h"
#include "nodulus/train/gan_learner.h"

namespace nodulus::app {

std::shared_ptr<models::StyleGan2Generator> load_generator(const std::filesystem::path& checkpoint,
                                                           const train::CheckpointInfo& info, torch::Device device) {
  if (!models::is_gan(info.family))
    throw Error(ErrorCode::usage,
                fmt::format("{}: expected a StyleGAN2 model, found {}", checkpoint.string(), info.family));
  train::GanOptions settings;
  Options options;
  settings.describe(options);
  read_own_settings(options, info, checkpoint);
  auto generator = models::make_generator(
      settings.networks(info.image_channels, info.resolution, static_cast<int>(info.conditions.width()),
                        info.options.value("batch", 4), info.options.value("bfloat16", false)));
  train::load_part(checkpoint, train::averaged_weights(*generator));
  generator->to(device);
  generator->eval();
  return generator;
}

void write_latent(const std::filesystem::path& file, const torch::Tensor& styles,
                  const std::vector<torch::Tensor>& noise, const std::string& model_hash) {
  std::vector<torch::Tensor> keep;
  std::vector<TensorView> views;
  auto add = [&](const std::string& name, const torch::Tensor& t) {
    keep.push_back(t.cpu().contiguous());
    const auto* data = reinterpret_cast<const std::byte*>(keep.back().data_ptr<float>());
    views.push_back({name, "F32", t.sizes().vec(), {data, keep.back().nbytes()}});
  };
  add("styles", styles);
  for (std::size_t i = 0; i < noise.size(); ++i) add(fmt::format("noise.{}", i), noise[i].squeeze(0).squeeze(0));
  write_safetensors(file, views, {{"synthetic", "yes"}, {"model", model_hash}});
}

torch::Tensor read_styles(const std::filesystem::path& folder, const models::StyleGan2Generator& generator,
                          const std::filesystem::path& checkpoint) {
  const SafetensorsFile file(folder / latent_file);
  const auto model = file.metadata().find("model");
  const std::string expected_model = manifest_input(checkpoint).sha256;
  if (model == file.metadata().end() || model->second != expected_model)
    throw Error(ErrorCode::bad_input,
                fmt::format("{}: expected styles found in {} ({:.12}), found those of another model or of another step "
                            "of it ({:.12}); project again",
                            file.path().string(), checkpoint.string(), expected_model,
                            model == file.metadata().end() ? "unknown" : model->second));
  const TensorView& view = file.at("styles");
  const std::vector<std::int64_t> expected{generator.layers(), generator.options().w};
  if (view.dtype != "F32" || view.shape != expected)
    throw Error(ErrorCode::bad_input,
                fmt::format("{}: expected styles F32 [{}] as this model has, found {} [{}]", file.path().string(),
                            fmt::join(expected, ", "), view.dtype, fmt::join(view.shape, ", ")));
  torch::Tensor styles = torch::empty(expected);
  std::memcpy(styles.data_ptr<float>(), view.bytes.data(), view.bytes.size());
  return styles;
}

}  // namespace nodulus::app
