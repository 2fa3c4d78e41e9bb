#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "nodulus/core/monitor.h"
#include "nodulus/data/dataset.h"

namespace nodulus::study {

/// The traits of every image of a data set.
struct TraitTable {
  /// [images, traits::catalog()]; NaN where a trait is not known.
  std::vector<std::vector<double>> values;
  std::vector<std::int64_t> outline_px;  ///< Pixels within each image's consensus outline; 0: none.
  bool measured = false;                 ///< False: no outlines, or whole slices, which show more than one nodule.

  /// One trait of the images named, in their order.
  [[nodiscard]] std::vector<double> column(std::size_t trait, const std::vector<std::int64_t>& items) const;
};

/// Measures all images within their consensus outlines (data::consensus_at). Where an image's pixel size is not known,
/// the traits that depend on it are NaN: those that come out differently for two pixel sizes. Error{stopped}.
TraitTable measure_all(const data::Dataset& dataset, int threads, Monitor& monitor);

/// One image of each nodule, that with the largest outline, ascending; an image without a nodule stands for itself.
/// What is counted or compared by nodule is of these.
std::vector<std::int64_t> one_image_a_nodule(const data::Dataset& dataset, const TraitTable& table);

/// A row an image: item (from 0), patient, nodule, split, outline_px, then every trait. Error{io}.
void write_traits_csv(const std::filesystem::path& file, const data::Dataset& dataset, const TraitTable& table);

}  // namespace nodulus::study
