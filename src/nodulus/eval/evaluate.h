#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "nodulus/core/manifest.h"
#include "nodulus/core/monitor.h"
#include "nodulus/eval/image_set.h"

namespace nodulus::eval {

/// The version of metrics.json: another one is refused.
inline constexpr int metrics_schema = 1;

struct EvaluateOptions {
  std::vector<std::filesystem::path> sets;  ///< images/ folders, or data sets that were imported.
  std::filesystem::path real;               ///< The data set that the models learnt from.
  std::filesystem::path features;           ///< A network's file; "": the SqueezeNet on board.
  std::filesystem::path cache;              ///< Folder that keeps features; "": none.
  int downsample = 0;                       ///< As in training; 0: as the images say, else 1.
  int size = 0;                             ///< As in training; 0: as the images say.
  int bootstrap = 100;                      ///< Resamplings for the intervals.
  int pictures = 24;                        ///< Of each set, to look at.
  bool copies = true;                       ///< Look for copies of training images.
  int outline_epochs = 30;                  ///< Of the network that outlines images that came without; 0: none.
  double spacing_mm = 0;                    ///< Pixel size that traits are measured at; 0: the data set's.
  std::uint64_t seed = 0;
  int threads = 1;
};

/// What is measured, opened and checked.
struct Evaluation {
  data::Dataset dataset;
  std::vector<ImageSet> sets;
  View view;
  Images training;
  Images held_out;
  double spacing_mm = 0;  ///< 1 where it is not known: lengths are in pixels then.
  bool spacing_known = true;
  std::string spacing_note;
};

/// Opens the sets and the data set. Throws Error{usage, bad_input} where sizes or windows differ, naming both, and
/// where the data set has no held-out images.
Evaluation open_evaluation(const EvaluateOptions& options);

/// Whether outlines can be found for images that came without: the real ones have some, and sides that the network
/// takes.
bool can_outline(const Evaluation& evaluation, const EvaluateOptions& options);

/// All figures of all sets, as docs/formats.md has metrics.json but for who made it. The same options give the same
/// figures. Throws Error{stopped} when the monitor asks.
Json evaluate(const Evaluation& evaluation, const EvaluateOptions& options, Monitor& monitor);

}  // namespace nodulus::eval
