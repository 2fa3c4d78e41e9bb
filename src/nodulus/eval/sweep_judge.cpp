#include "nodulus/eval/sweep_judge.h"

#include <algorithm>

#include "nodulus/eval/catalog.h"
#include "nodulus/traits/numbers_json.h"

namespace nodulus::eval {
namespace {

constexpr int floor_draws = 8;

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
  const FigureValue& fd = comparison.frechet(bootstrap);
  return {{"fd", traits::number_json(fd.value)},
          {"interval", traits::interval_json(fd.interval)},
          {"kid", traits::number_json(comparison.kernel().value())}};
}

Json SweepJudge::floor(std::int64_t count, std::uint64_t seed) const {
  const std::int64_t n = std::min(count, held_out_.count());
  const auto values = values_at(eval::figures({"fd", "kid"}), training_, held_out_, n, floor_draws, seed);
  return {{"count", n}, {"fd", traits::number_json(values[0])}, {"kid", traits::number_json(values[1])}};
}

}  // namespace nodulus::eval
