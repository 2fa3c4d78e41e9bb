#include "nodulus/data/insertion.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "nodulus/core/error.h"
#include "nodulus/dicom/slice.h"

namespace nodulus::data {
namespace {

/// The region is wider than the nodule that is asked for: models keep to a diameter loosely, and what surrounds a
/// nodule (its halo, a vessel that ends in it) is its own too.
constexpr double region_growth = 1.2;
constexpr double region_margin_pixels = 2.5;  // of the patch
constexpr double feather_pixels = 2;
constexpr double context_pixels = 4;  // around the region, at least

constexpr double same_spacing = 1e-3;  // relative

bool alike(double a, double b) { return std::abs(a - b) <= same_spacing * b; }

double region_radius_mm(double diameter_mm, const PatchScale& scale) {
  return diameter_mm / 2 * region_growth + region_margin_pixels * scale.spacing_mm;
}

void check_fits(double diameter_mm, const PatchScale& scale) {
  const double room_mm = (scale.size / 2.0 - context_pixels) * scale.spacing_mm;
  if (region_radius_mm(diameter_mm, scale) <= room_mm) return;
  const double largest = (room_mm - region_margin_pixels * scale.spacing_mm) / region_growth * 2;
  throw Error(
      ErrorCode::usage,
      fmt::format("the nodule's diameter: expected at most {:.1f} mm, which {} pixels of {:.3g} mm hold with what "
                  "surrounds it; found {:.3g} mm",
                  std::max(largest, 0.0), scale.size, scale.spacing_mm, diameter_mm));
}

NoduleSection section_on(const dicom::OrderedSeries& series, std::size_t slice, const NoduleBall& ball,
                         const PatchScale& scale) {
  const dicom::SliceHeader& header = series.slices[slice];
  const double height = dicom::height_above(series, slice, ball.at_mm);
  const double radius = ball.diameter_mm / 2;
  const dicom::SlicePoint at = dicom::on_slice(header, ball.at_mm);
  NoduleSection section;
  section.slice = slice;
  section.diameter_mm = 2 * std::sqrt(std::max(0.0, radius * radius - height * height));
  section.frame.size = scale.size;
  section.frame.center_column = at.column;
  section.frame.center_row = at.row;
  section.frame.row_spacing_mm = header.spacing_mm[0];
  section.frame.column_spacing_mm = header.spacing_mm[1];
  section.frame.padding_hu = dicom::kPaddingHu;
  // The slice's own pixels, where these are the model's: nothing is lost by resampling there and back.
  const bool own = alike(header.spacing_mm[0], scale.spacing_mm) && alike(header.spacing_mm[1], scale.spacing_mm);
  if (!own) section.frame.spacing_mm = scale.spacing_mm;
  return section;
}

/// From the ball's middle, in mm, on the slice.
double distance_mm(const NoduleSection& section, const PixelPoint& on_slice) {
  return std::hypot((on_slice.column - section.frame.center_column) * section.frame.column_spacing_mm,
                    (on_slice.row - section.frame.center_row) * section.frame.row_spacing_mm);
}

/// How much of a pixel is new: 1 within, 0 at the region's edge, half a wave of a cosine between.
double weight_at(const NoduleSection& section, double distance_mm) {
  const double inside = (section.region_mm - distance_mm) / section.feather_mm;
  return inside >= 1 ? 1 : (1 - std::cos(std::numbers::pi * std::max(inside, 0.0))) / 2;
}

double bilinear_on_patch(std::span<const std::int16_t> hu, int size, const PixelPoint& at) {
  const double column = std::clamp(at.column, 0.0, size - 1.0);
  const double row = std::clamp(at.row, 0.0, size - 1.0);
  const int x = static_cast<int>(column);
  const int y = static_cast<int>(row);
  const auto value = [&](int dx, int dy) {
    const int right = std::min(x + dx, size - 1);
    const int below = std::min(y + dy, size - 1);
    return static_cast<double>(
        hu[static_cast<std::size_t>(below) * static_cast<std::size_t>(size) + static_cast<std::size_t>(right)]);
  };
  const double fx = column - x;
  const double fy = row - y;
  return (value(0, 0) * (1 - fx) + value(1, 0) * fx) * (1 - fy) + (value(0, 1) * (1 - fx) + value(1, 1) * fx) * fy;
}

/// Calls `visit` for each pixel of the slice within the region: its index, distance from the middle in mm, and place on
/// the patch.
template <class Visit>
void visit_region(const NoduleSection& section, int rows, int columns, const Visit& visit) {
  const PatchFrame& frame = section.frame;
  const auto first = [](double middle, double reach) {
    return std::max(0, static_cast<int>(std::floor(middle - reach)));
  };
  const auto last = [](double middle, double reach, int size) {
    return std::min(size - 1, static_cast<int>(std::ceil(middle + reach)));
  };
  const double across = section.region_mm / frame.column_spacing_mm;
  const double down = section.region_mm / frame.row_spacing_mm;
  for (int y = first(frame.center_row, down); y <= last(frame.center_row, down, rows); ++y) {
    for (int x = first(frame.center_column, across); x <= last(frame.center_column, across, columns); ++x) {
      const PixelPoint pixel{static_cast<double>(x), static_cast<double>(y)};
      const double distance = distance_mm(section, pixel);
      if (distance >= section.region_mm) continue;
      visit(static_cast<std::size_t>(y) * static_cast<std::size_t>(columns) + static_cast<std::size_t>(x), distance,
            on_patch(frame, pixel));
    }
  }
}

void check_sizes(const NoduleSection& section, std::size_t patch, int rows, int columns, std::size_t slice) {
  const auto side = static_cast<std::size_t>(section.frame.size);
  if (patch != side * side || slice != static_cast<std::size_t>(rows) * static_cast<std::size_t>(columns))
    throw Error(ErrorCode::internal, "an insertion: sizes of patch or slice differ");
}

}  // namespace

std::vector<NoduleSection> sections_of(const dicom::OrderedSeries& series, const NoduleBall& ball,
                                       const PatchScale& scale) {
  check_fits(ball.diameter_mm, scale);
  const std::size_t nearest = dicom::nearest_slice(series, ball.at_mm);
  std::vector<NoduleSection> sections;
  for (std::size_t slice = 0; slice < series.slices.size(); ++slice) {
    NoduleSection section = section_on(series, slice, ball, scale);
    if (slice == nearest)
      section.diameter_mm = std::max(section.diameter_mm, std::min(ball.diameter_mm, smallest_section_mm));
    if (section.diameter_mm < smallest_section_mm && slice != nearest) continue;
    section.region_mm = region_radius_mm(section.diameter_mm, scale);
    section.feather_mm = feather_pixels * scale.spacing_mm;
    sections.push_back(section);
  }
  return sections;
}

std::vector<std::uint8_t> region_of(const NoduleSection& section) {
  std::vector<std::uint8_t> region;
  for (int y = 0; y < section.frame.size; ++y) {
    for (int x = 0; x < section.frame.size; ++x) {
      const PixelPoint at = on_slice(section.frame, {static_cast<double>(x), static_cast<double>(y)});
      region.push_back(distance_mm(section, at) < section.region_mm ? 1 : 0);
    }
  }
  return region;
}

std::int64_t blend(const NoduleSection& section, std::span<const std::int16_t> patch_hu, int rows, int columns,
                   std::span<std::int16_t> slice_hu) {
  check_sizes(section, patch_hu.size(), rows, columns, slice_hu.size());
  std::int64_t changed = 0;
  visit_region(section, rows, columns, [&](std::size_t at, double distance, const PixelPoint& on_patch) {
    const std::int16_t before = slice_hu[at];
    if (before == dicom::kPaddingHu) return;
    const double weight = weight_at(section, distance);
    const double made = bilinear_on_patch(patch_hu, section.frame.size, on_patch);
    slice_hu[at] = static_cast<std::int16_t>(std::lround(weight * made + (1 - weight) * before));
    changed += slice_hu[at] != before ? 1 : 0;
  });
  return changed;
}

std::vector<std::uint8_t> outline_on_slice(const NoduleSection& section, std::span<const std::uint8_t> outline,
                                           int rows, int columns) {
  std::vector<std::uint8_t> mask(static_cast<std::size_t>(rows) * static_cast<std::size_t>(columns), 0);
  check_sizes(section, outline.size(), rows, columns, mask.size());
  const int size = section.frame.size;
  visit_region(section, rows, columns, [&](std::size_t at, double /*distance*/, const PixelPoint& on_patch) {
    const int x = std::clamp(static_cast<int>(std::lround(on_patch.column)), 0, size - 1);
    const int y = std::clamp(static_cast<int>(std::lround(on_patch.row)), 0, size - 1);
    mask[at] = outline[static_cast<std::size_t>(y) * static_cast<std::size_t>(size) + static_cast<std::size_t>(x)] != 0
                   ? 1
                   : 0;
  });
  return mask;
}

}  // namespace nodulus::data
