#pragma once

#include <vector>

#include "nodulus/lidc/geometry.h"
#include "nodulus/lidc/reading.h"

namespace nodulus::lidc {

/// When marks of different readers are one lesion. docs/lidc.md has the reasons and the sensitivity to each.
struct ClusterRule {
  double gap_mm = 3;             ///< Nodule marks match when their nearest voxels lie at most this far apart.
  double non_nodule_gap_mm = 3;  ///< The same where one of the two is a non-nodule.
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
