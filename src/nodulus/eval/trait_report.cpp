#include "nodulus/eval/trait_report.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "nodulus/core/error.h"
#include "nodulus/core/seed.h"
#include "nodulus/core/threads.h"
#include "nodulus/eval/sample.h"
#include "nodulus/traits/catalog.h"
#include "nodulus/traits/numbers_json.h"
#include "nodulus/traits/statistics.h"

namespace nodulus::eval {

/// The range of the numbers among values.
struct TraitRange {
  double low = 0;
  double high = 0;
  /// A trait that cannot be measured is not beyond.
  [[nodiscard]] bool beyond(double v) const { return v < low || v > high; }
};

namespace {

using Table = std::vector<std::vector<double>>;

constexpr double range_low = 0.005;
constexpr double range_high = 0.995;
constexpr int matched_draws = 8;

std::vector<double> trait_column(const Table& table, std::size_t k) {
  std::vector<double> values;
  values.reserve(table.size());
  for (const auto& row : table) values.push_back(row[k]);
  return values;
}

TraitRange range_of(std::vector<double> values) {
  values.erase(std::remove_if(values.begin(), values.end(), [](double v) { return std::isnan(v); }), values.end());
  std::sort(values.begin(), values.end());
  return {traits::quantile(values, range_low), traits::quantile(values, range_high)};
}

/// Images of which anything can be measured.
std::int64_t measured_rows(const Table& table) {
  return std::count_if(table.begin(), table.end(), [](const std::vector<double>& row) {
    return std::any_of(row.begin(), row.end(), [](double v) { return !std::isnan(v); });
  });
}

Json distribution_of(const std::vector<double>& values) {
  return traits::distribution_json(traits::distribution(values));
}

Json histogram_json(const std::vector<double>& real, const std::vector<double>& generated) {
  const traits::Histogram h = traits::common_histogram(real, generated);
  return {{"edges", h.edges}, {"real", traits::shares(h.first)}, {"generated", traits::shares(h.second)}};
}

/// Values by weight, which is how often each was drawn.
std::vector<double> drawn(const std::vector<double>& values, const std::vector<std::int64_t>& groups,
                          std::uint64_t seed) {
  const torch::Tensor weights = resampled(groups, seed);
  std::vector<double> out;
  out.reserve(values.size());
  for (std::size_t i = 0; i < values.size(); ++i)
    out.insert(out.end(), static_cast<std::size_t>(weights.data_ptr<double>()[i]), values[i]);
  return out;
}

/// Mean distance of subsets of `count` values to the reference.
double matched_distance(const std::vector<double>& reference, const std::vector<double>& values, std::size_t count,
                        std::uint64_t seed) {
  if (values.size() <= count) return traits::wasserstein(reference, values);
  double sum = 0;
  for (int d = 0; d < matched_draws; ++d) {
    std::vector<double> some;
    for (const std::int64_t row : subset(static_cast<std::int64_t>(values.size()), static_cast<std::int64_t>(count),
                                         derive_seed(seed, static_cast<std::uint64_t>(d))))
      some.push_back(values[static_cast<std::size_t>(row)]);
    sum += traits::wasserstein(reference, some) / matched_draws;
  }
  return sum;
}

Json wasserstein_json(const TraitSamples& s, std::size_t k, int replicates, std::uint64_t seed) {
  const auto training = trait_column(s.training, k);
  const auto held_out = trait_column(s.held_out, k);
  const auto generated = trait_column(s.generated, k);
  const double value = traits::wasserstein(training, generated);
  const std::vector<std::int64_t> each = each_alone(static_cast<std::int64_t>(generated.size()));
  std::vector<double> draws;
  for (int r = 0; r < replicates; ++r) {
    const std::uint64_t own = derive_seed(seed, static_cast<std::uint64_t>(r));
    const double one = traits::wasserstein(drawn(training, s.training_groups, derive_seed(own, "training")),
                                           drawn(generated, each, derive_seed(own, "generated")));
    if (std::isfinite(one)) draws.push_back(one);
  }
  const std::size_t count = std::min(held_out.size(), generated.size());
  const double floor = matched_distance(training, held_out, count, derive_seed(seed, "floor"));
  const double matched = matched_distance(training, generated, count, derive_seed(seed, "matched"));
  return {{"value", traits::number_json(value)},
          {"interval", traits::interval_json(centred_interval(value, draws))},
          {"floor", traits::number_json(floor)},
          {"matched", traits::number_json(matched)},
          {"ratio", traits::number_json(floor > 0 ? matched / floor : std::numeric_limits<double>::quiet_NaN())}};
}

}  // namespace

Table measured_traits(const Images& images, double spacing_mm, int threads, Monitor& monitor) {
  if (!images.has_masks()) return {};
  Table table(static_cast<std::size_t>(images.count));
  parallel_for(images.count, threads, [&](std::int64_t i) {
    if (monitor.stop_requested()) throw Error(ErrorCode::stopped, "stopped; nothing was written");
    traits::Patch patch;
    patch.hu = images.image(i);
    patch.mask = images.mask(i);
    patch.height = images.height;
    patch.width = images.width;
    patch.spacing_mm = spacing_mm;
    table[static_cast<std::size_t>(i)] = traits::measure(patch);
  });
  return table;
}

Json trait_report(const TraitSamples& s, int replicates, std::uint64_t seed, const std::function<void()>& on_trait) {
  Json all = Json::array();
  if (s.generated.empty() || s.training.empty()) return all;
  std::vector<double> ps;
  for (std::size_t k = 0; k < traits::catalog().size(); ++k) {
    on_trait();
    const traits::Trait& trait = traits::catalog()[k];
    const auto training = trait_column(s.training, k);
    const auto generated = trait_column(s.generated, k);
    const traits::KsTest ks = traits::ks_two_sample(training, generated);
    ps.push_back(ks.p);
    const TraitRange range = range_of(training);
    const auto beyond = std::count_if(generated.begin(), generated.end(), [&](double v) { return range.beyond(v); });
    const auto known = std::count_if(generated.begin(), generated.end(), [](double v) { return !std::isnan(v); });
    all.push_back({{"name", trait.name},
                   {"title", trait.title},
                   {"unit", trait.unit},
                   {"group", trait.group},
                   {"meaning", trait.meaning},
                   {"real", distribution_of(training)},
                   {"held_out", distribution_of(trait_column(s.held_out, k))},
                   {"generated", distribution_of(generated)},
                   {"histogram", histogram_json(training, generated)},
                   {"wasserstein", wasserstein_json(s, k, replicates, derive_seed(derive_seed(seed, "traits"), k))},
                   {"ks", {{"statistic", traits::number_json(ks.statistic)}, {"p", traits::number_json(ks.p)}}},
                   {"beyond", traits::number_json(static_cast<double>(beyond) / static_cast<double>(known))},
                   {"beyond_interval", traits::interval_json(traits::wilson_interval(beyond, known))}});
  }
  const std::vector<double> corrected = traits::holm(ps);
  for (std::size_t k = 0; k < corrected.size(); ++k) all[k]["ks"]["p_corrected"] = traits::number_json(corrected[k]);
  return all;
}

Json beyond_report(const TraitSamples& s) {
  if (s.generated.empty() || s.training.empty()) return nullptr;
  std::vector<TraitRange> ranges;
  ranges.reserve(traits::catalog().size());
  for (std::size_t k = 0; k < traits::catalog().size(); ++k) ranges.push_back(range_of(trait_column(s.training, k)));
  auto beyond = [&](const Table& table) {
    return std::count_if(table.begin(), table.end(), [&](const std::vector<double>& row) {
      for (std::size_t k = 0; k < ranges.size(); ++k)
        if (ranges[k].beyond(row[k])) return true;
      return false;
    });
  };
  const std::int64_t n = measured_rows(s.generated);
  const std::int64_t count = beyond(s.generated);
  return {{"range", {100 * range_low, 100 * range_high}},
          {"share", traits::number_json(static_cast<double>(count) / static_cast<double>(n))},
          {"interval", traits::interval_json(traits::wilson_interval(count, n))},
          {"floor", traits::number_json(static_cast<double>(beyond(s.held_out)) /
                                        static_cast<double>(measured_rows(s.held_out)))}};
}

Json empty_outlines(const TraitSamples& s) {
  if (s.generated.empty()) return nullptr;
  auto share = [](const Table& table) {
    return traits::number_json(1 - static_cast<double>(measured_rows(table)) / static_cast<double>(table.size()));
  };
  return {{"share", share(s.generated)}, {"floor", share(s.held_out)}};
}

}  // namespace nodulus::eval
