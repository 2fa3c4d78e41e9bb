#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "nodulus/core/monitor.h"
#include "nodulus/core/options.h"
#include "nodulus/data/dataset.h"
#include "nodulus/data/loader.h"
#include "nodulus/train/checkpoint.h"
#include "nodulus/train/learner.h"
#include "nodulus/train/run_folder.h"

namespace nodulus::train {

/// Settings of a training run that do not depend on the family.
struct TrainOptions {
  std::vector<std::string> channels;  ///< "ct", or "ct" and "mask"; empty: both where the data set has masks.
  int size = 0;                       ///< Centre crop; 0: as the data set has them.
  int downsample = 1;
  bool flips = false;
  bool quarter_turns = false;
  std::vector<std::string> conditions;  ///< Columns that images are asked for by, or "all"; empty: none.
  double hidden_labels = 0.1;           ///< Probability that a training image's labels are hidden, all or each.
  int batch = 0;                        ///< 0: the family's.
  std::int64_t steps = 0;               ///< 0: the family's.
  std::filesystem::path continued;      ///< A model that a new run goes on from, with all its weights and labels.
  double replay = 0.5;                  ///< Share of the samples that are of images which that model has seen.
  std::filesystem::path transfer;       ///< A run or a checkpoint whose weights a new run begins with, where they fit.
  double minutes = 0;                   ///< Stop after this time in this session; 0: no limit.
  std::uint64_t seed = 0;
  bool bfloat16 = false;
  double checkpoint_minutes = 10;
  int keep_checkpoints = 2;
  std::int64_t log_steps = 50;
  double sample_minutes = 10;  ///< A sheet of samples each so many minutes and at the end; 0: none.

  void describe(Options& options);
};

/// What a training takes over from the model that it goes on from.
struct Inheritance {
  std::filesystem::path checkpoint;  ///< Its weights; of a run that is taken up, its own newest.
  WindowHu window_hu;
  ConditionSchema from;  ///< What the model is asked for by,
  ConditionSchema to;    ///< and with what the data set has besides.
  Ancestry ancestry;
  Json data;  ///< CheckpointInfo::data of it.
};

/// Everything that a training needs; made by the program, which sees all modules.
struct Training {
  std::string family;
  TrainOptions options;
  const data::Dataset* dataset = nullptr;
  std::optional<Inheritance> inherited = std::nullopt;
  std::filesystem::path transfer;  ///< The checkpoint that the option means; empty where it means none.
  Json resolved_options;
  /// Makes what is trained, for the images that the loader hands out; the loader outlives it.
  std::function<std::unique_ptr<Learner>(const data::Loader& loader)> make_learner;
};

struct TrainResult {
  std::int64_t steps = 0;
  std::int64_t images_seen = 0;
  double loss = 0;              ///< Mean of the last logged interval.
  std::vector<Figure> figures;  ///< Of the last logged interval.
  double seconds = 0;           ///< Training, all sessions together.
  double images_per_second = 0;
  std::filesystem::path checkpoint;
};

/// "ct" or "ct,mask" as the options and the data set have it. Throws Error{usage} where a mask is asked for and the
/// data set has none.
bool uses_mask(const TrainOptions& options, const data::Dataset& dataset);

/// The training images as the options have them. Throws Error{usage} where the data set has not what they ask for.
data::LoaderOptions loader_options(const TrainOptions& options, const data::Dataset& dataset,
                                   const std::optional<Inheritance>& inherited);

/// Trains until the options' limit, from the run's newest checkpoint where it has one. Interrupted and uninterrupted
/// runs are bit-identical on the CPU with the same number of threads. On Monitor::stop_requested() it saves and throws
/// Error{stopped} saying how to go on. What cannot be written on the way (a sheet, a line of metrics, a checkpoint
/// before the last) is a warning: the state is in memory and is tried again later. Throws Error{exists} where another
/// process trains in the folder.
TrainResult train(const Training& training, const RunFolder& run, Monitor& monitor);

}  // namespace nodulus::train
