#pragma once

#include <string>
#include <vector>

#include "nodulus/core/csv.h"
#include "nodulus/data/dataset.h"

namespace nodulus::data {

/// The columns of items.csv. Error{bad_input} where a label takes the name of another column.
std::vector<std::string> item_columns(const std::vector<Label>& labels);
/// One row of it.
std::vector<std::string> item_row(const Item& item);
/// All rows. Error{bad_input} naming line and column.
std::vector<Item> read_items(const CsvTable& table, const std::vector<Label>& labels);

}  // namespace nodulus::data
