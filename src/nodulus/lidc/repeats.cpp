#include <fmt/format.h>

#include <algorithm>

#include "nodulus/lidc/shape.h"

namespace nodulus::lidc {
namespace {

const Session& session_of(const MarkShape& shape, const Reading& reading) {
  return reading.sessions[static_cast<std::size_t>(shape.ref.session)];
}

const Mark& mark_of(const MarkShape& shape, const Reading& reading) {
  return session_of(shape, reading).marks[static_cast<std::size_t>(shape.ref.mark)];
}

/// Whether `small` is, for the most part, within `large`.
bool repeats(const MarkShape& small, const MarkShape& large, double share) {
  return static_cast<double>(shared_voxels(small, large)) >= share * static_cast<double>(small.voxels);
}

}  // namespace

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

void drop_repeats(std::vector<std::vector<int>>& clusters, const std::vector<MarkShape>& shapes, const Reading& reading,
                  const ClusterRule& rule, std::vector<Reject>* left_out) {
  std::erase_if(clusters, [&](const std::vector<int>& cluster) {
    const MarkShape& small = shapes[static_cast<std::size_t>(cluster.front())];
    if (cluster.size() > 1 || small.kind == MarkKind::non_nodule) return false;
    for (const MarkShape& large : shapes) {
      if (small.ref.session != large.ref.session || small.ref == large.ref || large.kind == MarkKind::non_nodule)
        continue;
      if (large.voxels <= small.voxels || !repeats(small, large, rule.repeat_share)) continue;
      if (left_out != nullptr) {
        left_out->push_back({fmt::format("{}, session {}, mark \"{}\"", reading.where,
                                         session_of(small, reading).number, mark_of(small, reading).id),
                             "repeated mark",
                             fmt::format("within mark \"{}\" of the same session", mark_of(large, reading).id)});
      }
      return true;
    }
    return false;
  });
}

}  // namespace nodulus::lidc
