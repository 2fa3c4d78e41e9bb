#include "nodulus/app/diffusion.h"

#include <fmt/format.h>

#include "nodulus/core/error.h"
#include "nodulus/train/diffusion_learner.h"

namespace nodulus::app {

FamilyParts make_family(const std::string& name, const std::string& process) {
  const models::Family& row = models::family(name);
  const std::string process_name = process.empty() ? std::string(row.process) : process;
  return {name, row.make(), process_name, process::make_process(process_name)};
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
  read_own_settings(options, model.info, model.checkpoint);
  model.family.prepare();
  model.family.architecture->fit(model.info.image_channels, model.info.resolution,
                                 static_cast<int>(model.info.conditions.width()));
  model.network = model.family.architecture->build();
  train::load_part(model.checkpoint, train::averaged_weights(*model.network));
  return model;
}

SamplerChoice make_sampler(const std::string& name) {
  const sample::SamplerRow& row = sample::sampler(name);
  return {&row, row.make()};
}

}  // namespace nodulus::app
