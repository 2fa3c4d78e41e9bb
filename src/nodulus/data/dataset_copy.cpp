#include "nodulus/data/dataset_copy.h"

#include <algorithm>
#include <array>

#include "nodulus/core/error.h"
#include "nodulus/data/item_table.h"

namespace nodulus::data {
namespace {

constexpr std::array common_files{"images.npy", "masks.npy", "items.csv", "nodules.csv", "rejects.csv", "dataset.json"};

}  // namespace

std::vector<Reject> read_rejects(const Dataset& dataset) {
  const CsvTable table = CsvTable::read(dataset.folder() / "rejects.csv");
  std::vector<Reject> rejects;
  for (std::size_t row = 0; row < table.rows(); ++row)
    rejects.push_back({table.text(row, "where"), table.text(row, "reason"), table.text(row, "detail")});
  return rejects;
}

void copy_own_tables(const Dataset& dataset, const std::filesystem::path& folder) {
  for (const auto& [name, sum] : dataset.info().files) {
    if (std::find(common_files.begin(), common_files.end(), name) != common_files.end()) continue;
    std::error_code error;
    std::filesystem::copy_file(dataset.folder() / name, folder / name, error);
    if (error) throw Error(ErrorCode::io, "cannot copy " + (dataset.folder() / name).string() + ": " + error.message());
  }
}

void append_all(DatasetWriter& writer, const Dataset& dataset, const std::vector<std::string>& nodule_columns,
                const std::function<Item(std::int64_t)>& changed, Monitor& monitor) {
  for (std::int64_t i = 0; i < dataset.size(); ++i) {
    if (i % 256 == 0) {
      if (monitor.stop_requested()) throw Error(ErrorCode::stopped, "stopped: nothing was written");
      monitor.progress({"writing", i, dataset.size(), "images", ""});
    }
    writer.append(changed(i), dataset.image(i), dataset.mask(i));
  }
  monitor.progress({"writing", dataset.size(), dataset.size(), "images", ""});
  const CsvTable& nodules = dataset.nodules();
  for (std::size_t row = 0; row < nodules.rows(); ++row) {
    std::vector<std::string> fields;
    fields.reserve(nodule_columns.size());
    for (const std::string& column : nodule_columns)
      fields.push_back(nodules.has(column) ? nodules.text(row, column) : "");
    writer.append_nodule(fields);
  }
}

void require_new_label(const Dataset& dataset, const std::string& label) {
  const auto columns = item_columns(dataset.info().labels);
  if (std::find(columns.begin(), columns.end(), label) != columns.end())
    throw Error(ErrorCode::usage, dataset.folder().string() + ": has a column '" + label + "' already");
}

void write_with_label(const Dataset& dataset, const Label& label, const std::vector<std::string>& values,
                      const std::filesystem::path& folder, Monitor& monitor) {
  require_new_label(dataset, label.name);
  if (values.size() != static_cast<std::size_t>(dataset.size()))
    throw Error(ErrorCode::internal, "write_with_label: expected a value for each item");
  DatasetInfo info = dataset.info();
  info.labels.push_back(label);
  info.grown_from.push_back({dataset.hash(), dataset.size()});
  copy_own_tables(dataset, folder);
  DatasetWriter writer(folder, info, dataset.nodules().columns());
  append_all(
      writer, dataset, dataset.nodules().columns(),
      [&](std::int64_t i) {
        Item item = dataset.item(i);
        item.labels.push_back(values[static_cast<std::size_t>(i)]);
        return item;
      },
      monitor);
  writer.close(read_rejects(dataset));
}

}  // namespace nodulus::data
