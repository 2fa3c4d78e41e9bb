#include "nodulus/dicom/place.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "nodulus/core/error.h"

namespace nodulus::dicom {
namespace {

constexpr double sine_of_a_degree = 0.01745;

double along(const PatientPoint& vector, const std::array<double, 3>& direction) {
  return vector[0] * direction[0] + vector[1] * direction[1] + vector[2] * direction[2];
}

std::array<double, 3> row_direction(const SliceHeader& slice) {
  return {slice.orientation[0], slice.orientation[1], slice.orientation[2]};
}
std::array<double, 3> column_direction(const SliceHeader& slice) {
  return {slice.orientation[3], slice.orientation[4], slice.orientation[5]};
}

/// From where to where the pixels' centres lie on an axis of the patient, in two slices.
struct AxisRange {
  double low = 0;
  double high = 0;
};
AxisRange range_of(const SliceHeader& first, const SliceHeader& last, std::size_t axis) {
  AxisRange range{first.position_mm[axis], first.position_mm[axis]};
  for (const SliceHeader* const slice : {&first, &last}) {
    const double right = row_direction(*slice)[axis] * slice->spacing_mm[1] * (slice->columns - 1);
    const double down = column_direction(*slice)[axis] * slice->spacing_mm[0] * (slice->rows - 1);
    for (const double corner : {0.0, right, down, right + down}) {
      range.low = std::min(range.low, slice->position_mm[axis] + corner);
      range.high = std::max(range.high, slice->position_mm[axis] + corner);
    }
  }
  return range;
}

}  // namespace

SlicePoint on_slice(const SliceHeader& slice, const PatientPoint& point_mm) {
  PatientPoint from_corner{};
  for (std::size_t k = 0; k < 3; ++k) from_corner[k] = point_mm[k] - slice.position_mm[k];
  return {along(from_corner, row_direction(slice)) / slice.spacing_mm[1],
          along(from_corner, column_direction(slice)) / slice.spacing_mm[0]};
}

void check_axial(const OrderedSeries& series) {
  const SliceHeader& slice = series.slices.front();
  if (std::abs(slice.orientation[2]) <= sine_of_a_degree && std::abs(slice.orientation[5]) <= sine_of_a_degree) return;
  throw Error(ErrorCode::bad_input, fmt::format("{}: expected axial slices, found ImageOrientationPatient {:.4g} in {}",
                                                series.uid, fmt::join(slice.orientation, "\\"), slice.path));
}

double height_above(const OrderedSeries& series, std::size_t slice, const PatientPoint& point_mm) {
  return along(point_mm, series.normal) - series.z_mm[slice];
}

std::size_t nearest_slice(const OrderedSeries& series, const PatientPoint& point_mm) {
  std::size_t nearest = 0;
  for (std::size_t i = 1; i < series.slices.size(); ++i)
    if (std::abs(height_above(series, i, point_mm)) < std::abs(height_above(series, nearest, point_mm))) nearest = i;
  const SliceHeader& slice = series.slices[nearest];
  const SlicePoint at = on_slice(slice, point_mm);
  const bool within = std::abs(height_above(series, nearest, point_mm)) <= series.slice_spacing_mm / 2 &&
                      at.column >= -0.5 && at.row >= -0.5 && at.column <= slice.columns - 0.5 &&
                      at.row <= slice.rows - 0.5;
  if (within) return nearest;
  std::string ranges;
  for (std::size_t axis = 0; axis < 3; ++axis) {
    const AxisRange range = range_of(series.slices.front(), series.slices.back(), axis);
    ranges += fmt::format("{}{} {:.1f} to {:.1f}", axis == 0 ? "" : ", ", "xyz"[axis], range.low, range.high);
  }
  throw Error(ErrorCode::usage, fmt::format("--at: expected a point within {} mm, where the series lies, found {:g}",
                                            ranges, fmt::join(point_mm, ",")));
}

}  // namespace nodulus::dicom
