#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "nodulus/core/contact_sheet.h"
#include "nodulus/core/manifest.h"
#include "nodulus/models/network.h"
#include "nodulus/train/adam.h"

namespace nodulus::train {

inline constexpr int checkpoint_schema = 1;

/// What a checkpoint says of itself besides its tensors. Random streams need no state: they are functions of the seed
/// and of `step` (core/seed.h), and so is the position in the data.
struct CheckpointInfo {
  std::string family;
  Json options;  ///< The resolved options of the run: architecture and process among them.
  int image_channels = 1;
  int resolution = 64;
  WindowHu window_hu;
  std::string dataset_hash;
  std::int64_t step = 0;  ///< Steps taken.
  std::int64_t images_seen = 0;
  double seconds = 0;  ///< Spent training, all sessions together.
};

/// The exact state of a training: weights, Adam's moments and the average ("model/", "adam_first/", "adam_second/",
/// "ema/" and the parameter's name), as safetensors. The file appears whole or not at all.
void save_checkpoint(const std::filesystem::path& file, const CheckpointInfo& info, const models::Network& network,
                     const Adam& adam);

/// Throws Error{bad_input} where the file is cut, is not a checkpoint or of another schema version.
CheckpointInfo read_checkpoint_info(const std::filesystem::path& file);

/// Fills network and optimizer. Throws Error{bad_input} naming the first tensor that is missing, has another shape or
/// has no place in this architecture; nothing is changed then.
void load_checkpoint(const std::filesystem::path& file, models::Network& network, Adam& adam);

/// Fills the network with the averaged weights alone.
void load_averages(const std::filesystem::path& file, models::Network& network);

}  // namespace nodulus::train
