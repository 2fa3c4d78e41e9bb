#include "nodulus/eval/catalog.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "nodulus/core/error.h"
#include "nodulus/core/seed.h"
#include "nodulus/eval/ms_ssim.h"

namespace nodulus::eval {
namespace {

using torch::Tensor;

constexpr std::int64_t diversity_pairs = 500;
constexpr std::int64_t most_in_pairs = 5000;  // a matrix of 200 MB

/// Resampled values of a figure that takes weights of both samples.
template <class Compute>
std::vector<double> replicated(const Comparison& c, const Sample& reference, const Sample& other, int replicates,
                               const Compute& compute) {
  std::vector<double> values;
  values.reserve(static_cast<std::size_t>(replicates));
  for (int r = 0; r < replicates; ++r) {
    c.on_draw();
    const std::uint64_t own = derive_seed(derive_seed(c.seed(), "bootstrap"), static_cast<std::uint64_t>(r));
    const double value = compute(resampled(reference.groups, derive_seed(own, "reference")),
                                 resampled(other.groups, derive_seed(own, "other")));
    if (std::isfinite(value)) values.push_back(value);
  }
  return values;
}

FigureValue fd(Comparison& c, int replicates) { return c.frechet(replicates); }

FigureValue fd_infinity(Comparison& c, int replicates) {
  const FrechetLimit& limit = c.limit();
  if (replicates < 2) return {limit.limit, centred_interval(limit.limit, {})};
  // As wide as FD's own interval, and the line's uncertainty besides.
  const FigureValue& at_all = c.frechet(replicates);
  auto wider = [&](double half) { return std::hypot(half, 1.96 * limit.standard_error); };
  return {limit.limit,
          {limit.limit - wider(at_all.value - at_all.interval.low),
           limit.limit + wider(at_all.interval.high - at_all.value)}};
}

FigureValue kid(Comparison& c, int replicates) {
  const double value = c.kernel().value();
  return {value, centred_interval(
                     value, replicated(c, c.some_reference(), c.some_other(), replicates,
                                       [&](const Tensor& wr, const Tensor& wo) { return c.kernel().value(wr, wo); }))};
}

FigureValue mean_of(const Comparison& c, const Tensor& values, bool of_reference, int replicates) {
  return {values.mean().item<double>(),
          interval_of_mean(values, of_reference ? c.some_reference().groups : c.some_other().groups, replicates,
                           derive_seed(c.seed(), "mean"))};
}

template <int k>
FigureValue precision(Comparison& c, int replicates) {
  return mean_of(c, c.neighbourhood(k).precision, false, replicates);
}
template <int k>
FigureValue recall(Comparison& c, int replicates) {
  return mean_of(c, c.neighbourhood(k).recall, true, replicates);
}
template <int k>
FigureValue density(Comparison& c, int replicates) {
  return mean_of(c, c.neighbourhood(k).density, false, replicates);
}
template <int k>
FigureValue coverage(Comparison& c, int replicates) {
  return mean_of(c, c.neighbourhood(k).coverage, true, replicates);
}

FigureValue diversity(Comparison& c, int replicates) {
  const Tensor pairs = ms_ssim_of_pairs(c.other().pixels, diversity_pairs, derive_seed(c.seed(), "pairs"));
  constexpr double none = std::numeric_limits<double>::quiet_NaN();
  if (pairs.numel() == 0) return {none, {none, none}};
  return {pairs.mean().item<double>(),
          interval_of_mean(pairs, each_alone(pairs.numel()), replicates, derive_seed(c.seed(), "pairs"))};
}

/// Authenticity, Alaa et al. 2022 (arXiv 2102.08921, section 5): 1 where the nearest reference image is further from
/// the image than from its own nearest neighbour among the references.
FigureValue authenticity(Comparison& c, int replicates) {
  const auto [nearest, which] = distances(c.some_other().features, c.some_reference().features).min(1);
  const Tensor own = kth_neighbour(c.some_reference().features, 1).index_select(0, which);
  return mean_of(c, (nearest > own).to(torch::kDouble), false, replicates);
}

}  // namespace

Comparison::Comparison(const Sample& reference, const Sample& other, std::uint64_t seed, std::function<void()> on_draw)
    : reference_(reference), other_(other), seed_(seed), on_draw_(std::move(on_draw)) {
  auto some = [&](const Sample& all, const char* purpose) {
    return all.count() > most_in_pairs
               ? std::optional(all.at(subset(all.count(), most_in_pairs, derive_seed(seed, purpose))))
               : std::nullopt;
  };
  some_reference_ = some(reference, "some reference");
  some_other_ = some(other, "some other");
}

const FigureValue& Comparison::frechet(int replicates) {
  const auto known = frechet_.find(replicates);
  if (known != frechet_.end()) return known->second;
  const double value = frechet_distance(reference_.features, other_.features);
  const auto draws = replicated(*this, reference_, other_, replicates, [&](const Tensor& wr, const Tensor& wo) {
    return frechet_distance(reference_.features, wr, other_.features, wo);
  });
  return frechet_.emplace(replicates, FigureValue{value, centred_interval(value, draws)}).first->second;
}

const KernelDistance& Comparison::kernel() {
  if (!kernel_) kernel_ = std::make_unique<KernelDistance>(some_reference().features, some_other().features);
  return *kernel_;
}

const Neighbourhoods& Comparison::neighbourhood(int k) {
  if (neighbourhoods_.empty()) {
    const std::vector<int> ks{3, 5};
    const auto all = neighbourhoods(some_reference().features, some_other().features, ks);
    for (std::size_t i = 0; i < ks.size(); ++i) neighbourhoods_.emplace(ks[i], all[i]);
  }
  return neighbourhoods_.at(k);
}

const FrechetLimit& Comparison::limit() {
  if (!limit_)
    limit_ = std::make_unique<FrechetLimit>(
        frechet_limit(other_.features, reference_.features, derive_seed(seed_, "limit")));
  return *limit_;
}

const std::vector<FigureRow>& figures() {
  static const std::vector<FigureRow> rows{
      {"fd", "FD",
       "how far the features of these images lie from the real ones', in mean and spread; it falls with the "
       "number of images, so compare with the floor at as many",
       "lower", fd},
      {"fd_infinity", "FD, endless images",
       "FD, less a part of what it owes to the number of images, by a line through fewer; with few images a guess",
       "lower", fd_infinity},
      {"kid", "Kernel distance ({})",
       "how far the features lie from the real ones', without a bias from the number of "
       "images; may fall below 0 by chance",
       "lower", kid},
      {"precision_3", "Precision (k = 3)", "share of these images that look like real ones: fidelity", "higher",
       precision<3>},
      {"recall_3", "Recall (k = 3)", "share of real images that these could pass for: variety", "higher", recall<3>},
      {"density_3", "Density (k = 3)", "how densely real images lie about these; 1 for real ones", "higher",
       density<3>},
      {"coverage_3", "Coverage (k = 3)", "share of real images with one of these nearby", "higher", coverage<3>},
      {"precision_5", "Precision (k = 5)", "as with k = 3, wider neighbourhoods", "higher", precision<5>},
      {"recall_5", "Recall (k = 5)", "as with k = 3, wider neighbourhoods", "higher", recall<5>},
      {"density_5", "Density (k = 5)", "as with k = 3, wider neighbourhoods", "higher", density<5>},
      {"coverage_5", "Coverage (k = 5)", "as with k = 3, wider neighbourhoods", "higher", coverage<5>},
      {"ms_ssim", "MS-SSIM of pairs",
       "how alike two of these images look, on average; well above the floor: they "
       "repeat themselves",
       "none", diversity},
      {"authenticity", "Authenticity",
       "share of these images that are further from the nearest training image than that "
       "is from its own nearest",
       "higher", authenticity},
  };
  return rows;
}

std::vector<FigureRow> figures(std::initializer_list<std::string_view> names) {
  std::vector<FigureRow> rows;
  for (const std::string_view name : names) {
    const auto row = std::find_if(figures().begin(), figures().end(), [&](const auto& r) { return r.name == name; });
    if (row == figures().end()) throw Error(ErrorCode::internal, "no figure is called " + std::string(name));
    rows.push_back(*row);
  }
  return rows;
}

std::vector<double> values_at(const std::vector<FigureRow>& rows, const Sample& reference, const Sample& other,
                              std::int64_t count, int draws, std::uint64_t seed) {
  const int drawn = other.count() > count ? draws : 1;
  std::vector<double> means(rows.size(), 0);
  for (int d = 0; d < drawn; ++d) {
    const std::uint64_t own = derive_seed(seed, static_cast<std::uint64_t>(d));
    const Sample some = other.at(subset(other.count(), count, own));
    Comparison comparison(reference, some, own);
    for (std::size_t k = 0; k < rows.size(); ++k) means[k] += rows[k].compute(comparison, 0).value / drawn;
  }
  return means;
}

}  // namespace nodulus::eval
