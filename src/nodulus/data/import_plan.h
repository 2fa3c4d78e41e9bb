#pragma once

#include <map>
#include <string>
#include <vector>

#include "nodulus/core/csv.h"
#include "nodulus/core/reject.h"
#include "nodulus/data/dataset_info.h"

namespace nodulus::data {

/// What an import found in its source before any picture is decoded.
struct SourceListing {
  std::vector<std::string> pictures;           ///< Entries by name, in the source's order.
  std::map<std::string, std::int64_t> arrays;  ///< Pictures in each .npy entry.
  std::string mask_folder;                     ///< Entries under a folder of this name are masks; "" for none.
};

/// Where one item's pixels are.
struct PlannedItem {
  std::size_t row = 0;     ///< Of the table.
  std::string picture;     ///< Entry.
  std::int64_t index = 0;  ///< Picture within the entry (arrays hold several).
  std::string mask;        ///< Entry, or "".
};

/// Which entry each row of the table names, and what the columns mean.
struct ImportPlan {
  std::vector<PlannedItem> items;
  std::vector<Label> labels;
  std::vector<std::string> label_columns;  ///< The table's column of each label.
  bool masks = false;
  bool hu_known = false;  ///< Columns hu_gain and hu_offset are there.
  bool has_patient = false;
};

/// True for an entry below a folder of that name, at any depth.
bool in_folder(const std::string& entry, const std::string& folder);

/// The table where the source has none: a column "file" with every picture (an array's name once for each of its
/// pictures).
CsvTable table_of_listing(const SourceListing& listing);
/// The table of StyleGAN2-ADA's dataset.json: {"labels": [[file, class], ...]} or null. Classes may be numbers or
/// lists. Error{bad_input} for anything else.
CsvTable table_of_stylegan(const std::string& json_text, const std::string& where, const SourceListing& listing);

/// Joins table and listing. Rows whose file is not there, files that no row names, files named twice and masks missing
/// go to `rejects`. Error{bad_input} for a table without "file", with one of hu_gain and hu_offset alone, or a file
/// name that fits several entries.
ImportPlan plan_import(const CsvTable& table, const SourceListing& listing, std::vector<Reject>& rejects);

}  // namespace nodulus::data
