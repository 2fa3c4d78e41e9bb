#pragma once

#include <array>
#include <cstddef>

#include "nodulus/dicom/order.h"

/// Points of the patient and pixels of slices (PS3.3 C.7.6.2.1.1). A point is x, y, z in mm of the patient coordinate
/// system: towards the left, the back and the head.
namespace nodulus::dicom {

using PatientPoint = std::array<double, 3>;

/// On a slice, in pixels; pixel centres at whole numbers.
struct SlicePoint {
  double column = 0;
  double row = 0;
};

/// Where a point lies on a slice when it is moved there along the normal.
SlicePoint on_slice(const SliceHeader& slice, const PatientPoint& point_mm);

/// Throws Error{bad_input} unless rows and columns lie within a degree of the axial plane, saying how they lie.
void check_axial(const OrderedSeries& series);

/// Index of the slice nearest to the point. Throws Error{usage} with the volume's ranges in mm where the point lies
/// beyond it: further than half a step from the outermost slices, or half a pixel beyond the outermost pixels of that
/// slice.
std::size_t nearest_slice(const OrderedSeries& series, const PatientPoint& point_mm);

/// How far the point lies from a slice, along the normal, in mm; negative below it.
double height_above(const OrderedSeries& series, std::size_t slice, const PatientPoint& point_mm);

}  // namespace nodulus::dicom
