#pragma once

#include <vector>

#include "nodulus/lidc/geometry.h"
#include "nodulus/lidc/reading.h"

namespace nodulus::lidc {

/// When marks of different readers are one lesion. docs/lidc.md has the reasons, and how the counts change with it.
///
/// Every mark is the set of voxels it holds (an outline's inside; one voxel for a point). Marks of different sessions
/// match when their nearest voxels, taken as boxes, are at most gap_mm apart: overlapping marks have a gap of 0, and so
/// have points on neighbouring slices. Matches join marks into lesions, nearest first (gap, then overlap, then distance
/// of the centres), never two marks of one session in a lesion.
struct ClusterRule {
  /// LIDC's own class limit: two points on a lesion < 3 mm cannot be further apart.
  double gap_mm = 3;
  /// A nodule mark that has at least this part of its voxels within a larger nodule mark of its own session says the
  /// same lesion twice. A point is left out for that; an outline only where no other reader's mark matches it.
  double repeat_share = 0.5;
};

/// A mark's place in a reading.
struct MarkRef {
  int session = 0;
  int mark = 0;
  friend bool operator==(const MarkRef&, const MarkRef&) = default;
  friend auto operator<=>(const MarkRef&, const MarkRef&) = default;
};

/// Marks of different sessions that are one lesion, sorted by session; at most one of each session, all of one round.
using Cluster = std::vector<MarkRef>;

/// Groups all marks of a reading (non-nodules too) into lesions. Every mark with an outline on a slice of the scan is
/// in exactly one cluster. Sorted by z, then y, then x of the centre; independent of the order of sessions and marks.
std::vector<Cluster> cluster_marks(const Reading& reading, const ScanGeometry& geometry, const ClusterRule& rule = {});

}  // namespace nodulus::lidc
