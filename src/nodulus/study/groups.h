#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "nodulus/core/monitor.h"

/// Groups of points without labels, and whether they would be found again.
namespace nodulus::study {

/// Points in one space, [count, dimensions], row-major.
struct Points {
  std::size_t count = 0;
  std::size_t dimensions = 0;
  std::vector<double> values;

  [[nodiscard]] std::span<const double> at(std::size_t i) const {
    return std::span(values).subspan(i * dimensions, dimensions);
  }
  [[nodiscard]] Points of(std::span<const std::size_t> rows) const;
};

struct Groups {
  Points centres;             ///< A row a group, from that with the most points.
  std::vector<int> of_point;  ///< Each point's group, from 0.
  double within = 0;          ///< Sum of the squared distances to the own centre.
};

/// k-means: the best of `restarts` runs of Lloyd's algorithm (1982) from centres drawn as k-means++ draws them (Arthur
/// and Vassilvitskii 2007). Follows from the points and the seed. Error{internal} for k of 0 or above the points.
Groups k_means(const Points& points, std::size_t k, int restarts, std::uint64_t seed);

/// The group of each point: that of the nearest centre.
std::vector<int> nearest_centres(const Points& points, const Points& centres);

/// How groups of one number came out.
struct GroupTrial {
  std::size_t k = 0;
  std::vector<double> jaccard;  ///< A group: how well resampling finds it again, 0 to 1.
  double silhouette = 0;        ///< Mean over points (Rousseeuw 1987).
  [[nodiscard]] double least_jaccard() const;
};

struct GroupingOptions {
  int least = 2;  ///< Numbers of groups that are tried.
  int most = 10;
  int wanted = 0;  ///< This number, whatever its stability; 0: by the criterion.
  int resamplings = 50;
  double stable_from = 0.75;
  std::uint64_t seed = 0;
  int threads = 1;
};

struct Grouping {
  std::vector<GroupTrial> trials;  ///< Ascending k.
  std::size_t chosen = 0;          ///< Index of `trials`.
  bool stable = false;             ///< Each of its groups is.
  Groups groups;
  [[nodiscard]] const GroupTrial& trial() const { return trials.at(chosen); }
};

/// Groups of points, as many as are found again: the largest number all of whose groups have a Jaccard index of
/// `stable_from` or more; where no number has, that with the largest least index, and `stable` is false.
///
/// The index is Hennig's (2007, "Cluster-wise assessment of cluster stability"): units are drawn with replacement and
/// grouped anew; a group's index is the share, of the points that are in it or in the most like new group, that are in
/// both, averaged over resamplings. Hennig calls a group stable from 0.75. `unit` is whose each point is, from 0: a
/// patient's nodules are drawn together. Error{usage} where there are fewer points than groups, Error{stopped}.
Grouping find_groups(const Points& points, std::span<const std::size_t> unit, const GroupingOptions& options,
                     Monitor& monitor);

}  // namespace nodulus::study
