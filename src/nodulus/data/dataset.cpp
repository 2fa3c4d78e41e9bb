#include "nodulus/data/dataset.h"

#include <array>
#include <cmath>

#include "nodulus/core/error.h"
#include "nodulus/core/hash.h"
#include "nodulus/core/manifest.h"
#include "nodulus/core/nearest.h"

namespace nodulus::data {
namespace {

constexpr double unknown = std::numeric_limits<double>::quiet_NaN();

std::vector<Item> read_items(const CsvTable& table, const DatasetInfo& info) {
  std::vector<std::size_t> label_columns;
  for (const Label& label : info.labels) label_columns.push_back(table.column(label.name));
  std::vector<Item> items;
  items.reserve(table.rows());
  for (std::size_t row = 0; row < table.rows(); ++row) {
    Item item{table.text(row, "patient"),
              table.text(row, "series_uid"),
              table.text(row, "sop_uid"),
              table.text(row, "nodule"),
              table.number_if_any(row, "z_mm").value_or(unknown),
              table.number_if_any(row, "spacing_mm").value_or(unknown),
              Split::train,
              {}};
    const std::string& split = table.text(row, "split");
    try {
      item.split = split_from_name(split);
    } catch (const Error& error) {
      throw Error(ErrorCode::bad_input, table.place(row, "split") + ": " + error.what());
    }
    for (const std::size_t column : label_columns) item.labels.push_back(table.text(row, column));
    items.push_back(std::move(item));
  }
  return items;
}

}  // namespace

Dataset Dataset::open(const std::filesystem::path& folder) {
  (void)read_manifest(folder, "dataset", dataset_schema);
  Dataset dataset;
  dataset.folder_ = folder;
  dataset.info_ = read_dataset_info(folder / "dataset.json");
  const DatasetInfo& info = dataset.info_;
  const CsvTable table = CsvTable::read(folder / "items.csv");
  dataset.items_ = read_items(table, info);
  const std::array<std::int64_t, 3> shape{static_cast<std::int64_t>(table.rows()), info.height, info.width};
  dataset.images_ = NpyMap::open(folder / "images.npy");
  dataset.images_.expect(NpyType::int16, shape);
  if (info.masks) {
    dataset.masks_ = NpyMap::open(folder / "masks.npy");
    dataset.masks_.expect(NpyType::uint8, shape);
  }
  dataset.nodules_ = CsvTable::read(folder / "nodules.csv");
  return dataset;
}

std::span<const std::uint8_t> Dataset::mask(std::int64_t i) const {
  if (!info_.masks) return {};
  return masks_.row<std::uint8_t>(i);
}

std::size_t Dataset::label_column(std::string_view label_name) const {
  std::vector<std::string> names;
  for (const Label& label : info_.labels) {
    if (label.name == label_name) return names.size();
    names.push_back(label.name);
  }
  throw Error(ErrorCode::usage,
              folder_.string() + " has no label '" + std::string(label_name) + "'" + did_you_mean(label_name, names));
}

std::optional<double> Dataset::label(std::int64_t i, std::string_view label_name) const {
  const std::string& text = item(i).labels[label_column(label_name)];
  if (text.empty()) return std::nullopt;
  const std::optional<double> value = parse_number(text);
  if (!value) {
    throw Error(ErrorCode::bad_input, (folder_ / "items.csv").string() + ", item " + std::to_string(i) + ", label '" +
                                          std::string(label_name) + "': expected a number, found '" + text + "'");
  }
  return value;
}

std::vector<std::int64_t> Dataset::items_of(Split split) const {
  std::vector<std::int64_t> found;
  for (std::int64_t i = 0; i < size(); ++i) {
    if (item(i).split == split) found.push_back(i);
  }
  return found;
}

std::string Dataset::hash() const { return sha256_file(folder_ / "dataset.json"); }

}  // namespace nodulus::data
