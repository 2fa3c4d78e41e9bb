#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "nodulus/lidc/shape.h"

namespace nodulus::lidc {
namespace {

const Session& session_of(const MarkShape& shape, const Reading& reading) {
  return reading.sessions[static_cast<std::size_t>(shape.ref.session)];
}

const Mark& mark_of(const MarkShape& shape, const Reading& reading) {
  return session_of(shape, reading).marks[static_cast<std::size_t>(shape.ref.mark)];
}

/// The collection's one file of eight sessions holds the readings of two scans; only the first four are the series' own
/// (docs/lidc.md). Sessions of another round never stand beside them.
void keep_first_round(std::vector<MarkShape>& shapes, const Reading& reading, std::vector<Reject>* left_out) {
  if (shapes.empty()) return;
  const int first = std::min_element(shapes.begin(), shapes.end(), [](const MarkShape& a, const MarkShape& b) {
                      return a.round < b.round;
                    })->round;
  if (left_out != nullptr) {
    for (const Session& session : reading.sessions) {
      if (session.round == first) continue;
      left_out->push_back({fmt::format("{}, session {}", reading.where, session.number), "session of another scan",
                           fmt::format("four sessions read a scan; those of round {} stand", first + 1)});
    }
  }
  std::erase_if(shapes, [first](const MarkShape& shape) { return shape.round != first; });
}

/// Whether `small` is, for the most part, within `large`.
bool repeats(const MarkShape& small, const MarkShape& large, double share) {
  return static_cast<double>(shared_voxels(small, large)) >= share * static_cast<double>(small.voxels);
}

}  // namespace

void drop_repeats(std::vector<MarkShape>& shapes, const Reading& reading, const ClusterRule& rule,
                  std::vector<Reject>* left_out) {
  keep_first_round(shapes, reading, left_out);
  std::set<MarkRef> gone;
  for (const MarkShape& small : shapes) {
    for (const MarkShape& large : shapes) {
      if (small.ref.session != large.ref.session || small.ref == large.ref || gone.count(large.ref) > 0) continue;
      if (small.kind == MarkKind::non_nodule || large.kind == MarkKind::non_nodule) continue;
      const bool smaller = small.voxels != large.voxels ? small.voxels < large.voxels : large.ref < small.ref;
      if (!smaller || !repeats(small, large, rule.repeat_share)) continue;
      gone.insert(small.ref);
      if (left_out != nullptr) {
        left_out->push_back({fmt::format("{}, session {}, mark \"{}\"", reading.where,
                                         session_of(small, reading).number, mark_of(small, reading).id),
                             "repeated mark",
                             fmt::format("within mark \"{}\" of the same session", mark_of(large, reading).id)});
      }
      break;
    }
  }
  std::erase_if(shapes, [&gone](const MarkShape& shape) { return gone.count(shape.ref) > 0; });
}

}  // namespace nodulus::lidc
