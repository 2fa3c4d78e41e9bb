#include "nodulus/data/dataset.h"

#include <algorithm>
#include <array>

#include "nodulus/core/error.h"
#include "nodulus/core/hash.h"
#include "nodulus/core/manifest.h"
#include "nodulus/core/nearest.h"
#include "nodulus/data/item_table.h"

namespace nodulus::data {
Dataset Dataset::open(const std::filesystem::path& folder) {
  Dataset dataset;
  dataset.synthetic_ = read_manifest(folder, "dataset", dataset_schema).synthetic;
  dataset.folder_ = folder;
  dataset.info_ = read_dataset_info(folder / "dataset.json");
  const DatasetInfo& info = dataset.info_;
  const CsvTable table = CsvTable::read(folder / "items.csv");
  dataset.items_ = read_items(table, info.labels);
  const std::array<std::int64_t, 3> shape{static_cast<std::int64_t>(table.rows()), info.height, info.width};
  dataset.images_ = NpyMap::open(folder / "images.npy");
  dataset.images_.expect(NpyType::int16, shape);
  if (info.masks) {
    dataset.masks_ = NpyMap::open(folder / "masks.npy");
    dataset.masks_.expect(NpyType::uint8, shape);
  }
  dataset.nodules_ = CsvTable::read(folder / "nodules.csv");
  // The arrays are too long to be read for this each time; their shapes have been compared.
  for (const char* table_name : {"items.csv", "nodules.csv"}) {
    const auto expected = info.files.find(table_name);
    if (expected == info.files.end() || expected->second == sha256_file(folder / table_name)) continue;
    throw Error(ErrorCode::bad_input, (folder / table_name).string() + ": expected the sum " +
                                          expected->second.substr(0, 12) +
                                          "... that dataset.json has for it, found another: it was changed since");
  }
  return dataset;
}

std::span<const std::uint8_t> Dataset::mask(std::int64_t i) const {
  if (!info_.masks) return {};
  return masks_.row<std::uint8_t>(i);
}

std::size_t Dataset::label_column(std::string_view label_name) const {
  const std::vector<Label>& labels = info_.labels;
  const auto found =
      std::find_if(labels.begin(), labels.end(), [&](const Label& label) { return label.name == label_name; });
  if (found != labels.end()) return static_cast<std::size_t>(found - labels.begin());
  std::vector<std::string> names;
  names.reserve(labels.size());
  for (const Label& label : labels) names.push_back(label.name);
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

std::int64_t Dataset::items_of_ancestor(std::string_view ancestor_hash) const {
  if (ancestor_hash == hash()) return size();
  for (const Ancestor& ancestor : info_.grown_from)
    if (ancestor.sha256 == ancestor_hash) return ancestor.images;
  return 0;
}

}  // namespace nodulus::data
