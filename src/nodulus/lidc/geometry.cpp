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

ScanGeometry series_geometry(const dicom::OrderedSeries& series) {
  ScanGeometry geometry;
  geometry.assumed = false;
  geometry.slice_spacing_mm = series.slice_spacing_mm;
  for (std::size_t i = 0; i < series.slices.size(); ++i) {
    geometry.slices.push_back({series.slices[i].sop_uid, series.z_mm[i]});
  }
  if (!series.slices.empty()) {
    const dicom::SliceHeader& first = series.slices.front();
    geometry.row_spacing_mm = first.spacing_mm[0];
    geometry.column_spacing_mm = first.spacing_mm[1];
    geometry.columns = first.columns;
    geometry.rows = first.rows;
    geometry.origin_mm = {first.position_mm[0], first.position_mm[1]};
  }
  return geometry;
}

SliceIndex::SliceIndex(const ScanGeometry& geometry) {
  for (std::size_t i = 0; i < geometry.slices.size(); ++i) {
    by_uid_[geometry.slices[i].sop_uid].push_back({static_cast<int>(i), geometry.slices[i].z_mm});
  }
}

int SliceIndex::find(const std::string& sop_uid, double z_mm) const {
  const auto found = by_uid_.find(sop_uid);
  if (found == by_uid_.end()) return -1;
  const auto distance = [z_mm](const Slice& slice) { return std::abs(slice.z_mm - z_mm); };
  return std::min_element(found->second.begin(), found->second.end(),
                          [&distance](const Slice& a, const Slice& b) { return distance(a) < distance(b); })
      ->index;
}

}  // namespace nodulus::lidc
