#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "nodulus/data/patch.h"
#include "nodulus/dicom/order.h"
#include "nodulus/dicom/place.h"

/// A nodule in a series: which pixels of which slices are its own, and how those become part of the slices.
namespace nodulus::data {

/// How a model sees slices.
struct PatchScale {
  int size = 64;          ///< Pixels on a side.
  double spacing_mm = 1;  ///< Of its pixels, which are square.
};

/// A ball that is put into a series.
struct NoduleBall {
  dicom::PatientPoint at_mm{};
  double diameter_mm = 0;
};

/// What of it lies on one slice.
struct NoduleSection {
  std::size_t slice = 0;   ///< Index into OrderedSeries::slices.
  double diameter_mm = 0;  ///< Of the ball on this slice.
  PatchFrame frame;        ///< The model's patch, its middle in the ball's.
  double region_mm = 0;    ///< Radius of the disc around the middle whose pixels are made anew,
  double feather_mm = 0;   ///< and how far inside its edge new and old are mixed.
};

/// Sections of less are left out, but for that of the nearest slice.
inline constexpr double smallest_section_mm = 2;

/// The sections of a ball, in the series' order. Throws Error{usage} as dicom::nearest_slice(), and for a ball whose
/// region does not fit in the patch with as much around it as a model needs to see, saying which would.
std::vector<NoduleSection> sections_of(const dicom::OrderedSeries& series, const NoduleBall& ball,
                                       const PatchScale& scale);

/// The patch's pixels that are made anew, 1 where they are; [size, size].
std::vector<std::uint8_t> region_of(const NoduleSection& section);

/// Puts the patch's HU, [size, size], into the slice's, [rows, columns]: within the region, and towards its edge more
/// and more of what was there. Pixels outside of it and padding stay as they are. How many pixels changed.
std::int64_t blend(const NoduleSection& section, std::span<const std::int16_t> patch_hu, int rows, int columns,
                   std::span<std::int16_t> slice_hu);

/// The patch's outline, [size, size], on the slice, [rows, columns]; nothing outside of the region.
std::vector<std::uint8_t> outline_on_slice(const NoduleSection& section, std::span<const std::uint8_t> outline,
                                           int rows, int columns);

}  // namespace nodulus::data
