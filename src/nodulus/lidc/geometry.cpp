#include "nodulus/lidc/geometry.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <set>

namespace nodulus::lidc {
namespace {

/// The most frequent key, the smallest of equals.
template <typename Key>
const Key& most_frequent(const std::map<Key, int>& counts) {
  return std::max_element(counts.begin(), counts.end(),
                          [](const auto& a, const auto& b) { return a.second < b.second; })
      ->first;
}

template <typename Visit>
void for_each_outline(const Reading& reading, Visit visit) {
  for (const Session& session : reading.sessions) {
    for (const Mark& mark : session.marks) {
      for (const Outline& outline : mark.outlines) visit(outline);
    }
  }
}

/// Steps between neighbouring slices of one mark, in micrometres, so that equal steps compare equal.
std::map<std::int64_t, int> steps_within_marks(const Reading& reading) {
  std::map<std::int64_t, int> steps;
  for (const Session& session : reading.sessions) {
    for (const Mark& mark : session.marks) {
      std::set<double> positions;
      for (const Outline& outline : mark.outlines) positions.insert(outline.z_mm);
      const double* before = nullptr;
      for (const double& z : positions) {
        if (before != nullptr) {
          const std::int64_t step = std::llround((z - *before) * 1000);
          if (step > 0) ++steps[step];
        }
        before = &z;
      }
    }
  }
  return steps;
}

}  // namespace

ScanGeometry assumed_geometry(const Reading& reading, double pixel_spacing_mm) {
  ScanGeometry geometry;
  geometry.column_spacing_mm = geometry.row_spacing_mm = pixel_spacing_mm;
  const auto steps = steps_within_marks(reading);
  geometry.slice_spacing_mm = steps.empty() ? kAssumedSliceSpacingMm : static_cast<double>(most_frequent(steps)) / 1000;
  std::map<std::string, std::map<double, int>> positions;
  for_each_outline(reading, [&positions](const Outline& outline) { ++positions[outline.sop_uid][outline.z_mm]; });
  for (const auto& [uid, counts] : positions) geometry.slices.push_back({uid, most_frequent(counts)});
  std::stable_sort(geometry.slices.begin(), geometry.slices.end(),
                   [](const ScanSlice& a, const ScanSlice& b) { return a.z_mm < b.z_mm; });
  return geometry;
}

SliceIndex::SliceIndex(const ScanGeometry& geometry) {
  for (std::size_t i = 0; i < geometry.slices.size(); ++i) {
    by_uid_.emplace(geometry.slices[i].sop_uid, static_cast<int>(i));
  }
}

int SliceIndex::find(const std::string& sop_uid) const {
  const auto found = by_uid_.find(sop_uid);
  return found == by_uid_.end() ? -1 : found->second;
}

}  // namespace nodulus::lidc
