#include "nodulus/study/pictures.h"

#include <algorithm>
#include <cmath>

#include "nodulus/core/seed.h"
#include "nodulus/data/centre_cut.h"
#include "nodulus/data/loader.h"

namespace nodulus::study {
namespace {

constexpr int panel_width = 320;
constexpr int panel_height = 140;
constexpr int panel_margin = 10;
constexpr Rgb paper{24, 24, 24};
constexpr Rgb bar_color{90, 140, 165};
constexpr Rgb line_color{240, 180, 60};
constexpr Rgb axis_color{200, 200, 205};

}  // namespace

Picture row_sheet(const data::Dataset& dataset, const std::vector<std::vector<std::int64_t>>& rows, int side) {
  std::size_t columns = 0;
  for (const auto& row : rows) columns = std::max(columns, row.size());
  if (columns == 0) return {};
  const data::DatasetInfo& info = dataset.info();
  const int height = side > 0 ? std::min(side, info.height) : info.height;
  const int width = side > 0 ? std::min(side, info.width) : info.width;
  SheetOptions sheet;
  sheet.columns = static_cast<int>(columns);
  sheet.window_hu = info.window_hu;
  sheet.background = paper;
  sheet.scale = std::max(height, width) <= 80 ? 2 : 1;
  // A place without an image has the HU that is drawn like the paper.
  const double grey = info.window_hu.lo + (info.window_hu.hi - info.window_hu.lo) * paper[0] / 255;
  const std::vector<std::int16_t> blank(static_cast<std::size_t>(height) * static_cast<std::size_t>(width),
                                        static_cast<std::int16_t>(std::lround(grey)));
  std::vector<std::vector<std::int16_t>> images;
  std::vector<std::vector<std::uint8_t>> masks;
  for (const auto& row : rows) {
    for (const std::int64_t item : row) {
      images.push_back(data::centre_cut(dataset.image(item), info, height, width));
      masks.push_back(data::centre_cut(dataset.mask(item), info, height, width));
    }
  }
  std::vector<SheetCell> cells;
  std::size_t next = 0;
  for (std::size_t row = 0; row < rows.size(); ++row) {
    for (std::size_t k = 0; k < rows[row].size(); ++k, ++next) cells.push_back({images[next], masks[next]});
    cells.resize((row + 1) * columns, SheetCell{blank, {}});
  }
  return contact_sheet(cells, height, width, sheet);
}

Picture class_sheet(const data::Dataset& dataset, const Classes& classes, const std::vector<std::int64_t>& one_a_nodule,
                    int images, std::uint64_t seed) {
  std::vector<std::vector<std::int64_t>> members(classes.classes.size());
  for (const std::int64_t item : one_a_nodule) {
    const int at = classes.of_item[static_cast<std::size_t>(item)];
    if (at >= 0) members[static_cast<std::size_t>(at)].push_back(item);
  }
  std::erase_if(members, [](const auto& class_items) { return class_items.empty(); });
  if (members.size() < 2 || images < 1) return {};
  std::vector<std::vector<std::int64_t>> rows(members.size());
  for (std::size_t row = 0; row < members.size(); ++row) {
    const std::uint64_t key = derive_seed(seed, row);
    for (std::size_t k = 0; k < std::min(static_cast<std::size_t>(images), members[row].size()); ++k)
      rows[row].push_back(members[row][data::permuted(k, members[row].size(), key)]);
    std::sort(rows[row].begin(), rows[row].end());
  }
  return row_sheet(dataset, rows);
}

double tick_step(double low, double high) {
  const double span = high - low;
  if (!(span > 0) || !std::isfinite(span)) return 1;
  const double power = std::pow(10.0, std::floor(std::log10(span)));
  for (const double step : {0.1, 0.2, 0.5, 1.0}) {
    if (span / (step * power) <= 10) return step * power;
  }
  return power;
}

Picture share_picture(const traits::Histogram& histogram) {
  const std::size_t bins = histogram.first.size();
  if (bins == 0) return {};
  const std::vector<double> first = traits::shares(histogram.first);
  const std::vector<double> second = traits::shares(histogram.second);
  const double most =
      std::max({1e-12, *std::max_element(first.begin(), first.end()), *std::max_element(second.begin(), second.end())});
  Picture picture(panel_width, panel_height, 3);
  fill_box(picture, 0, 0, panel_width, panel_height, paper);
  const double low = histogram.edges.front();
  const double high = histogram.edges.back();
  const int floor_y = panel_height - panel_margin - 6;
  const auto x_of = [&](double value) {
    const double part = (value - low) / (high - low);
    return panel_margin + static_cast<int>(std::lround(part * (panel_width - 2 * panel_margin)));
  };
  const auto y_of = [&](double share) {
    return floor_y - static_cast<int>(std::lround(share / most * (floor_y - panel_margin)));
  };
  for (std::size_t i = 0; i < bins; ++i) {
    fill_box(picture, x_of(histogram.edges[i]), y_of(first[i]), x_of(histogram.edges[i + 1]) - 1, floor_y, bar_color);
  }
  int before = floor_y;
  for (std::size_t i = 0; i < bins; ++i) {
    const int y = y_of(second[i]);
    const int x = x_of(histogram.edges[i]);
    fill_box(picture, x - 1, std::min(y, before), x + 1, std::max(y, before) + 2, line_color);
    fill_box(picture, x, y, x_of(histogram.edges[i + 1]), y + 2, line_color);
    before = y;
  }
  fill_box(picture, x_of(high) - 1, before, x_of(high) + 1, floor_y, line_color);
  fill_box(picture, panel_margin, floor_y, panel_width - panel_margin, floor_y + 1, axis_color);
  const double step = tick_step(low, high);
  for (double tick = std::ceil(low / step) * step; tick <= high; tick += step) {
    fill_box(picture, x_of(tick), floor_y, x_of(tick) + 1, floor_y + 6, axis_color);
  }
  return picture;
}

}  // namespace nodulus::study
