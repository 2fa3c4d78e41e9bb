#include "nodulus/data/inspect.h"

#include <algorithm>
#include <cmath>

#include "nodulus/core/artifact.h"
#include "nodulus/core/error.h"
#include "nodulus/core/seed.h"
#include "nodulus/data/histogram_picture.h"
#include "nodulus/data/loader.h"

namespace nodulus::data {
namespace {

std::optional<std::array<double, 3>> range_of(std::vector<double> values) {
  std::erase_if(values, [](double v) { return !std::isfinite(v); });
  if (values.empty()) return std::nullopt;
  std::sort(values.begin(), values.end());
  const std::size_t half = values.size() / 2;
  const double median = values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
  return std::array{values.front(), median, values.back()};
}

LabelFigures label_figures(const Dataset& dataset, const Label& label) {
  LabelFigures figures;
  figures.label = label;
  const std::size_t column = dataset.label_column(label.name);
  std::vector<double> values;
  for (std::int64_t i = 0; i < dataset.size(); ++i) {
    const std::string& text = dataset.item(i).labels[column];
    if (text.empty()) continue;
    ++figures.known;
    if (label.type == "text") continue;
    const double value = dataset.label(i, label.name).value();
    values.push_back(value);
    if (label.type != "number") {
      ++figures.by_value[static_cast<int>(std::lround(value))][static_cast<std::size_t>(dataset.item(i).split)];
    }
  }
  if (label.type == "number" || label.type == "rating") figures.range = range_of(std::move(values));
  return figures;
}

/// Percentiles, range and histogram from one exact count of all 65,536 values that a pixel can have.
void hu_figures(const std::vector<std::int64_t>& exact, const WindowHu& window, Inspection& result) {
  std::int64_t total = 0;
  for (const std::int64_t n : exact) total += n;
  constexpr std::array<double, 5> shares{0.01, 0.25, 0.5, 0.75, 0.99};
  std::int64_t sum = 0;
  std::size_t next = 0;
  bool first = true;
  double below = 0;
  double above = 0;
  for (std::size_t i = 0; i < exact.size(); ++i) {
    if (exact[i] == 0) continue;
    const int hu = static_cast<int>(i) - 32768;
    if (first) result.hu_min = hu;
    first = false;
    result.hu_max = hu;
    if (hu < window.lo) below += static_cast<double>(exact[i]);
    if (hu > window.hi) above += static_cast<double>(exact[i]);
    sum += exact[i];
    while (next < shares.size() && static_cast<double>(sum) >= shares[next] * static_cast<double>(total)) {
      result.hu_percentiles[next++] = hu;
    }
  }
  if (total > 0) {
    result.below_window = below / static_cast<double>(total);
    result.above_window = above / static_cast<double>(total);
  }
  // At most 250 bins: a stray value of some metal does not make the picture endless.
  const int span = result.hu_max - result.hu_min;
  result.hu_bin = 25 * std::max(1.0, std::ceil(span / 25.0 / 250));
  result.hu_first = static_cast<int>(std::floor(result.hu_min / result.hu_bin) * result.hu_bin);
  result.hu_histogram.assign(static_cast<std::size_t>((result.hu_max - result.hu_first) / result.hu_bin) + 1, 0);
  for (std::size_t i = 0; i < exact.size(); ++i) {
    if (exact[i] == 0) continue;
    const double hu = static_cast<double>(i) - 32768;
    result.hu_histogram[static_cast<std::size_t>((hu - result.hu_first) / result.hu_bin)] += exact[i];
  }
}

/// Pixel counts of the whole set, and each item's mask area.
std::vector<std::int64_t> read_pixels(const Dataset& dataset, const WindowHu& window, Inspection& result,
                                      Monitor& monitor) {
  std::vector<std::int64_t> exact(65536, 0);
  std::vector<std::int64_t> areas(static_cast<std::size_t>(dataset.size()), 0);
  for (std::int64_t i = 0; i < dataset.size(); ++i) {
    if (i % 512 == 0) {
      if (monitor.stop_requested()) throw Error(ErrorCode::stopped, "inspect stopped: nothing was written");
      if (i > 0) monitor.progress({"inspecting", i, dataset.size(), "images", ""});
    }
    for (const std::int16_t hu : dataset.image(i)) ++exact[static_cast<std::size_t>(hu + 32768)];
    for (const std::uint8_t readers : dataset.mask(i)) {
      ++result.pixels_by_readers[std::min<std::size_t>(readers, 4)];
      areas[static_cast<std::size_t>(i)] += readers > 0 ? 1 : 0;
    }
  }
  monitor.progress({"inspecting", dataset.size(), dataset.size(), "images", ""});
  hu_figures(exact, window, result);
  return areas;
}

/// One item of each of up to `most` nodules, the one with the largest mask; nodules drawn by seed.
std::vector<std::int64_t> choose(const Dataset& dataset, const std::vector<std::int64_t>& areas, int most,
                                 std::uint64_t seed) {
  std::map<std::string, std::int64_t> best;
  std::vector<std::string> order;
  for (std::int64_t i = 0; i < dataset.size(); ++i) {
    const Item& item = dataset.item(i);
    const std::string key = item.nodule.empty() ? "#" + std::to_string(i) : item.patient + "\n" + item.nodule;
    const auto [entry, fresh] = best.emplace(key, i);
    if (fresh) order.push_back(key);
    if (areas[static_cast<std::size_t>(i)] > areas[static_cast<std::size_t>(entry->second)]) entry->second = i;
  }
  std::vector<std::int64_t> chosen;
  const std::size_t count = std::min(order.size(), static_cast<std::size_t>(std::max(most, 0)));
  for (std::size_t k = 0; k < count; ++k) {
    chosen.push_back(best.at(order[permuted(k, order.size(), derive_seed(seed, "contact sheet"))]));
  }
  std::sort(chosen.begin(), chosen.end());
  return chosen;
}

void write_results(const InspectOptions& options, const Dataset& dataset, const Inspection& result) {
  ArtifactWriter artifact(options.out, "inspection", options.force);
  std::vector<PngText> marks;
  if (result.synthetic) marks.push_back(synthetic_mark);
  std::vector<SheetCell> cells;
  for (const std::int64_t i : result.shown) cells.push_back({dataset.image(i), dataset.mask(i)});
  const DatasetInfo& info = result.info;
  if (!cells.empty()) {
    SheetOptions sheet;
    sheet.window_hu = result.window_hu;
    const int side = std::max(info.height, info.width);
    sheet.scale = side <= 80 ? 3 : side <= 160 ? 2 : 1;
    write_png(artifact.path() / "contact_sheet.png", contact_sheet(cells, info.height, info.width, sheet), marks);
  }
  write_png(artifact.path() / "hu_histogram.png",
            histogram_picture(result.hu_histogram, result.hu_first, result.hu_bin, result.window_hu), marks);
  write_json(artifact.path() / "inspect.json", json_of(result));
  Manifest manifest;
  manifest.kind = "inspection";
  manifest.command = "inspect";
  manifest.seed = options.seed;
  manifest.options = {{"images", options.images}, {"window_hu", {result.window_hu.lo, result.window_hu.hi}}};
  manifest.synthetic = result.synthetic;
  manifest.inputs = {manifest_input(options.dataset)};
  write_manifest(artifact.path(), manifest);
  artifact.commit();
}

}  // namespace

Inspection inspect(const InspectOptions& options, Monitor& monitor) {
  if (!options.out.empty()) check_target(options.out, "inspection", options.force);
  const Dataset dataset = Dataset::open(options.dataset);
  const WindowHu window = options.window_hu.value_or(dataset.info().window_hu);
  if (!(window.lo < window.hi)) throw Error(ErrorCode::usage, "inspect: expected a window lo < hi");
  Inspection result;
  result.info = dataset.info();
  result.hash = dataset.hash();
  result.window_hu = window;
  result.synthetic = dataset.synthetic();
  for (const Label& label : result.info.labels) result.labels.push_back(label_figures(dataset, label));
  std::vector<double> spacing;
  for (std::int64_t i = 0; i < dataset.size(); ++i) spacing.push_back(dataset.item(i).spacing_mm);
  result.spacing_mm = range_of(std::move(spacing));
  const std::vector<std::int64_t> areas = read_pixels(dataset, window, result, monitor);
  result.shown = choose(dataset, areas, options.images, options.seed);
  if (!options.out.empty()) write_results(options, dataset, result);
  return result;
}

}  // namespace nodulus::data
