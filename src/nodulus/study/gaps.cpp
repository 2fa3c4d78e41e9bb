#include "nodulus/study/gaps.h"

#include <algorithm>
#include <cmath>
#include <span>

#include "nodulus/core/error.h"
#include "nodulus/data/loader.h"

namespace nodulus::study {
namespace {

bool reaches_edge(std::span<const std::uint8_t> readers, int height, int width, int least) {
  for (int y = 0; y < height; ++y) {
    const bool whole_row = y == 0 || y == height - 1;
    for (int x = 0; x < width; x += whole_row || width == 1 ? 1 : width - 1) {
      if (readers[static_cast<std::size_t>(y) * width + x] >= least) return true;
    }
  }
  return false;
}

void count_pixels(const data::Dataset& dataset, const TraitTable& table, std::int64_t item, double& padding,
                  Gaps& gaps) {
  const auto hu = dataset.image(item);
  const int padding_hu = dataset.info().padding_hu;
  const auto padded = std::count_if(hu.begin(), hu.end(), [&](std::int16_t value) { return value == padding_hu; });
  gaps.padded_images += padded > 0 ? 1 : 0;
  padding += static_cast<double>(padded);
  gaps.most_padding = std::max(gaps.most_padding, static_cast<double>(padded) / static_cast<double>(hu.size()));
  const auto readers = dataset.mask(item);
  if (readers.empty()) return;
  const bool marked = std::any_of(readers.begin(), readers.end(), [](std::uint8_t n) { return n > 0; });
  gaps.without_mark += marked ? 0 : 1;
  if (!table.measured) return;
  gaps.without_outline += table.outline_px[static_cast<std::size_t>(item)] == 0 ? 1 : 0;
  const int least = data::consensus_at(dataset, item);
  gaps.cut_outlines += reaches_edge(readers, dataset.info().height, dataset.info().width, least) ? 1 : 0;
}

}  // namespace

bool names_classes(const data::Label& label) {
  return label.type == "category" || label.type == "rating" || label.name == "class" || label.name == "size_class";
}

Gaps find_gaps(const data::Dataset& dataset, const TraitTable& table, const std::vector<Classes>& classes,
               Monitor& monitor) {
  Gaps gaps;
  double padding = 0;
  for (std::int64_t i = 0; i < dataset.size(); ++i) {
    if (i % 512 == 0 && monitor.stop_requested()) {
      throw Error(ErrorCode::stopped, "study stopped: nothing was written");
    }
    const data::Item& item = dataset.item(i);
    gaps.without_nodule += item.nodule.empty() ? 1 : 0;
    gaps.without_spacing += std::isfinite(item.spacing_mm) && item.spacing_mm > 0 ? 0 : 1;
    count_pixels(dataset, table, i, padding, gaps);
  }
  const data::DatasetInfo& info = dataset.info();
  const double pixels = static_cast<double>(dataset.size()) * info.height * info.width;
  if (pixels > 0) gaps.padding_share = padding / pixels;
  for (std::size_t k = 0; k < classes.size(); ++k) {
    if (!names_classes(info.labels[k])) continue;
    for (const Classes::Class& entry : classes[k].classes) {
      if (entry.all_nodules() >= few_examples) continue;
      gaps.small_classes.push_back(
          {info.labels[k].name, entry.value, entry.name, entry.all_nodules(), entry.nodules[0]});
    }
  }
  return gaps;
}

}  // namespace nodulus::study
