#include "nodulus/lidc/cluster.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>
#include <set>
#include <tuple>

#include "nodulus/lidc/shape.h"

namespace nodulus::lidc {
namespace {

/// Two marks that may be one lesion; nearest first.
struct Pair {
  double gap_mm;
  double overlap;
  double distance_mm;  ///< Between the centres.
  int a, b;            ///< Places in the order of shapes.
};

double centre_distance(const MarkShape& a, const MarkShape& b) {
  return std::hypot(a.centre_mm[0] - b.centre_mm[0], a.centre_mm[1] - b.centre_mm[1], a.centre_mm[2] - b.centre_mm[2]);
}

/// An order of shapes that does not depend on where they stand in the file.
bool before(const MarkShape& a, const MarkShape& b) {
  const auto key = [](const MarkShape& s) {
    return std::tie(s.round, s.centre_mm[2], s.centre_mm[1], s.centre_mm[0], s.voxels, s.kind);
  };
  return key(a) < key(b);
}

std::vector<Pair> matching_pairs(const std::vector<MarkShape>& shapes, const std::vector<int>& order,
                                 const ScanGeometry& geometry, const ClusterRule& rule) {
  std::vector<Pair> pairs;
  for (std::size_t i = 0; i < order.size(); ++i) {
    for (std::size_t j = i + 1; j < order.size(); ++j) {
      const MarkShape& a = shapes[static_cast<std::size_t>(order[i])];
      const MarkShape& b = shapes[static_cast<std::size_t>(order[j])];
      if (a.round != b.round || a.ref.session == b.ref.session) continue;
      const double gap = gap_mm(a, b, geometry, rule.gap_mm);
      if (gap > rule.gap_mm) continue;
      pairs.push_back(
          {gap, gap > 0 ? 0 : overlap(a, b), centre_distance(a, b), static_cast<int>(i), static_cast<int>(j)});
    }
  }
  return pairs;
}

/// Sets of marks that grow together; never two of one session in a set.
class Groups {
 public:
  Groups(const std::vector<MarkShape>& shapes, const std::vector<int>& order) {
    for (const int shape : order) {
      members_.push_back({shape});
      sessions_.push_back({shapes[static_cast<std::size_t>(shape)].ref.session});
      group_of_.push_back(static_cast<int>(group_of_.size()));
    }
  }

  void join(int a, int b) {
    int to = group_of_[static_cast<std::size_t>(a)], from = group_of_[static_cast<std::size_t>(b)];
    if (to == from) return;
    if (to > from) std::swap(to, from);
    auto& kept = members_[static_cast<std::size_t>(to)];
    auto& gone = members_[static_cast<std::size_t>(from)];
    auto& kept_sessions = sessions_[static_cast<std::size_t>(to)];
    auto& gone_sessions = sessions_[static_cast<std::size_t>(from)];
    for (const int session : gone_sessions) {
      if (kept_sessions.count(session) > 0) return;
    }
    kept.insert(kept.end(), gone.begin(), gone.end());
    kept_sessions.merge(gone_sessions);
    gone.clear();
    for (int& group : group_of_) group = group == from ? to : group;
  }

  std::vector<std::vector<int>> take() {
    std::erase_if(members_, [](const std::vector<int>& group) { return group.empty(); });
    return std::move(members_);
  }

 private:
  std::vector<std::vector<int>> members_;
  std::vector<std::set<int>> sessions_;
  std::vector<int> group_of_;
};

std::array<double, 3> centre_of(const std::vector<int>& group, const std::vector<MarkShape>& shapes) {
  std::array<double, 3> sum = {0, 0, 0};
  for (const int i : group) {
    for (std::size_t axis = 0; axis < 3; ++axis) sum[axis] += shapes[static_cast<std::size_t>(i)].centre_mm[axis];
  }
  for (double& value : sum) value /= static_cast<double>(group.size());
  return {sum[2], sum[1], sum[0]};
}

}  // namespace

std::vector<std::vector<int>> cluster_shapes(const std::vector<MarkShape>& shapes, const ScanGeometry& geometry,
                                             const ClusterRule& rule) {
  std::vector<int> order(shapes.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&shapes](int a, int b) {
    return before(shapes[static_cast<std::size_t>(a)], shapes[static_cast<std::size_t>(b)]);
  });
  std::vector<Pair> pairs = matching_pairs(shapes, order, geometry, rule);
  std::sort(pairs.begin(), pairs.end(), [](const Pair& p, const Pair& q) {
    const auto key = [](const Pair& x) { return std::make_tuple(x.gap_mm, -x.overlap, x.distance_mm, x.a, x.b); };
    return key(p) < key(q);
  });
  Groups groups(shapes, order);
  for (const Pair& pair : pairs) groups.join(pair.a, pair.b);
  auto clusters = groups.take();
  for (auto& cluster : clusters) {
    std::sort(cluster.begin(), cluster.end(), [&shapes](int a, int b) {
      return shapes[static_cast<std::size_t>(a)].ref < shapes[static_cast<std::size_t>(b)].ref;
    });
  }
  std::stable_sort(clusters.begin(), clusters.end(),
                   [&shapes](const auto& a, const auto& b) { return centre_of(a, shapes) < centre_of(b, shapes); });
  return clusters;
}

std::vector<Cluster> cluster_marks(const Reading& reading, const ScanGeometry& geometry, const ClusterRule& rule) {
  std::vector<MarkShape> shapes = mark_shapes(reading, geometry, nullptr);
  drop_unmatched(shapes, reading, rule, nullptr);
  auto groups = cluster_shapes(shapes, geometry, rule);
  drop_repeats(groups, shapes, reading, rule, nullptr);
  std::vector<Cluster> clusters;
  for (const auto& members : groups) {
    Cluster& cluster = clusters.emplace_back();
    for (const int i : members) cluster.push_back(shapes[static_cast<std::size_t>(i)].ref);
  }
  return clusters;
}

}  // namespace nodulus::lidc
