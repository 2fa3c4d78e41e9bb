#include "nodulus/study/groups.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "nodulus/core/error.h"
#include "nodulus/core/seed.h"
#include "nodulus/core/threads.h"

namespace nodulus::study {
namespace {

constexpr int most_rounds = 200;
constexpr int restarts_for_choice = 10;
constexpr int restarts_for_resampling = 5;

double squared_distance(std::span<const double> a, std::span<const double> b) {
  double sum = 0;
  for (std::size_t j = 0; j < a.size(); ++j) sum += (a[j] - b[j]) * (a[j] - b[j]);
  return sum;
}

struct Nearest {
  int centre = 0;
  double squared = 0;
};

Nearest nearest_of(std::span<const double> point, const Points& centres) {
  Nearest best{0, std::numeric_limits<double>::infinity()};
  for (std::size_t g = 0; g < centres.count; ++g) {
    const double squared = squared_distance(point, centres.at(g));
    if (squared < best.squared) best = {static_cast<int>(g), squared};
  }
  return best;
}

/// The point at which the running sum of the weights passes `share` of all.
std::size_t drawn_by_weight(std::span<const double> weights, double share) {
  const double all = std::accumulate(weights.begin(), weights.end(), 0.0);
  double sum = 0;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    sum += weights[i];
    if (weights[i] > 0 && sum >= share * all) return i;
  }
  return 0;  // all points are centres already
}

Points first_centres(const Points& points, std::size_t k, std::uint64_t seed) {
  std::vector<float> shares(k);
  RandomStream(seed).fill_uniform(shares);
  std::vector<double> weights(points.count, 1.0);
  std::vector<std::size_t> rows;
  for (std::size_t g = 0; g < k; ++g) {
    rows.push_back(drawn_by_weight(weights, static_cast<double>(shares[g])));
    for (std::size_t i = 0; i < points.count; ++i) {
      const double squared = squared_distance(points.at(i), points.at(rows.back()));
      weights[i] = g == 0 ? squared : std::min(weights[i], squared);
    }
  }
  return points.of(rows);
}

/// Moves each centre to the mean of its points; one without points stays.
void move_centres(const Points& points, Groups& groups) {
  Points means{groups.centres.count, points.dimensions, std::vector<double>(groups.centres.values.size(), 0.0)};
  std::vector<double> members(groups.centres.count, 0.0);
  for (std::size_t i = 0; i < points.count; ++i) {
    const auto g = static_cast<std::size_t>(groups.of_point[i]);
    ++members[g];
    for (std::size_t j = 0; j < points.dimensions; ++j)
      means.values[g * points.dimensions + j] += points.values[i * points.dimensions + j];
  }
  for (std::size_t g = 0; g < groups.centres.count; ++g) {
    if (members[g] == 0) continue;
    for (std::size_t j = 0; j < points.dimensions; ++j)
      groups.centres.values[g * points.dimensions + j] = means.values[g * points.dimensions + j] / members[g];
  }
}

Groups lloyd(const Points& points, std::size_t k, std::uint64_t seed) {
  Groups groups;
  groups.centres = first_centres(points, k, seed);
  for (int round = 0; round < most_rounds; ++round) {
    std::vector<int> of_point(points.count);
    groups.within = 0;
    for (std::size_t i = 0; i < points.count; ++i) {
      const Nearest nearest = nearest_of(points.at(i), groups.centres);
      of_point[i] = nearest.centre;
      groups.within += nearest.squared;
    }
    const bool settled = of_point == groups.of_point;
    groups.of_point = std::move(of_point);
    if (settled) break;
    move_centres(points, groups);
  }
  return groups;
}

std::vector<std::size_t> members_of(const Groups& groups) {
  std::vector<std::size_t> members(groups.centres.count, 0);
  for (const int g : groups.of_point) ++members[static_cast<std::size_t>(g)];
  return members;
}

/// From the group with the most points to that with the fewest.
void put_in_order(Groups& groups) {
  const std::vector<std::size_t> members = members_of(groups);
  std::vector<std::size_t> order(members.size());
  std::iota(order.begin(), order.end(), 0U);
  std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return members[a] > members[b]; });
  std::vector<int> place(order.size());
  for (std::size_t g = 0; g < order.size(); ++g) place[order[g]] = static_cast<int>(g);
  groups.centres = groups.centres.of(order);
  for (int& g : groups.of_point) g = place[static_cast<std::size_t>(g)];
}

/// Of each group the best overlap with a new one, over the points of the resampling.
std::vector<double> overlaps(const Groups& groups, const std::vector<int>& anew, std::span<const std::size_t> rows) {
  const std::size_t k = groups.centres.count;
  std::vector<double> both(k * k, 0.0);
  std::vector<double> old_size(k, 0.0);
  std::vector<double> new_size(k, 0.0);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto was = static_cast<std::size_t>(groups.of_point[rows[i]]);
    const auto is = static_cast<std::size_t>(anew[i]);
    ++both[was * k + is];
    ++old_size[was];
    ++new_size[is];
  }
  std::vector<double> best(k, 0.0);
  for (std::size_t was = 0; was < k; ++was) {
    for (std::size_t is = 0; is < k; ++is) {
      const double either = old_size[was] + new_size[is] - both[was * k + is];
      if (either > 0) best[was] = std::max(best[was], both[was * k + is] / either);
    }
  }
  return best;
}

std::vector<std::vector<std::size_t>> rows_of_units(std::span<const std::size_t> unit) {
  std::vector<std::vector<std::size_t>> rows(unit.empty() ? 0 : *std::max_element(unit.begin(), unit.end()) + 1);
  for (std::size_t i = 0; i < unit.size(); ++i) rows[unit[i]].push_back(i);
  return rows;
}

std::vector<double> jaccard_of(const Points& points, const std::vector<std::vector<std::size_t>>& units,
                               const Groups& groups, const GroupingOptions& options) {
  const std::size_t k = groups.centres.count;
  const auto draws = static_cast<std::size_t>(options.resamplings);
  std::vector<std::vector<double>> found(draws);
  parallel_for(options.resamplings, options.threads, [&](std::int64_t draw) {
    const std::uint64_t seed =
        derive_seed(derive_seed(options.seed, "resampling"), static_cast<std::uint64_t>(draw) * 1000 + k);
    const RandomStream random(seed);
    std::vector<std::size_t> rows;
    std::vector<std::size_t> distinct;
    std::vector<char> drawn(units.size(), 0);
    for (std::size_t u = 0; u < units.size(); ++u) {
      const std::size_t which = random.below(u, units.size());
      rows.insert(rows.end(), units[which].begin(), units[which].end());
      if (drawn[which] == 0) distinct.insert(distinct.end(), units[which].begin(), units[which].end());
      drawn[which] = 1;
    }
    if (rows.size() < k) return;  // found again by none: an index of 0
    const Groups anew = k_means(points.of(rows), k, restarts_for_resampling, seed);
    found[static_cast<std::size_t>(draw)] =
        overlaps(groups, nearest_centres(points.of(distinct), anew.centres), distinct);
  });
  std::vector<double> mean(k, 0.0);
  for (const auto& one : found)
    for (std::size_t g = 0; g < one.size(); ++g) mean[g] += one[g] / static_cast<double>(draws);
  return mean;
}

double silhouette_of(const Points& points, const Groups& groups, int threads) {
  const std::vector<std::size_t> members = members_of(groups);
  std::vector<double> widths(points.count, 0.0);
  parallel_for(static_cast<std::int64_t>(points.count), threads, [&](std::int64_t row) {
    const auto i = static_cast<std::size_t>(row);
    const auto own = static_cast<std::size_t>(groups.of_point[i]);
    if (members[own] < 2) return;  // alone: 0 by definition
    std::vector<double> mean(members.size(), 0.0);
    for (std::size_t other = 0; other < points.count; ++other)
      mean[static_cast<std::size_t>(groups.of_point[other])] +=
          std::sqrt(squared_distance(points.at(i), points.at(other)));
    double nearest = std::numeric_limits<double>::infinity();
    for (std::size_t g = 0; g < members.size(); ++g) {
      if (g != own && members[g] > 0) nearest = std::min(nearest, mean[g] / static_cast<double>(members[g]));
    }
    const double within = mean[own] / static_cast<double>(members[own] - 1);
    const double larger = std::max(within, nearest);
    if (larger > 0 && std::isfinite(larger)) widths[i] = (nearest - within) / larger;
  });
  return std::accumulate(widths.begin(), widths.end(), 0.0) / static_cast<double>(points.count);
}

/// The largest number of groups that are all stable; else that whose least stable group is the most stable.
std::size_t choice_of(const std::vector<GroupTrial>& trials, double stable_from) {
  std::size_t best = 0;
  for (std::size_t t = 1; t < trials.size(); ++t) {
    const double least = trials[t].least_jaccard();
    if (least >= stable_from || (trials[best].least_jaccard() < stable_from && least > trials[best].least_jaccard()))
      best = t;
  }
  return best;
}

}  // namespace

Points Points::of(std::span<const std::size_t> rows) const {
  Points some{rows.size(), dimensions, {}};
  some.values.reserve(rows.size() * dimensions);
  for (const std::size_t row : rows) {
    const auto point = at(row);
    some.values.insert(some.values.end(), point.begin(), point.end());
  }
  return some;
}

double GroupTrial::least_jaccard() const { return *std::min_element(jaccard.begin(), jaccard.end()); }

std::vector<int> nearest_centres(const Points& points, const Points& centres) {
  std::vector<int> of_point(points.count);
  for (std::size_t i = 0; i < points.count; ++i) of_point[i] = nearest_of(points.at(i), centres).centre;
  return of_point;
}

Groups k_means(const Points& points, std::size_t k, int restarts, std::uint64_t seed) {
  if (k < 1 || k > points.count)
    throw Error(ErrorCode::internal, fmt::format("k_means: {} groups of {} points", k, points.count));
  Groups best;
  for (int run = 0; run < std::max(1, restarts); ++run) {
    Groups groups = lloyd(points, k, derive_seed(seed, static_cast<std::uint64_t>(run)));
    if (run == 0 || groups.within < best.within) best = std::move(groups);
  }
  put_in_order(best);
  return best;
}

Grouping find_groups(const Points& points, std::span<const std::size_t> unit, const GroupingOptions& options,
                     Monitor& monitor) {
  if (unit.size() != points.count) throw Error(ErrorCode::internal, "find_groups: expected a unit for each point");
  const int least = options.wanted > 0 ? options.wanted : options.least;
  const int most = options.wanted > 0 ? options.wanted : options.most;
  if (least < 1 || most < least || points.count < static_cast<std::size_t>(most))
    throw Error(ErrorCode::usage,
                fmt::format("expected at least {} nodules to make {} groups of, found {}", most, most, points.count));
  const auto units = rows_of_units(unit);
  Grouping grouping;
  std::vector<Groups> tried;
  for (int k = least; k <= most; ++k) {
    if (monitor.stop_requested()) throw Error(ErrorCode::stopped, "patterns stopped: nothing was written");
    monitor.progress({"grouping", k - least, most - least + 1, "numbers of groups", ""});
    tried.push_back(k_means(points, static_cast<std::size_t>(k), restarts_for_choice,
                            derive_seed(derive_seed(options.seed, "groups"), static_cast<std::uint64_t>(k))));
    grouping.trials.push_back({static_cast<std::size_t>(k), jaccard_of(points, units, tried.back(), options),
                               silhouette_of(points, tried.back(), options.threads)});
  }
  monitor.progress({"grouping", most - least + 1, most - least + 1, "numbers of groups", ""});
  grouping.chosen = choice_of(grouping.trials, options.stable_from);
  grouping.stable = grouping.trial().least_jaccard() >= options.stable_from;
  grouping.groups = std::move(tried[grouping.chosen]);
  return grouping;
}

}  // namespace nodulus::study
