#include "nodulus/lidc/nodule.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numbers>

#include "nodulus/lidc/shape.h"

namespace nodulus::lidc {
namespace {

using Members = std::vector<const MarkShape*>;

int count_kind(const Members& members, MarkKind kind) {
  return static_cast<int>(
      std::count_if(members.begin(), members.end(), [kind](const MarkShape* shape) { return shape->kind == kind; }));
}

/// The marks whose outlines make the consensus: nodules >= 3 mm, without mere points where anyone drew an outline.
Members outlining(const Members& members) {
  Members drawn, points;
  for (const MarkShape* shape : members) {
    if (shape->kind == MarkKind::nodule) (shape->voxels > 1 ? drawn : points).push_back(shape);
  }
  return drawn.empty() ? points : drawn;
}

std::vector<NoduleSlice> slices_of(const Members& readers, const ScanGeometry& geometry) {
  std::map<int, std::vector<PixelMask>> masks;
  for (const MarkShape* shape : readers) {
    for (const ShapeSlice& slice : shape->slices) masks[slice.slice].push_back(slice.mask);
  }
  std::vector<NoduleSlice> slices;
  int most = 0;
  for (const auto& [slice, of_slice] : masks) {
    const ScanSlice& scan_slice = geometry.slices[static_cast<std::size_t>(slice)];
    slices.push_back({slice, scan_slice.sop_uid, scan_slice.z_mm, count_masks(of_slice), {}});
    const auto& counts = slices.back().readers.values;
    most = std::max<int>(most, *std::max_element(counts.begin(), counts.end()));
  }
  // Outlines of three or four readers may share no pixel: then the pixels that most of them share stand for the half.
  const int needed = std::min(static_cast<int>(readers.size()), 2 * most);
  for (NoduleSlice& slice : slices) slice.consensus = consensus(slice.readers, needed);
  std::stable_sort(slices.begin(), slices.end(),
                   [](const NoduleSlice& a, const NoduleSlice& b) { return a.z_mm < b.z_mm; });
  return slices;
}

/// Largest distance between two corners of pixels of the mask, in mm.
double extent_mm(const PixelMask& mask, const ScanGeometry& geometry) {
  std::vector<std::array<double, 2>> corners;
  for (int y = mask.y0; y < mask.y0 + mask.height; ++y) {
    int first = mask.x0, last = mask.x0 + mask.width - 1;
    while (first <= last && mask.at(first, y) == 0) ++first;
    while (last >= first && mask.at(last, y) == 0) --last;
    if (first > last) continue;
    for (const int row : {y, y + 1}) {
      corners.push_back({first * geometry.column_spacing_mm, row * geometry.row_spacing_mm});
      corners.push_back({(last + 1) * geometry.column_spacing_mm, row * geometry.row_spacing_mm});
    }
  }
  double largest = 0;
  for (std::size_t i = 0; i < corners.size(); ++i) {
    for (std::size_t j = i + 1; j < corners.size(); ++j) {
      const double dx = corners[i][0] - corners[j][0], dy = corners[i][1] - corners[j][1];
      largest = std::max(largest, dx * dx + dy * dy);
    }
  }
  return std::sqrt(largest);
}

/// Sums over voxels, for a centroid.
struct VoxelSum {
  double column = 0, row = 0, slice = 0, z_mm = 0, count = 0;

  void add(const PixelMask& mask, int slice_index, double slice_z_mm) {
    std::size_t i = 0;
    for (int y = mask.y0; y < mask.y0 + mask.height; ++y) {
      for (int x = mask.x0; x < mask.x0 + mask.width; ++x, ++i) {
        if (mask.values[i] == 0) continue;
        column += x;
        row += y;
        slice += slice_index;
        z_mm += slice_z_mm;
        ++count;
      }
    }
  }
};

void set_centroid(Nodule& nodule, const VoxelSum& sum, const ScanGeometry& geometry) {
  nodule.centroid_px = {sum.column / sum.count, sum.row / sum.count, sum.slice / sum.count};
  nodule.centroid_mm = {geometry.origin_mm[0] + nodule.centroid_px[0] * geometry.column_spacing_mm,
                        geometry.origin_mm[1] + nodule.centroid_px[1] * geometry.row_spacing_mm, sum.z_mm / sum.count};
}

void measure_outlined(Nodule& nodule, const ScanGeometry& geometry) {
  VoxelSum sum;
  for (const NoduleSlice& slice : nodule.slices) {
    sum.add(slice.consensus, slice.slice, slice.z_mm);
    nodule.diameter_mm = std::max(nodule.diameter_mm, extent_mm(slice.consensus, geometry));
  }
  set_centroid(nodule, sum, geometry);
  nodule.volume_mm3 = sum.count * geometry.column_spacing_mm * geometry.row_spacing_mm * geometry.slice_spacing_mm;
  nodule.equivalent_diameter_mm = std::cbrt(6 * nodule.volume_mm3 / std::numbers::pi);
}

/// The mean of the points of the readers who made the lesion's claim.
void measure_points(Nodule& nodule, const Members& members, const ScanGeometry& geometry) {
  const MarkKind kind = nodule.size_class == SizeClass::small_nodule ? MarkKind::small_nodule : MarkKind::non_nodule;
  VoxelSum sum;
  for (const MarkShape* shape : members) {
    if (shape->kind != kind) continue;
    for (const ShapeSlice& slice : shape->slices) sum.add(slice.mask, slice.slice, slice.z_mm);
  }
  set_centroid(nodule, sum, geometry);
}

void summarize_ratings(Nodule& nodule, const Members& members, const Reading& reading) {
  std::array<std::vector<int>, 9> values;
  for (const MarkShape* shape : members) {
    if (shape->kind != MarkKind::nodule) continue;
    const Session& session = reading.sessions[static_cast<std::size_t>(shape->ref.session)];
    const Characteristics given =
        session.marks[static_cast<std::size_t>(shape->ref.mark)].characteristics.value_or(Characteristics{});
    for (std::size_t i = 0; i < given.size(); ++i) values[i].push_back(given[i]);
  }
  for (std::size_t i = 0; i < values.size(); ++i) nodule.characteristics[i] = summarize(std::move(values[i]));
}

Nodule sum_up(const Members& members, const Reading& reading, const ScanGeometry& geometry) {
  Nodule nodule;
  for (const MarkShape* shape : members) nodule.marks.push_back(shape->ref);
  nodule.readers = static_cast<int>(members.size());
  nodule.readers_nodule = count_kind(members, MarkKind::nodule);
  nodule.readers_small = count_kind(members, MarkKind::small_nodule);
  nodule.readers_non_nodule = count_kind(members, MarkKind::non_nodule);
  nodule.readers_possible = static_cast<int>(
      std::count_if(reading.sessions.begin(), reading.sessions.end(),
                    [&members](const Session& session) { return session.round == members.front()->round; }));
  nodule.size_class = nodule.readers_nodule > 0  ? SizeClass::nodule
                      : nodule.readers_small > 0 ? SizeClass::small_nodule
                                                 : SizeClass::non_nodule;
  if (nodule.size_class == SizeClass::nodule) {
    const Members readers = outlining(members);
    nodule.readers_outlining = static_cast<int>(readers.size());
    nodule.slices = slices_of(readers, geometry);
    measure_outlined(nodule, geometry);
  } else {
    measure_points(nodule, members, geometry);
  }
  summarize_ratings(nodule, members, reading);
  return nodule;
}

}  // namespace

std::string_view name(SizeClass size_class) {
  switch (size_class) {
    case SizeClass::nodule: return ">=3mm";
    case SizeClass::small_nodule: return "<3mm";
    case SizeClass::non_nodule: return "non-nodule";
  }
  return ">=3mm";
}

NoduleList find_nodules(const Reading& reading, const ScanGeometry& geometry, const ClusterRule& rule) {
  NoduleList list;
  std::vector<MarkShape> shapes = mark_shapes(reading, geometry, &list.left_out);
  drop_unmatched(shapes, reading, rule, &list.left_out);
  auto clusters = cluster_shapes(shapes, geometry, rule);
  drop_repeats(clusters, shapes, reading, rule, &list.left_out);
  for (const std::vector<int>& cluster : clusters) {
    Members members;
    for (const int i : cluster) members.push_back(&shapes[static_cast<std::size_t>(i)]);
    list.nodules.push_back(sum_up(members, reading, geometry));
    list.nodules.back().number = static_cast<int>(list.nodules.size());
  }
  return list;
}

}  // namespace nodulus::lidc
