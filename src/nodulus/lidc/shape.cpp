#include "nodulus/lidc/shape.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <map>

namespace nodulus::lidc {
namespace {

bool within_image(const Outline& outline, const ScanGeometry& geometry) {
  return std::all_of(outline.edge.begin(), outline.edge.end(),
                     [&geometry](const Pixel& p) { return p.x < geometry.columns && p.y < geometry.rows; });
}

void measure(MarkShape& shape, const ScanGeometry& geometry) {
  double x_sum = 0, y_sum = 0, z_sum = 0;
  const PixelMask& first = shape.slices.front().mask;
  shape.low = {first.x0, first.y0};
  shape.high = shape.low;
  for (const ShapeSlice& slice : shape.slices) {
    const PixelMask& mask = slice.mask;
    shape.low = {std::min(shape.low.x, mask.x0), std::min(shape.low.y, mask.y0)};
    shape.high = {std::max(shape.high.x, mask.x0 + mask.width - 1), std::max(shape.high.y, mask.y0 + mask.height - 1)};
    std::size_t i = 0;
    for (int row = 0; row < mask.height; ++row) {
      for (int column = 0; column < mask.width; ++column, ++i) {
        if (mask.values[i] == 0) continue;
        ++shape.voxels;
        x_sum += mask.x0 + column;
        y_sum += mask.y0 + row;
        z_sum += slice.z_mm;
      }
    }
  }
  const auto count = static_cast<double>(shape.voxels);
  shape.centre_mm = {x_sum / count * geometry.column_spacing_mm, y_sum / count * geometry.row_spacing_mm,
                     z_sum / count};
}

/// Pixels without a neighbour on one of their four sides: the nearest pixel to anything outside is among them.
std::vector<Pixel> border(const PixelMask& mask) {
  std::vector<Pixel> pixels;
  for (int y = mask.y0; y < mask.y0 + mask.height; ++y) {
    for (int x = mask.x0; x < mask.x0 + mask.width; ++x) {
      if (mask.at(x, y) == 0) continue;
      const bool inner =
          mask.at(x - 1, y) != 0 && mask.at(x + 1, y) != 0 && mask.at(x, y - 1) != 0 && mask.at(x, y + 1) != 0;
      if (!inner) pixels.push_back({x, y});
    }
  }
  return pixels;
}

std::int64_t shared_pixels(const PixelMask& a, const PixelMask& b) {
  const int x_end = std::min(a.x0 + a.width, b.x0 + b.width), y_end = std::min(a.y0 + a.height, b.y0 + b.height);
  std::int64_t count = 0;
  for (int y = std::max(a.y0, b.y0); y < y_end; ++y) {
    for (int x = std::max(a.x0, b.x0); x < x_end; ++x) count += a.at(x, y) != 0 && b.at(x, y) != 0;
  }
  return count;
}

/// Free distance between two intervals of pixels, in mm: 0 where they overlap or touch.
double interval_gap(int low_a, int high_a, int low_b, int high_b, double spacing_mm) {
  return std::max({0, low_b - high_a - 1, low_a - high_b - 1}) * spacing_mm;
}

double box_gap_mm(const PixelMask& a, const PixelMask& b, const ScanGeometry& geometry) {
  return std::hypot(interval_gap(a.x0, a.x0 + a.width - 1, b.x0, b.x0 + b.width - 1, geometry.column_spacing_mm),
                    interval_gap(a.y0, a.y0 + a.height - 1, b.y0, b.y0 + b.height - 1, geometry.row_spacing_mm));
}

/// Distance between the nearest pixels of two masks, as squares, within the plane.
double plane_gap_mm(const PixelMask& a, const PixelMask& b, const ScanGeometry& geometry) {
  if (shared_pixels(a, b) > 0) return 0;
  double least = std::numeric_limits<double>::infinity();
  const std::vector<Pixel> border_b = border(b);
  for (const Pixel& p : border(a)) {
    for (const Pixel& q : border_b) {
      const double dx = std::max(0, std::abs(p.x - q.x) - 1) * geometry.column_spacing_mm;
      const double dy = std::max(0, std::abs(p.y - q.y) - 1) * geometry.row_spacing_mm;
      least = std::min(least, dx * dx + dy * dy);
    }
  }
  return std::sqrt(least);
}

}  // namespace

std::vector<MarkShape> mark_shapes(const Reading& reading, const ScanGeometry& geometry,
                                   std::vector<Reject>* left_out) {
  const SliceIndex index(geometry);
  std::vector<MarkShape> shapes;
  for (std::size_t s = 0; s < reading.sessions.size(); ++s) {
    const Session& session = reading.sessions[s];
    for (std::size_t m = 0; m < session.marks.size(); ++m) {
      const Mark& mark = session.marks[m];
      std::map<int, std::vector<const Outline*>> by_slice;
      std::size_t no_slice = 0, beyond = 0;
      for (const Outline& outline : mark.outlines) {
        const int slice = index.find(outline.sop_uid, outline.z_mm);
        const bool inside = geometry.assumed || within_image(outline, geometry);
        if (slice >= 0 && inside) by_slice[slice].push_back(&outline);
        no_slice += slice < 0;
        beyond += slice >= 0 && !inside;
      }
      if (left_out != nullptr && no_slice + beyond > 0) {
        left_out->push_back(
            {fmt::format("{}, session {}, {} \"{}\"", reading.where, session.number, name(mark.kind), mark.id),
             no_slice > 0 ? "mark outside the series" : "mark outside the image",
             fmt::format("{} of its {} outlines are on images that the series does not have, {} reach "
                         "beyond the image",
                         no_slice, mark.outlines.size(), beyond)});
      }
      MarkShape shape;
      shape.ref = {static_cast<int>(s), static_cast<int>(m)};
      shape.round = session.round;
      shape.kind = mark.kind;
      for (const auto& [slice, outlines] : by_slice) {
        PixelMask mask = reader_mask(outlines);
        if (mask.empty()) continue;
        shape.slices.push_back({slice, geometry.slices[static_cast<std::size_t>(slice)].z_mm, std::move(mask)});
      }
      if (shape.slices.empty()) continue;
      measure(shape, geometry);
      shapes.push_back(std::move(shape));
    }
  }
  return shapes;
}

double gap_mm(const MarkShape& a, const MarkShape& b, const ScanGeometry& geometry, double limit_mm) {
  constexpr double kFar = std::numeric_limits<double>::infinity();
  const double across = std::hypot(interval_gap(a.low.x, a.high.x, b.low.x, b.high.x, geometry.column_spacing_mm),
                                   interval_gap(a.low.y, a.high.y, b.low.y, b.high.y, geometry.row_spacing_mm));
  if (across > limit_mm) return kFar;
  double least = kFar;
  for (const ShapeSlice& p : a.slices) {
    for (const ShapeSlice& q : b.slices) {
      // A micrometre of slack: positions are decimal text and differences of them are not exact.
      double along = std::abs(p.z_mm - q.z_mm) - geometry.slice_spacing_mm;
      along = along < 1e-3 ? 0 : along;
      const double bound = std::hypot(along, box_gap_mm(p.mask, q.mask, geometry));
      if (bound > limit_mm || bound >= least) continue;
      least = std::min(least, std::hypot(along, plane_gap_mm(p.mask, q.mask, geometry)));
      if (least == 0) return 0;
    }
  }
  return least <= limit_mm ? least : kFar;
}

std::int64_t shared_voxels(const MarkShape& a, const MarkShape& b) {
  std::int64_t shared = 0;
  for (const ShapeSlice& p : a.slices) {
    for (const ShapeSlice& q : b.slices) {
      if (p.slice == q.slice) shared += shared_pixels(p.mask, q.mask);
    }
  }
  return shared;
}

double overlap(const MarkShape& a, const MarkShape& b) {
  const std::int64_t shared = shared_voxels(a, b);
  return static_cast<double>(shared) / static_cast<double>(a.voxels + b.voxels - shared);
}

}  // namespace nodulus::lidc
