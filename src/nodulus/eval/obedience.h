#pragma once

#include <torch/types.h>

#include "nodulus/core/manifest.h"
#include "nodulus/data/dataset.h"
#include "nodulus/eval/image_set.h"

namespace nodulus::eval {

/// Real and asked-for images with what a judge sees of them.
struct JudgedImages {
  const Images* images = nullptr;
  torch::Tensor features;                   ///< [N, D].
  std::vector<std::vector<double>> traits;  ///< [N][catalog row]; empty without outlines.
  bool lengths_known = true;                ///< False where they are in pixels.
};

/// Do images show what was asked for? For each label that some of the set's images were asked for by: a classifier,
/// trained on the features of the training images whose label is known, judges them; what it makes of held-out real
/// images is stated beside it. A label that tells a size (diameter_mm, area_mm2) is measured on the outline instead:
/// the class found is the nearest of those asked for. An array of objects as docs/formats.md has it; empty where
/// nothing was asked for. Throws Error{bad_input} where a label is none of the data set's.
Json obedience(const ImageSet& set, const JudgedImages& judged, const JudgedImages& training,
               const JudgedImages& held_out, const data::Dataset& dataset);

}  // namespace nodulus::eval
