#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "nodulus/data/loader.h"
#include "nodulus/models/catalog.h"
#include "nodulus/process/process.h"
#include "nodulus/sample/sampler.h"
#include "nodulus/train/checkpoint.h"

namespace nodulus::app {

/// A family's parts by name: what models/ and process/ each have a row for.
struct FamilyParts {
  std::string name;
  std::shared_ptr<models::Architecture> architecture;
  std::string process_name;
  std::shared_ptr<process::Process> process;

  /// Called once the settings of both are final: the process gives the noise level in the form that the architecture
  /// takes.
  void prepare() const { process->prepare(architecture->noise_labels()); }
};

/// `process`: another than the family's own; "": that. Throws Error{usage} for one that there is not.
FamilyParts make_family(const std::string& name, const std::string& process);

/// A trained model read back: its network holds the averaged weights.
struct TrainedModel {
  FamilyParts family;
  train::CheckpointInfo info;
  std::shared_ptr<models::Network> network;
  std::filesystem::path checkpoint;
};

/// The newest checkpoint of a run's folder, or a checkpoint itself. Throws Error{not_found} where neither is there.
std::filesystem::path checkpoint_of(const std::filesystem::path& path);

/// Opens a run's folder (its newest checkpoint) or a checkpoint file. Throws Error{usage} for a family that is none of
/// diffusion.
TrainedModel load_model(const std::filesystem::path& path);

/// The images of a split as the model was trained to see them. Throws Error{usage} where the data set has not what it
/// takes.
data::Loader loader_for(const TrainedModel& model, const data::Dataset& dataset, data::Split split);

/// A sampler and its settings.
struct SamplerChoice {
  const sample::SamplerRow* row = nullptr;
  std::shared_ptr<sample::Sampler> sampler;
};

SamplerChoice make_sampler(const std::string& name);

/// "cpu" or "cuda". Throws Error{usage} for CUDA where libtorch has none or no device is there.
torch::Device device_from(const std::string& name);

}  // namespace nodulus::app
