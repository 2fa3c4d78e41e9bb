#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "nodulus/core/monitor.h"
#include "nodulus/data/dataset.h"
#include "nodulus/study/classes.h"
#include "nodulus/study/trait_table.h"

namespace nodulus::study {

inline constexpr std::int64_t few_examples = 10;

/// What a data set does not have.
struct Gaps {
  struct SmallClass {
    std::string label;
    std::string value;
    std::string name;
    std::int64_t nodules = 0;
    std::int64_t train = 0;  ///< Of them.
  };
  std::int64_t without_nodule = 0;   ///< Images that name no nodule: each stands for itself.
  std::int64_t without_spacing = 0;  ///< Images whose pixel size is not known.
  std::int64_t without_mark = 0;     ///< Images on which no reader marked a pixel; 0 where there are no masks at all.
  std::int64_t without_outline = 0;  ///< Images whose consensus is empty, those among them.
  std::int64_t cut_outlines = 0;     ///< Images whose consensus reaches the image's edge: part of it may lie beyond.
  std::int64_t padded_images = 0;  ///< Images with pixels that were not measured, and the share of such pixels in all.
  double padding_share = 0;
  double most_padding = 0;                ///< The largest share in one image.
  std::vector<SmallClass> small_classes;  ///< Fewer than few_examples nodules.
};

/// True for a label whose values are classes by their meaning: a category, a rating, `class` or `size_class`.
bool names_classes(const data::Label& label);

/// Reads all pixels once. `classes` has an entry a label. Error{stopped}.
Gaps find_gaps(const data::Dataset& dataset, const TraitTable& table, const std::vector<Classes>& classes,
               Monitor& monitor);

}  // namespace nodulus::study
