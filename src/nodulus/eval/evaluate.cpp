#include "nodulus/eval/evaluate.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "nodulus/core/error.h"
#include "nodulus/core/files.h"
#include "nodulus/core/seed.h"
#include "nodulus/eval/catalog.h"
#include "nodulus/eval/copy_report.h"
#include "nodulus/eval/extractor.h"
#include "nodulus/eval/feature_store.h"
#include "nodulus/eval/obedience.h"
#include "nodulus/eval/samples_json.h"
#include "nodulus/eval/segmentation.h"
#include "nodulus/eval/trait_report.h"
#include "nodulus/traits/numbers_json.h"

namespace nodulus::eval {
namespace {

using torch::Tensor;

constexpr int matched_sets = 4;
constexpr std::int64_t block_size = 1000;
constexpr int block_count = 100;

/// Images with all that figures are made of.
struct Measured {
  const Images* images = nullptr;
  Sample sample;
  std::vector<std::vector<double>> traits;
};

Json value_json(const FigureValue& value) {
  return {{"value", traits::number_json(value.value)}, {"interval", traits::interval_json(value.interval)}};
}

std::vector<std::string> at_rows(const std::vector<std::string>& texts, const std::vector<std::int64_t>& rows) {
  std::vector<std::string> some;
  some.reserve(rows.size());
  for (const std::int64_t row : rows) some.push_back(texts.at(static_cast<std::size_t>(row)));
  return some;
}

std::string title_of(const FigureRow& row, const FeatureExtractor& extractor) {
  std::string title = row.title;
  if (const std::size_t at = title.find("{}"); at != std::string::npos) title.replace(at, 2, extractor.name());
  if (title.starts_with("FD")) title.replace(0, 2, extractor.distance_name());
  return title;
}

class Evaluator {
 public:
  Evaluator(const Evaluation& evaluation, const EvaluateOptions& options, Monitor& monitor)
      : e_(evaluation),
        options_(options),
        monitor_(monitor),
        extractor_(open_extractor(options.features)),
        store_(*extractor_, options.cache, monitor) {}

  Json run() {
    training_ = measured(e_.training, "training images");
    held_out_ = measured(e_.held_out, "held-out images");
    Comparison floor(training_.sample, held_out_.sample, derive_seed(options_.seed, "floor"),
                     [this] { stop_if_asked(); });
    for (const FigureRow& row : figures()) {
      step("floor", floor_.size() + 1, row.name);
      floor_.push_back(row.compute(floor, options_.bootstrap));
    }
    if (options_.copies) copies_ = std::make_unique<CopySearch>(e_.training, e_.held_out, store_);
    Json sets = Json::array();
    for (const ImageSet& set : e_.sets) sets.push_back(set_json(set));
    return {{"real", real_json()},
            {"features",
             {{"name", extractor_->name()},
              {"dimension", extractor_->dimension()},
              {"distance", extractor_->distance_name()},
              {"sha256", extractor_->hash()},
              {"images_computed", store_.computed()},
              {"images_per_second", traits::number_json(static_cast<double>(store_.computed()) / store_.seconds())}}},
            {"bootstrap", options_.bootstrap},
            {"sets", sets}};
  }

 private:
  void stop_if_asked() const {
    if (monitor_.stop_requested()) throw Error(ErrorCode::stopped, "stopped; nothing was written");
  }

  /// One of the figures of one set is done.
  void step(std::string_view stage, std::size_t done, std::string_view detail) {
    stop_if_asked();
    monitor_.progress(
        {stage, static_cast<std::int64_t>(done), static_cast<std::int64_t>(figures().size()), "figures", detail});
  }

  Measured measured(const Images& images, std::string_view what) {
    Measured m;
    m.images = &images;
    m.sample.features = store_.features(images, 0, what);
    m.sample.pixels = ((images.scaled(0, images.count) + 1) / 2).squeeze(1);
    m.sample.groups = images.groups();
    m.traits = measured_traits(images, e_.spacing_mm, options_.threads, monitor_);
    return m;
  }

  /// Whether the model's data set is the one of --real, so that no model saw what is held out; null where it is not
  /// known.
  [[nodiscard]] Json learnt_from_real(const ImageSet& set) {
    if (set.trained_on.empty()) return nullptr;
    const bool same = set.trained_on == e_.dataset.hash() && !set.learnt_elsewhere;
    if (!same)
      monitor_.warn(
          fmt::format("{}: their model learnt from other images than those of {}; it may have seen what is held out "
                      "there, and copies are looked for there alone",
                      set.path.string(), e_.dataset.folder().string()));
    return same;
  }

  [[nodiscard]] JudgedImages judged(const Measured& m) const {
    return {m.images, m.sample.features, m.traits, e_.spacing_known};
  }

  Json figures_json(Comparison& comparison, const Measured& own, std::uint64_t seed) {
    const std::int64_t count = std::min(own.sample.count(), held_out_.sample.count());
    // At the number of images that there are, the figure is the value itself.
    const bool all_generated = own.sample.count() == count;
    const bool all_held_out = held_out_.sample.count() == count;
    const auto matched = all_generated ? std::vector<double>{}
                                       : values_at(figures(), training_.sample, own.sample, count, matched_sets,
                                                   derive_seed(seed, "matched"));
    const auto floor = all_held_out ? std::vector<double>{}
                                    : values_at(figures(), training_.sample, held_out_.sample, count, matched_sets,
                                                derive_seed(seed, "floor"));
    Json all = Json::array();
    for (std::size_t k = 0; k < figures().size(); ++k) {
      const FigureRow& row = figures()[k];
      step("figures", k + 1, row.name);
      Json figure = {
          {"name", row.name}, {"title", title_of(row, *extractor_)}, {"meaning", row.meaning}, {"better", row.better}};
      const FigureValue value = row.compute(comparison, options_.bootstrap);
      figure.update(value_json(value));
      figure["floor"] = value_json(floor_[k]);
      const double floor_here = all_held_out ? floor_[k].value : floor[k];
      const double value_here = all_generated ? value.value : matched[k];
      figure["matched"] = {
          {"count", count}, {"value", traits::number_json(value_here)}, {"floor", traits::number_json(floor_here)}};
      // A difference that is about 0 on the floor makes no ratio.
      const bool positive = floor_here > 0 && (row.name != "kid" || floor_[k].interval.low > 0);
      figure["ratio"] = positive ? traits::number_json(value_here / floor_here) : Json(nullptr);
      all.push_back(figure);
    }
    return all;
  }

  /// Traits of real images by the network's outlines, for sets that have none: like is compared with like.
  struct NetworkTraits {
    std::unique_ptr<OutlineNetwork> network;
    OutlineQuality quality;
    std::vector<std::vector<double>> training;
    std::vector<std::vector<double>> held_out;
  };

  std::vector<std::vector<double>> traits_by_network(const Images& images) {
    Images outlined = images;
    outlined.masks = by_network_.network->outlines(images);
    return measured_traits(outlined, e_.spacing_mm, options_.threads, monitor_);
  }

  void learn_outlines() {
    by_network_.network = std::make_unique<OutlineNetwork>(
        e_.training, options_.outline_epochs, derive_seed(options_.seed, "outlines"), [&](int done, int all) {
          stop_if_asked();
          monitor_.progress({"learning outlines", done, all, "epochs", ""});
        });
    by_network_.quality = by_network_.network->quality(e_.held_out);
    by_network_.training = traits_by_network(e_.training);
    by_network_.held_out = traits_by_network(e_.held_out);
  }

  /// "outlines", "traits" and "beyond".
  Json traits_json(const ImageSet& set, Measured& own, std::uint64_t seed) {
    const bool network = own.traits.empty() && can_outline(e_, options_);
    if (network && !by_network_.network) learn_outlines();
    if (network) own.traits = traits_by_network(set.images);
    const TraitSamples samples{network ? by_network_.training : training_.traits,
                               network ? by_network_.held_out : held_out_.traits, own.traits, training_.sample.groups};
    Json outlines = nullptr;
    if (network)
      outlines = {{"from", "network"},
                  {"dice", by_network_.quality.dice},
                  {"held_out", by_network_.quality.images},
                  {"trained_on", by_network_.quality.trained_on},
                  {"epochs", by_network_.quality.epochs}};
    else if (!own.traits.empty())
      outlines = {{"from", "images"}};
    return {{"outlines", outlines},
            {"traits", trait_report(samples, options_.bootstrap, seed, [this] { stop_if_asked(); })},
            {"beyond", beyond_report(samples)},
            {"empty_outlines", empty_outlines(samples)}};
  }

  Json set_json(const ImageSet& set) {
    const std::uint64_t seed = derive_seed(options_.seed, "figures");
    Measured own = measured(set.images, set.path.string());
    Comparison comparison(training_.sample, own.sample, seed, [this] { stop_if_asked(); });
    const FrechetLimit& limit = comparison.limit();
    const auto blocks = comparison.kernel().blocks(block_size, block_count, derive_seed(seed, "blocks"));
    std::vector<std::int64_t> shown = subset(set.images.count, options_.pictures, derive_seed(seed, "pictures"));
    Json json = {{"name", set.name},
                 {"path", set.path.string()},
                 {"family", set.family},
                 {"synthetic", set.synthetic},
                 {"learnt_from_real", learnt_from_real(set)},
                 {"count", set.images.count},
                 {"sampler", set.sampler},
                 {"steps", set.steps},
                 {"evaluations", set.evaluations},
                 {"samples", samples_json(set.images, shown, at_rows(set.caption, shown))},
                 {"figures", figures_json(comparison, own, seed)},
                 {"fd_extrapolation",
                  {{"points", limit.points},
                   {"slope", traits::number_json(limit.slope)},
                   {"intercept", traits::number_json(limit.limit)}}},
                 {"kid_blocks",
                  {{"size", blocks.size},
                   {"count", blocks.count},
                   {"mean", traits::number_json(blocks.mean)},
                   {"deviation", traits::number_json(blocks.deviation)}}}};
    json.update(traits_json(set, own, seed));
    json["copies"] = copies_ ? copies_->report(set.images, set.path.string()) : Json(nullptr);
    json["obedience"] = obedience(set, judged(own), judged(training_), judged(held_out_), e_.dataset);
    const Json record = set.record.is_object() ? set.record : Json::object();
    for (const char* const key : {"model", "cost", "strips"}) json[key] = record.value(key, Json(nullptr));
    json["conditions"] = record.value("conditions", Json::array());
    json["manifest"] = manifest_input(set.path).sha256;
    return json;
  }

  Json real_json() {
    const auto patients = [](const Images& images) {
      std::vector<std::string> all = images.patient;
      std::sort(all.begin(), all.end());
      return std::unique(all.begin(), all.end()) - all.begin();
    };
    const std::vector<std::int64_t> shown =
        subset(e_.training.count, options_.pictures, derive_seed(options_.seed, "pictures"));
    return {{"name", without_slash(e_.dataset.folder()).filename().string()},
            {"path", e_.dataset.folder().string()},
            {"hash", e_.dataset.hash()},
            {"window_hu", {e_.view.window_hu.lo, e_.view.window_hu.hi}},
            {"size", {e_.training.height, e_.training.width}},
            {"downsample", e_.view.downsample},
            {"spacing_mm", e_.spacing_mm},
            {"spacing_note", e_.spacing_note},
            {"counts",
             {{"train", e_.training.count},
              {"held_out", e_.held_out.count},
              {"train_patients", patients(e_.training)},
              {"held_out_patients", patients(e_.held_out)}}},
            {"sources", data::sources_json(e_.dataset.info().sources)},
            {"samples", samples_json(e_.training, shown, at_rows(e_.training.patient, shown))}};
  }

  const Evaluation& e_;
  const EvaluateOptions& options_;
  Monitor& monitor_;
  std::unique_ptr<FeatureExtractor> extractor_;
  FeatureStore store_;
  Measured training_;
  Measured held_out_;
  std::vector<FigureValue> floor_;
  NetworkTraits by_network_;
  std::unique_ptr<CopySearch> copies_;
};

}  // namespace

Json evaluate(const Evaluation& evaluation, const EvaluateOptions& options, Monitor& monitor) {
  const torch::NoGradGuard no_grad;
  return Evaluator(evaluation, options, monitor).run();
}

}  // namespace nodulus::eval
