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

/// The nodule mark of the same session that holds most of this one; null where there is none.
const MarkShape* repeated_by(const MarkShape& small, const std::vector<MarkShape>& shapes, double share) {
  if (small.kind == MarkKind::non_nodule) return nullptr;
  for (const MarkShape& large : shapes) {
    if (large.ref.session != small.ref.session || large.kind == MarkKind::non_nodule) continue;
    if (large.voxels <= small.voxels) continue;
    if (static_cast<double>(shared_voxels(small, large)) >= share * static_cast<double>(small.voxels)) return &large;
  }
  return nullptr;
}

void list_repeat(const MarkShape& small, const MarkShape& large, const Reading& reading,
                 std::vector<Reject>* left_out) {
  if (left_out == nullptr) return;
  left_out->push_back({fmt::format("{}, session {}, mark \"{}\"", reading.where, session_of(small, reading).number,
                                   mark_of(small, reading).id),
                       "repeated mark",
                       fmt::format("within mark \"{}\" of the same session", mark_of(large, reading).id)});
}

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

}  // namespace

void drop_unmatched(std::vector<MarkShape>& shapes, const Reading& reading, const ClusterRule& rule,
                    std::vector<Reject>* left_out) {
  keep_first_round(shapes, reading, left_out);
  std::set<MarkRef> repeats;
  for (const MarkShape& shape : shapes) {
    const MarkShape* large = shape.voxels == 1 ? repeated_by(shape, shapes, rule.repeat_share) : nullptr;
    if (large == nullptr) continue;
    list_repeat(shape, *large, reading, left_out);
    repeats.insert(shape.ref);
  }
  std::erase_if(shapes, [&repeats](const MarkShape& shape) { return repeats.count(shape.ref) > 0; });
}

void drop_repeats(std::vector<std::vector<int>>& clusters, const std::vector<MarkShape>& shapes, const Reading& reading,
                  const ClusterRule& rule, std::vector<Reject>* left_out) {
  std::erase_if(clusters, [&](const std::vector<int>& cluster) {
    if (cluster.size() > 1) return false;
    const MarkShape& small = shapes[static_cast<std::size_t>(cluster.front())];
    const MarkShape* large = repeated_by(small, shapes, rule.repeat_share);
    if (large != nullptr) list_repeat(small, *large, reading, left_out);
    return large != nullptr;
  });
}

}  // namespace nodulus::lidc
