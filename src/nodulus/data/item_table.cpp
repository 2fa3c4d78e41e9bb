#include "nodulus/data/item_table.h"

#include <limits>
#include <set>

#include "nodulus/core/error.h"

namespace nodulus::data {

std::vector<std::string> item_columns(const std::vector<Label>& labels) {
  std::vector<std::string> columns{"patient", "series_uid", "sop_uid", "nodule", "z_mm", "spacing_mm", "split"};
  std::set<std::string> taken(columns.begin(), columns.end());
  for (const Label& label : labels) {
    if (!taken.insert(label.name).second) {
      throw Error(ErrorCode::bad_input, "label '" + label.name + "': items.csv has a column of that name already");
    }
    columns.push_back(label.name);
  }
  return columns;
}

std::vector<std::string> item_row(const Item& item) {
  std::vector<std::string> row{item.patient,
                               item.series_uid,
                               item.sop_uid,
                               item.nodule,
                               csv_number(item.z_mm),
                               csv_number(item.spacing_mm),
                               std::string(name(item.split))};
  row.insert(row.end(), item.labels.begin(), item.labels.end());
  return row;
}

std::vector<Item> read_items(const CsvTable& table, const std::vector<Label>& labels) {
  constexpr double unknown = std::numeric_limits<double>::quiet_NaN();
  std::vector<std::size_t> label_columns;
  label_columns.reserve(labels.size());
  for (const Label& label : labels) label_columns.push_back(table.column(label.name));
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

}  // namespace nodulus::data
