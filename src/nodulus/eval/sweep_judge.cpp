#include "nodulus/eval/sweep_judge.h"

#include <algorithm>

#include "nodulus/core/seed.h"
#include "nodulus/eval/catalog.h"
#include "nodulus/eval/numbers_json.h"

namespace nodulus::eval {
namespace {

constexpr int floor_draws = 8;

FigureValue figure_named(Comparison& comparison, std::string_view name, int bootstrap) {
  const auto& all = figures();
  const auto row = std::find_if(all.begin(), all.end(), [&](const FigureRow& r) { return r.name == name; });
  return row->compute(comparison, bootstrap);
}

}  // namespace

SweepJudge::SweepJudge(const data::Dataset& dataset, const View& view, const std::filesystem::path& features,
                       const std::filesystem::path& cache, Monitor& monitor)
    : extractor_(open_extractor(features)), store_(*extractor_, cache, monitor) {
  auto sample_of = [&](const std::vector<data::Split>& splits, const char* what) {
    const Images images = real_images(dataset, splits, view);
    return Sample{store_.features(images, 0, what), {}, images.groups()};
  };
  training_ = sample_of({data::Split::train}, "training images");
  held_out_ = sample_of({data::Split::val, data::Split::test}, "held-out images");
}

Json SweepJudge::figures(const Images& images, int bootstrap, std::uint64_t seed) {
  const Sample own{store_.features(images, 0, "generated images"), {}, images.groups()};
  Comparison comparison(training_, own, seed);
  const FigureValue fd = figure_named(comparison, "fd", bootstrap);
  return {{"fd", number_json(fd.value)},
          {"interval", interval_json(fd.interval)},
          {"kid", number_json(comparison.kernel().value())}};
}

Json SweepJudge::floor(std::int64_t count, std::uint64_t seed) const {
  const std::int64_t n = std::min(count, held_out_.count());
  const int draws = n < held_out_.count() ? floor_draws : 1;
  double fd = 0;
  double kid = 0;
  for (int d = 0; d < draws; ++d) {
    const std::uint64_t own = derive_seed(seed, static_cast<std::uint64_t>(d));
    const Sample some = held_out_.at(subset(held_out_.count(), n, own));
    Comparison comparison(training_, some, own);
    fd += figure_named(comparison, "fd", 0).value / draws;
    kid += comparison.kernel().value() / draws;
  }
  return {{"count", n}, {"fd", number_json(fd)}, {"kid", number_json(kid)}};
}

}  // namespace nodulus::eval
