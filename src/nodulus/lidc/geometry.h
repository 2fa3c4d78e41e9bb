#pragma once

#include <array>
#include <string>
#include <unordered_map>
#include <vector>

#include "nodulus/dicom/order.h"
#include "nodulus/lidc/reading.h"

namespace nodulus::lidc {

/// One slice of the scan that the readers saw.
struct ScanSlice {
  std::string sop_uid;
  double z_mm = 0;  ///< Position along the normal of the slices.
};

/// Where pixels and slices lie, in mm. Made from the series where it is at hand, else assumed from the reading.
struct ScanGeometry {
  double column_spacing_mm = 1;  ///< Between neighbouring columns (PixelSpacing's second value).
  double row_spacing_mm = 1;     ///< Between neighbouring rows (PixelSpacing's first value).
  double slice_spacing_mm = 1;
  int columns = 512;
  int rows = 512;
  /// Centre of pixel (0, 0) in mm: ImagePositionPatient x and y for an axial series; 0 where it is not known.
  std::array<double, 2> origin_mm = {0, 0};
  std::vector<ScanSlice> slices;  ///< By z_mm, ascending. All slices of the series, or those that the reading names.
  bool assumed = true;            ///< True: pixel spacing is the assumed value, origin_mm is not known.
};

/// Pixel spacing assumed for a reading without its series: the median, and the most frequent, of 584 scans of the
/// collection (360 mm over 512 pixels; they range from 0.46 to 0.98 mm).
inline constexpr double kAssumedPixelSpacingMm = 0.703125;
/// Slice spacing assumed where the reading itself does not show it (no mark spans two slices).
inline constexpr double kAssumedSliceSpacingMm = 1.25;

/// The geometry that a reading alone gives: slices and their positions from its marks, slice spacing from the most
/// frequent step between neighbouring outlines of one mark, and the assumed pixel spacing. Where one image stands at
/// several positions, the most frequent counts. See docs/lidc.md.
ScanGeometry assumed_geometry(const Reading& reading, double pixel_spacing_mm = kAssumedPixelSpacingMm);

/// The geometry of the series that was read.
ScanGeometry series_geometry(const dicom::OrderedSeries& series);

/// Finds slices by SOP Instance UID.
class SliceIndex {
 public:
  explicit SliceIndex(const ScanGeometry& geometry);
  /// Index into geometry.slices, -1 where the scan has no such image. Of the frames of one multi-frame image, the
  /// nearest to z_mm.
  [[nodiscard]] int find(const std::string& sop_uid, double z_mm) const;

 private:
  struct Slice {
    int index;
    double z_mm;
  };
  std::unordered_map<std::string, std::vector<Slice>> by_uid_;
};

}  // namespace nodulus::lidc
