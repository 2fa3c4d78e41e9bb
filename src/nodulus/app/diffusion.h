#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "nodulus/app/trained.h"
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

/// Opens a run's folder (its newest checkpoint) or a checkpoint file. Throws Error{usage} for a family that is none of
/// diffusion.
TrainedModel load_model(const std::filesystem::path& path);

/// A sampler and its settings.
struct SamplerChoice {
  const sample::SamplerRow* row = nullptr;
  std::shared_ptr<sample::Sampler> sampler;
};

SamplerChoice make_sampler(const std::string& name);

}  // namespace nodulus::app
