#include "nodulus/eval/sample.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>
#include <set>

#include "nodulus/core/seed.h"

namespace nodulus::eval {

using torch::Tensor;

Sample Sample::at(std::span<const std::int64_t> rows) const {
  const Tensor index = torch::tensor(std::vector<std::int64_t>(rows.begin(), rows.end()), torch::kLong);
  Sample some{features.index_select(0, index), pixels.defined() ? pixels.index_select(0, index) : Tensor(), {}};
  some.groups.reserve(rows.size());
  for (const std::int64_t row : rows) some.groups.push_back(groups.at(static_cast<std::size_t>(row)));
  return some;
}

std::vector<std::int64_t> subset(std::int64_t n, std::int64_t count, std::uint64_t seed) {
  std::vector<std::int64_t> rows(static_cast<std::size_t>(n));
  std::iota(rows.begin(), rows.end(), 0);
  const RandomStream random(seed);
  const std::int64_t taken = std::min(n, count);
  for (std::int64_t i = 0; i < taken; ++i) {  // the beginning of a Fisher-Yates shuffle
    const auto rest = static_cast<std::uint64_t>(n - i);
    std::swap(rows[static_cast<std::size_t>(i)],
              rows[static_cast<std::size_t>(i) + random.below(static_cast<std::uint64_t>(i), rest)]);
  }
  rows.resize(static_cast<std::size_t>(taken));
  std::sort(rows.begin(), rows.end());
  return rows;
}

std::vector<std::int64_t> each_alone(std::int64_t count) {
  std::vector<std::int64_t> groups(static_cast<std::size_t>(count));
  std::iota(groups.begin(), groups.end(), 0);
  return groups;
}

Tensor resampled(const std::vector<std::int64_t>& groups, std::uint64_t seed) {
  std::map<std::int64_t, std::uint64_t> number;  // groups in order, from 0
  for (const std::int64_t group : groups) number.emplace(group, 0);
  std::uint64_t next = 0;
  for (auto& [group, own] : number) own = next++;
  std::vector<double> times(number.size(), 0);
  const RandomStream random(seed);
  for (std::uint64_t i = 0; i < times.size(); ++i) times[random.below(i, times.size())] += 1;
  Tensor weights = torch::empty({static_cast<std::int64_t>(groups.size())}, torch::kDouble);
  for (std::size_t i = 0; i < groups.size(); ++i) weights.data_ptr<double>()[i] = times[number.at(groups[i])];
  return weights;
}

Interval centred_interval(double value, std::vector<double> replicates) {
  constexpr double none = std::numeric_limits<double>::quiet_NaN();
  if (replicates.size() < 2 || !std::isfinite(value)) return {none, none};
  const double mean =
      std::accumulate(replicates.begin(), replicates.end(), 0.0) / static_cast<double>(replicates.size());
  for (double& r : replicates) r += value - mean;
  std::sort(replicates.begin(), replicates.end());
  return {traits::quantile(replicates, 0.025), traits::quantile(replicates, 0.975)};
}

Interval interval_of_mean(const Tensor& values, const std::vector<std::int64_t>& groups, int replicates,
                          std::uint64_t seed) {
  constexpr double none = std::numeric_limits<double>::quiet_NaN();
  if (replicates < 2) return {none, none};
  const Tensor numbers = values.to(torch::kDouble).contiguous();
  if (!numbers.isfinite().all().item<bool>()) return {none, none};
  // Shares of 0 and 1 do not vary when they are drawn again: Wilson's interval, of as many as there are groups.
  const double mean = numbers.mean().item<double>();
  if ((mean == 0 || mean == 1) && (numbers == mean).all().item<bool>()) {
    const auto n = static_cast<std::int64_t>(std::set<std::int64_t>(groups.begin(), groups.end()).size());
    return traits::wilson_interval(mean == 1 ? n : 0, n);
  }
  const std::vector<std::size_t> group_of(groups.begin(), groups.end());
  const auto* const value = numbers.data_ptr<double>();
  const auto mean_of_drawn = [&](std::span<const std::size_t> drawn) {
    double sum = 0;
    for (const std::size_t i : drawn) sum += value[i];
    return sum / static_cast<double>(drawn.size());
  };
  return traits::cluster_bootstrap_interval(group_of, mean_of_drawn, {.repeats = replicates, .seed = seed});
}

}  // namespace nodulus::eval
