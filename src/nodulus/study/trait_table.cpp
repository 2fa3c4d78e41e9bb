#include "nodulus/study/trait_table.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>
#include <map>
#include <string>

#include "nodulus/core/csv.h"
#include "nodulus/core/error.h"
#include "nodulus/core/threads.h"
#include "nodulus/data/loader.h"
#include "nodulus/traits/catalog.h"

namespace nodulus::study {
namespace {

constexpr double unknown_trait = std::numeric_limits<double>::quiet_NaN();

/// The traits of a nodule whose pixel size is not known: those that are the same at two sizes.
std::vector<double> without_size(traits::Patch patch) {
  patch.spacing_mm = 1;
  std::vector<double> values = traits::measure(patch);
  patch.spacing_mm = 0.5;
  const std::vector<double> other = traits::measure(patch);
  for (std::size_t k = 0; k < values.size(); ++k) {
    const bool same = std::abs(values[k] - other[k]) <= 1e-9 * std::max(1.0, std::abs(values[k]));
    if (!same) values[k] = unknown_trait;
  }
  return values;
}

std::vector<double> measure_item(const data::Dataset& dataset, std::int64_t item, std::int64_t& outline_px) {
  const auto readers = dataset.mask(item);
  const int least = data::consensus_at(dataset, item);
  std::vector<std::uint8_t> outline(readers.size());
  for (std::size_t i = 0; i < readers.size(); ++i) outline[i] = readers[i] >= least ? 1 : 0;
  outline_px = std::count(outline.begin(), outline.end(), 1);
  traits::Patch patch;
  patch.hu = dataset.image(item);
  patch.mask = outline;
  patch.height = dataset.info().height;
  patch.width = dataset.info().width;
  patch.padding_hu = dataset.info().padding_hu;
  patch.spacing_mm = dataset.item(item).spacing_mm;
  return patch.spacing_mm > 0 ? traits::measure(patch) : without_size(patch);
}

}  // namespace

std::vector<double> TraitTable::column(std::size_t trait, const std::vector<std::int64_t>& items) const {
  std::vector<double> numbers;
  numbers.reserve(items.size());
  for (const std::int64_t item : items) numbers.push_back(values[static_cast<std::size_t>(item)][trait]);
  return numbers;
}

TraitTable measure_all(const data::Dataset& dataset, int threads, Monitor& monitor) {
  const auto count = static_cast<std::size_t>(dataset.size());
  TraitTable table;
  table.outline_px.assign(count, 0);
  table.values.assign(count, std::vector<double>(traits::catalog().size(), unknown_trait));
  table.measured = dataset.info().masks && dataset.info().content == "patch";
  if (!table.measured) return table;
  std::atomic<std::int64_t> done{0};
  parallel_for(dataset.size(), threads, [&](std::int64_t item) {
    const auto row = static_cast<std::size_t>(item);
    table.values[row] = measure_item(dataset, item, table.outline_px[row]);
    const std::int64_t finished = ++done;
    if (finished % 64 != 0) return;
    if (monitor.stop_requested()) throw Error(ErrorCode::stopped, "study stopped: nothing was written");
    monitor.progress({"measuring", finished, dataset.size(), "images", ""});
  });
  monitor.progress({"measuring", dataset.size(), dataset.size(), "images", ""});
  return table;
}

std::vector<std::int64_t> one_image_a_nodule(const data::Dataset& dataset, const TraitTable& table) {
  std::map<std::pair<std::string, std::string>, std::int64_t> best;
  std::vector<std::int64_t> chosen;
  const auto outline = [&](std::int64_t i) { return table.outline_px[static_cast<std::size_t>(i)]; };
  for (std::int64_t i = 0; i < dataset.size(); ++i) {
    const data::Item& item = dataset.item(i);
    if (item.nodule.empty()) {
      chosen.push_back(i);
      continue;
    }
    const auto [entry, fresh] = best.emplace(std::pair(item.patient, item.nodule), i);
    if (!fresh && outline(i) > outline(entry->second)) entry->second = i;
  }
  for (const auto& [nodule, item] : best) chosen.push_back(item);
  std::sort(chosen.begin(), chosen.end());
  return chosen;
}

void write_traits_csv(const std::filesystem::path& file, const data::Dataset& dataset, const TraitTable& table) {
  std::vector<std::string> columns{"item", "patient", "nodule", "split", "outline_px"};
  for (const traits::Trait& trait : traits::catalog()) columns.emplace_back(trait.name);
  CsvWriter csv(file, columns);
  for (std::int64_t i = 0; i < dataset.size(); ++i) {
    const data::Item& item = dataset.item(i);
    const auto row = static_cast<std::size_t>(i);
    std::vector<std::string> fields{std::to_string(i), item.patient, item.nodule, std::string(name(item.split)),
                                    std::to_string(table.outline_px[row])};
    for (const double value : table.values[row]) fields.push_back(csv_number(value));
    csv.row(fields);
  }
  csv.close();
}

}  // namespace nodulus::study
