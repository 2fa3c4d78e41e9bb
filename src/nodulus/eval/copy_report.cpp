#include "nodulus/eval/copy_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "nodulus/core/reject.h"
#include "nodulus/eval/copies.h"
#include "nodulus/eval/samples_json.h"
#include "nodulus/traits/numbers_json.h"
#include "nodulus/traits/statistics.h"

namespace nodulus::eval {
namespace {

using torch::Tensor;

constexpr std::size_t shown_pairs = 10;
constexpr double alarming_p = 0.01;

/// [N, H W] in HU.
Tensor hu_rows(const Images& images, int turn) {
  const double half = (images.window_hu.hi - images.window_hu.lo) / 2;
  return (turned(images.scaled(0, images.count), turn) * half).flatten(1);
}

std::vector<double> values_of(const Tensor& t) { return {t.data_ptr<double>(), t.data_ptr<double>() + t.numel()}; }

Json distances_json(const Closeness& c) {
  const traits::Histogram h = traits::common_histogram(values_of(c.held_out.distance), values_of(c.generated.distance));
  return {{"edges", h.edges}, {"held_out", traits::shares(h.first)}, {"generated", traits::shares(h.second)}};
}

std::string verdict_of(std::size_t named, std::int64_t count, const Closeness& pixel, const Closeness& feature) {
  if (named > 0)
    return fmt::format("{} of {} images {} of training images", named, count, named == 1 ? "is a copy" : "are copies");
  const bool close = pixel.p < alarming_p || feature.p < alarming_p;
  return close ? "none named as a copy, but more images are close to a training image than held-out real ones are"
               : "no sign of copying";
}

}  // namespace

CopySearch::CopySearch(const Images& training, const Images& held_out, FeatureStore& store)
    : training_(training), store_(store), pixels_(hu_rows(training, 0)) {
  const int turns = training.height == training.width ? 8 : 1;
  for (int turn = 0; turn < turns; ++turn)
    turned_features_.push_back(store.features(training, turn, "training images, " + turn_text(turn)));
  held_out_ = nearest(held_out, "held-out images");
}

CopySearch::Found CopySearch::nearest(const Images& images, std::string_view what) const {
  Found found{nothing_near(images.count), nothing_near(images.count)};
  const Tensor features = store_.features(images, 0, what);
  for (int turn = 0; turn < static_cast<int>(turned_features_.size()); ++turn) {
    // Turning the training images one way is turning these the other way, and takes no memory.
    take_nearer(found.pixel, hu_rows(images, undone(turn)), pixels_, turn);
    take_nearer(found.feature, features, turned_features_[static_cast<std::size_t>(turn)], turn);
  }
  found.pixel.distance /= std::sqrt(static_cast<double>(pixels_.size(1)));
  return found;
}

Json CopySearch::report(const Images& images, std::string_view what) {
  Found own = nearest(images, what);
  const Closeness pixel = closeness(std::move(own.pixel), held_out_.pixel);
  const Closeness feature = closeness(std::move(own.feature), held_out_.feature);
  const Tensor copied = pixel.copied() | feature.copied();
  std::vector<std::int64_t> named;
  for (std::int64_t i = 0; i < images.count; ++i)
    if (copied[i].item<bool>()) named.push_back(i);

  // The ten nearest: by how much nearer than the usual, in pixels or features.
  const Tensor by_pixels = pixel.generated.distance / pixel.held_out.distance.median();
  const Tensor by_features = feature.generated.distance / feature.held_out.distance.median();
  const Tensor order = torch::minimum(by_pixels, by_features).argsort();
  Json pairs = Json::array();
  std::vector<std::int64_t> rows;
  std::vector<std::int64_t> theirs;
  std::vector<int> turns;
  std::vector<std::string> captions;
  for (std::size_t k = 0; k < std::min<std::size_t>(shown_pairs, static_cast<std::size_t>(images.count)); ++k) {
    const auto i = order[static_cast<std::int64_t>(k)].item<std::int64_t>();
    // The neighbour of whichever distance is the more telling.
    const bool by_pixel = by_pixels[i].item<double>() <= by_features[i].item<double>();
    const Nearest& nearest = by_pixel ? pixel.generated : feature.generated;
    const auto which = nearest.which[i].item<std::int64_t>();
    const auto turn = static_cast<int>(nearest.turn[i].item<std::int64_t>());
    const auto at = static_cast<std::size_t>(which);
    pairs.push_back({{"generated", i},
                     {"item", training_.row[at]},
                     {"patient", training_.patient[at]},
                     {"turn", turn_text(turn)},
                     {"by", by_pixel ? "pixels" : "features"},
                     {"pixel_hu", pixel.generated.distance[i].item<double>()},
                     {"feature", feature.generated.distance[i].item<double>()},
                     {"named", copied[i].item<bool>()}});
    rows.push_back(i);
    theirs.push_back(which);
    turns.push_back(turn);
    captions.push_back(fmt::format("image {}", i));
    captions.push_back(
        fmt::format("training image {} of {}, {}", training_.row[at], training_.patient[at], turn_text(turn)));
  }
  return {{"named", named},
          {"verdict", verdict_of(named.size(), images.count, pixel, feature)},
          {"closer_share", {{"pixel", pixel.share}, {"feature", feature.share}}},
          {"closer_interval",
           {{"pixel", traits::interval_json(pixel.share_interval)},
            {"feature", traits::interval_json(feature.share_interval)}}},
          {"closer_p", {{"pixel", pixel.p}, {"feature", feature.p}}},
          {"first_percentile",
           {{"pixel", traits::number_json(pixel.first_percentile)},
            {"feature", traits::number_json(feature.first_percentile)}}},
          {"threshold",
           {{"pixel", traits::number_json(pixel.threshold)}, {"feature", traits::number_json(feature.threshold)}}},
          {"distances", {{"pixel", distances_json(pixel)}, {"feature", distances_json(feature)}}},
          {"pairs", pairs},
          {"pictures", pairs_json(images, rows, training_, theirs, turns, captions)}};
}

}  // namespace nodulus::eval
