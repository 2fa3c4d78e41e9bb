#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "nodulus/core/monitor.h"
#include "nodulus/data/dataset.h"

namespace nodulus::data {

/// What rejects.csv of a data set lists. Error as CsvTable.
std::vector<Reject> read_rejects(const Dataset& dataset);

/// Copies the tables that are the data set's own beside the common ones, such as findings.csv. Error{io}.
void copy_own_tables(const Dataset& dataset, const std::filesystem::path& folder);

/// Appends all items of a data set, each as `changed` makes it from that of the data set, and the rows of nodules.csv
/// in the order of `nodule_columns` (one that the data set lacks is empty). Error{stopped}.
void append_all(DatasetWriter& writer, const Dataset& dataset, const std::vector<std::string>& nodule_columns,
                const std::function<Item(std::int64_t)>& changed, Monitor& monitor);

/// Error{usage} where the data set has a column of that name.
void require_new_label(const Dataset& dataset, const std::string& label);

/// Writes the data set with one more label, a value an item, into a folder (an ArtifactWriter's path()). The manifest
/// is the caller's. Throws as require_new_label().
void write_with_label(const Dataset& dataset, const Label& label, const std::vector<std::string>& values,
                      const std::filesystem::path& folder, Monitor& monitor);

}  // namespace nodulus::data
