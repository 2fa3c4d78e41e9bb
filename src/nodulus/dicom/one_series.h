#pragma once

#include <filesystem>
#include <string>

#include "nodulus/core/monitor.h"
#include "nodulus/dicom/order.h"

namespace nodulus::dicom {

/// How a series is chosen among those of a folder.
struct SeriesChoice {
  std::string uid;     ///< SeriesInstanceUID; empty: the only one.
  std::string option;  ///< The option that names it, for errors.
  int threads = 1;
};

/// The CT series of a folder, its slices in order, one every slice_spacing_mm, none with names burned into its pixels.
/// Throws Error{not_found} for a folder that is not there; Error{usage} naming them where there are several and none is
/// chosen, or not the one that is; Error{bad_input} where there is none, for an order that order_slices() refuses, for
/// a gap, and for an image whose BurnedInAnnotation (0028,0301) says YES; Error{stopped}.
OrderedSeries open_one_series(const std::filesystem::path& folder, const SeriesChoice& choice, Monitor& monitor);

}  // namespace nodulus::dicom
