#pragma once

#include <torch/types.h>

#include <cstdint>
#include <filesystem>
#include <set>
#include <string>

#include "nodulus/core/options.h"
#include "nodulus/data/loader.h"
#include "nodulus/train/checkpoint.h"

/// What commands ask of a trained model of any family.
namespace nodulus::app {

/// The newest checkpoint of a run's folder, a checkpoint itself, or the weights of a published model (its folder, or
/// its name in the default store), whose sums are checked. Throws Error{not_found} where none is there,
/// Error{bad_input} where a published model was changed.
std::filesystem::path checkpoint_of(const std::filesystem::path& path);

/// By which path a run, checkpoint or published model is found from any folder: absolute; of a model's name the version
/// in use now.
std::filesystem::path lasting_path(const std::filesystem::path& path);

/// Gives `options` those of the run's settings that it describes, but for some: a model's parts have a few of them
/// each.
void read_own_settings(Options& options, const train::CheckpointInfo& model, const std::filesystem::path& checkpoint,
                       const std::set<std::string>& but = {});

/// The images of a split as the model was trained to see them. Throws Error{usage} where the data set has not what it
/// takes.
data::Loader loader_for(const train::CheckpointInfo& model, const data::Dataset& dataset, data::Split split);

/// Image `item` of a data set as the model was trained to see it, [1, C, H, W] in [-1, 1]. Throws Error{usage} for one
/// that there is not.
torch::Tensor item_image(const train::CheckpointInfo& model, const std::filesystem::path& folder, std::int64_t item);

/// "cpu" or "cuda". Throws Error{usage} for CUDA where libtorch has none or no device is there.
torch::Device device_from(const std::string& name);

}  // namespace nodulus::app
