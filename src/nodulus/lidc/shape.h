#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "nodulus/core/reject.h"
#include "nodulus/lidc/cluster.h"
#include "nodulus/lidc/geometry.h"
#include "nodulus/lidc/mask.h"
#include "nodulus/lidc/reading.h"

namespace nodulus::lidc {

/// The pixels that a mark holds on one slice.
struct ShapeSlice {
  int slice = 0;  ///< Index into ScanGeometry::slices.
  double z_mm = 0;
  PixelMask mask;
};

/// A mark as the voxels it holds: a point is one voxel.
struct MarkShape {
  MarkRef ref;
  int round = 0;
  MarkKind kind = MarkKind::nodule;
  std::vector<ShapeSlice> slices;  ///< By z, then slice; never empty, no empty mask.
  std::int64_t voxels = 0;
  std::array<double, 3> centre_mm = {0, 0, 0};  ///< Mean of the voxel centres: x, y from pixel (0, 0), z.
  Pixel low, high;                              ///< The rectangle that holds all pixels, both ends included.
};

/// The shapes of a reading's marks. Outlines on slices that the scan does not have and, where the geometry is the
/// series' own, outlines beyond the image are left out and go to `left_out` (may be null), one line a mark.
std::vector<MarkShape> mark_shapes(const Reading& reading, const ScanGeometry& geometry, std::vector<Reject>* left_out);

/// Leaves the shapes that are matched. What goes is listed: sessions of another round than the first that has a shape
/// ("session of another scan"); points within an outline of the same session's nodules ("repeated mark").
void drop_unmatched(std::vector<MarkShape>& shapes, const Reading& reading, const ClusterRule& rule,
                    std::vector<Reject>* left_out);

/// Takes out lesions that are one nodule mark within another nodule mark of the same session
/// (ClusterRule::repeat_share); each is listed as "repeated mark".
void drop_repeats(std::vector<std::vector<int>>& clusters, const std::vector<MarkShape>& shapes, const Reading& reading,
                  const ClusterRule& rule, std::vector<Reject>* left_out);

/// Distance in mm between the nearest voxels of two shapes, as boxes: 0 where they share a voxel or touch, also across
/// one slice. Infinity where it is more than `limit_mm`.
double gap_mm(const MarkShape& a, const MarkShape& b, const ScanGeometry& geometry, double limit_mm);

/// Voxels that both hold.
std::int64_t shared_voxels(const MarkShape& a, const MarkShape& b);

/// Voxels that both hold over voxels that either holds (Jaccard index), 0 to 1.
double overlap(const MarkShape& a, const MarkShape& b);

/// The matching of ClusterRule; a cluster is a list of indices into `shapes`, and each shape is in exactly one. Sorted
/// by z, then y, then x of the centre.
std::vector<std::vector<int>> cluster_shapes(const std::vector<MarkShape>& shapes, const ScanGeometry& geometry,
                                             const ClusterRule& rule);

}  // namespace nodulus::lidc
