#pragma once

#include <array>
#include <string>
#include <variant>
#include <vector>

#include "nodulus/core/reject.h"
#include "nodulus/dicom/scan.h"
#include "nodulus/dicom/slice_header.h"

namespace nodulus::dicom {

/// A step between neighbours that is not the series' own: slices are missing, or the step changes.
struct Gap {
  int after = 0;         ///< Index of the slice before the step.
  double from_mm = 0.0;  ///< z_mm on either side.
  double to_mm = 0.0;
  double step_mm = 0.0;
};

/// Slices of one series in their order along the slice normal, one at each position.
struct OrderedSeries {
  std::string uid;
  std::vector<SliceHeader> slices;  ///< Ascending along the normal (for axial slices: from feet to head).
  /// ImagePositionPatient projected on the normal, a value a slice. For an untilted axial series this is
  /// ImagePositionPatient's z, and so the imageZposition of the LIDC XML; under gantry tilt it is not.
  std::vector<double> z_mm;
  std::array<double, 3> normal{};  ///< Row direction x column direction (DICOM PS3.3 C.7.6.2.1.1).
  double slice_spacing_mm = 0.0;   ///< Median step; SliceThickness where there is one slice alone.
  std::vector<Gap> gaps;           ///< Empty where every step is slice_spacing_mm (see order_headers()).
  std::vector<Reject> findings;    ///< What is odd but does not make the order ambiguous: "gap", "several
                                   ///< acquisitions", "sheared stack", "duplicate file" (dropped).
  [[nodiscard]] bool regular() const { return gaps.empty(); }
};

/// An order, or every reason why there is none.
using Ordering = std::variant<OrderedSeries, std::vector<Reject>>;

/// Reads the headers of a series and orders its slices. An order that would have to be guessed is refused:
/// "no position", "mixed sizes", "mixed spacing", "mixed orientations", "mixed frames of reference",
/// "mixed patients", "duplicate position", "several acquisitions" (whose ranges overlap), "changed since scan".
/// A second copy of a file (same SOP UID, same HU) is dropped and stands in `findings`; copies that differ are
/// a "duplicate position".
Ordering order_slices(const Series& series);

/// The same for headers at hand. Copies are compared by reading their pixels.
/// Steps within max(0.01 mm, 1 %) of the median count as equal: positions are decimal strings, often with two
/// or three digits after the point. Two slices closer than 0.01 mm share a position.
Ordering order_headers(const std::string& series_uid, std::vector<SliceHeader> headers);

}  // namespace nodulus::dicom
