#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

#include "nodulus/core/condition.h"
#include "nodulus/core/contact_sheet.h"
#include "nodulus/core/manifest.h"
#include "nodulus/train/learner.h"

namespace nodulus::train {

inline constexpr int checkpoint_schema = 1;

/// The file of another program that a model's weights, or those that it began with, came from.
struct Imported {
  std::string layout;  ///< The program, as `models import` calls it; "": none.
  std::string sha256;  ///< Of that file.
};

/// The model whose weights, as far as they fitted, a training began with (`--transfer`).
struct Transferred {
  std::string sha256;            ///< Of its checkpoint; "": none.
  std::string dataset_hash;      ///< What it had learnt from,
  std::int64_t images_seen = 0;  ///< from how many images, those of its own ancestors with them,
  int resolution = 0;            ///< and how large these were, in pixels.
};

/// The model that a training goes on from.
struct Ancestry {
  std::string sha256;            ///< Of its checkpoint; "": none.
  std::string dataset_hash;      ///< What it had learnt from,
  std::int64_t images_seen = 0;  ///< and from how many images, those of its own ancestors with them.
  std::int64_t known_items = 0;  ///< The first items of the data set now, which it has seen.
  Imported imported;             ///< Of the model itself where it has no ancestor.
  Transferred transferred;       ///< Likewise.
  /// It, or a model before it, learnt from images that the data set now does not have, or of which nothing is known.
  bool other_data = false;
};

/// What a checkpoint says of itself besides its tensors. Random streams need no state: they are functions of the seed
/// and of `step` (core/seed.h), and so is the position in the data.
struct CheckpointInfo {
  std::string family;
  Json options;  ///< The resolved options of the run: architecture and process among them.
  int image_channels = 1;
  int resolution = 64;
  WindowHu window_hu;
  ConditionSchema conditions;  ///< What images can be asked for by.
  std::string dataset_hash;
  std::int64_t step = 0;  ///< Steps taken.
  std::int64_t images_seen = 0;
  double seconds = 0;  ///< Spent training, all sessions together.
  Ancestry continued;
  Json data;  ///< Of the data set: `counts` of the training split, `sources`; null where it is not known.
};

/// What a model is, wherever that is said: family, image_channels, resolution, window_hu, conditions; `imported` where
/// its weights, or an ancestor's, were another program's: layout, sha256, note; `transferred` where it, or an ancestor,
/// began with what fitted of another model: sha256, dataset, images_seen, resolution; `other_data` (true) where some of
/// them learnt from images that its data set does not have.
Json model_json(const CheckpointInfo& info);

/// The exact state of a training as safetensors. The file appears whole or not at all.
void save_checkpoint(const std::filesystem::path& file, const CheckpointInfo& info, std::span<const StateTensor> state);

/// Throws Error{bad_input} where the file is cut, is not a checkpoint or of another schema version.
CheckpointInfo read_checkpoint_info(const std::filesystem::path& file);

/// Fills the state. Throws Error{bad_input} naming the first tensor that is missing, has another shape or has no place
/// in this architecture; nothing is changed then.
void load_checkpoint(const std::filesystem::path& file, std::span<const StateTensor> state);

/// Fills some tensors of the state and leaves the others.
void load_part(const std::filesystem::path& file, std::span<const StateTensor> part);

/// Fills all of the state from a model that was asked for by other labels: its numbers of a row of `from` go to where
/// those labels stand in `to`, and those of new labels are 0. Where the file has the averaged weights alone, the others
/// begin as these. `by_fan_in`: the weights are divided by the root of their inputs' number when they are used (the
/// equalized learning rate of Karras et al. 2018), which more inputs must not change. Throws Error{bad_input} naming
/// the first tensor that the file lacks or has in another shape; nothing is changed then.
void load_continued(const std::filesystem::path& file, std::span<const StateTensor> state, const ConditionSchema& from,
                    const ConditionSchema& to, bool by_fan_in);

/// The averaged weights by their names in the network, and the generator's tensors of which there is no average;
/// float32. Throws Error{bad_input} where the file is no checkpoint.
std::vector<StateTensor> drawing_weights(const std::filesystem::path& file);

/// Settings without those that name files of the machine that trained.
Json without_paths(Json options);

/// Writes what a model is used and trained on with, as a checkpoint of its own: the averaged weights, the others of
/// which there is no average, no optimiser, no paths. `half`: as 16-bit floats. Returns how many numbers draw. Throws
/// Error{bad_input} where `file` is no checkpoint, or a weight is too large for 16 bits.
std::int64_t write_published_weights(const std::filesystem::path& file, const std::filesystem::path& out, bool half);

/// Fills those tensors that the file has with the same name and shape. Returns how many. Throws Error{bad_input} where
/// no convolution is among them, naming the family that the file is of.
std::size_t load_fitting(const std::filesystem::path& file, std::span<const StateTensor> state);

}  // namespace nodulus::train
