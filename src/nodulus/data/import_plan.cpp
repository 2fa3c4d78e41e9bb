#include "nodulus/data/import_plan.h"

#include <algorithm>
#include <array>
#include <set>

#include "nodulus/core/error.h"
#include "nodulus/core/json_fields.h"

namespace nodulus::data {
namespace {

/// Columns with a meaning of their own; all others are labels.
constexpr std::array<std::string_view, 7> fixed_columns{"file",    "patient", "nodule",    "series_uid",
                                                        "sop_uid", "z_mm",    "spacing_mm"};

std::string base_name(const std::string& entry) {
  const std::size_t slash = entry.rfind('/');
  return slash == std::string::npos ? entry : entry.substr(slash + 1);
}

std::string without_ending(const std::string& entry) {
  const std::size_t dot = entry.rfind('.');
  const std::size_t slash = entry.rfind('/');
  return dot == std::string::npos || (slash != std::string::npos && dot < slash) ? entry : entry.substr(0, dot);
}

/// Entries by their last name, so that a table may say "a.png" or "images/a.png".
class NameIndex {
 public:
  void add(const std::string& entry) { by_base_[base_name(entry)].push_back(entry); }

  /// The one entry that `file` names; "" where there is none.
  [[nodiscard]] std::string find(const std::string& file, const std::string& place) const {
    const auto found = by_base_.find(base_name(file));
    if (found == by_base_.end()) return "";
    std::string match;
    for (const std::string& entry : found->second) {
      if (entry == file) return entry;
      if (!entry.ends_with("/" + file)) continue;
      if (!match.empty()) {
        throw Error(ErrorCode::bad_input, place + ": '" + file + "' may be '" + match + "' or '" + entry + "'");
      }
      match = entry;
    }
    return match;
  }
  /// The mask of a picture: the one whose path below the mask folder, endings aside, is the longest end of the
  /// picture's own. "" where there is none. Error{bad_input} for a choice.
  [[nodiscard]] std::string mask_of(const std::string& picture) const {
    const std::string stem = without_ending(picture);
    const auto found = masks_.find(base_name(stem));
    if (found == masks_.end()) return "";
    const Mask* best = nullptr;
    for (const Mask& mask : found->second) {
      if (stem != mask.stem && !stem.ends_with("/" + mask.stem)) continue;
      if (best != nullptr && best->stem == mask.stem) {
        throw Error(ErrorCode::bad_input,
                    "'" + picture + "': expected one mask, found '" + best->entry + "' and '" + mask.entry + "'");
      }
      if (best == nullptr || best->stem.size() < mask.stem.size()) best = &mask;
    }
    return best == nullptr ? "" : best->entry;
  }
  void add_mask(const std::string& entry, const std::string& folder) {
    const std::size_t at = entry.starts_with(folder + "/") ? 0 : entry.find("/" + folder + "/") + 1;
    const std::string stem = without_ending(entry.substr(at + folder.size() + 1));
    masks_[base_name(stem)].push_back({entry, stem});
  }

 private:
  struct Mask {
    std::string entry;
    std::string stem;  ///< Below the mask folder, without its ending.
  };
  std::map<std::string, std::vector<Mask>> masks_;  ///< By the last name, without its ending.
  std::map<std::string, std::vector<std::string>> by_base_;
};

/// The name that our own data sets use for a label that others spell otherwise.
std::string label_name(const std::string& column, const CsvTable& table) {
  const std::map<std::string, std::string> others{{"internalStructure", "internal_structure"},
                                                  {"malignancy_median", "malignancy"}};
  const auto found = others.find(column);
  if (found != others.end() && !table.has(found->second)) return found->second;
  return column == "split" ? "source_split" : column;
}

Label label_of(const std::string& label, const std::string& column, const CsvTable& table) {
  for (const Label& known : lidc_characteristics()) {
    if (known.name == label) return known;
  }
  bool numbers = true;
  for (std::size_t row = 0; numbers && row < table.rows(); ++row) {
    const std::string& text = table.text(row, column);
    numbers = text.empty() || parse_number(text).has_value();
  }
  std::string meaning = "column '" + column + "' of the imported table";
  if (label == "readers") meaning = "readers who outlined the nodule";
  if (label == "hu_gain") meaning = "HU a grey level of the imported picture";
  if (label == "hu_offset") meaning = "HU of grey level 0 of the imported picture";
  return {label, numbers ? "number" : "text", meaning, {}};
}

void plan_columns(const CsvTable& table, ImportPlan& plan) {
  (void)table.column("file");
  plan.has_patient = table.has("patient");
  plan.hu_known = table.has("hu_gain") || table.has("hu_offset");
  if (plan.hu_known) {
    (void)table.column("hu_gain");
    (void)table.column("hu_offset");
  }
  for (const std::string& column : table.columns()) {
    if (std::find(fixed_columns.begin(), fixed_columns.end(), column) != fixed_columns.end()) continue;
    plan.label_columns.push_back(column);
    plan.labels.push_back(label_of(label_name(column, table), column, table));
  }
}

}  // namespace

bool in_folder(const std::string& entry, const std::string& folder) {
  if (folder.empty()) return false;
  return entry.starts_with(folder + "/") || entry.find("/" + folder + "/") != std::string::npos;
}

CsvTable table_of_listing(const SourceListing& listing) {
  std::string text = "file\n";
  for (const std::string& entry : listing.pictures) {
    if (in_folder(entry, listing.mask_folder)) continue;
    const auto array = listing.arrays.find(entry);
    const std::int64_t count = array == listing.arrays.end() ? 1 : array->second;
    for (std::int64_t i = 0; i < count; ++i) text += csv_row(std::vector<std::string>{entry});
  }
  return CsvTable::parse(text, "list of pictures");
}

CsvTable table_of_stylegan(const std::string& json_text, const std::string& where, const SourceListing& listing) {
  Json json = Json::parse(json_text, nullptr, false);
  if (json.is_discarded()) throw Error(ErrorCode::bad_input, where + ": not JSON");
  const JsonFields fields(json, where);
  const Json& labels = fields.json("labels", "a list of [file, class], or null");
  if (labels.is_null()) return table_of_listing(listing);
  std::string text = "file,class\n";
  for (const Json& entry : labels) {
    if (!entry.is_array() || entry.size() != 2 || !entry[0].is_string()) {
      fields.fail("labels", "a list of [file, class], or null", entry.dump());
    }
    std::string value;
    for (const Json& part : entry[1].is_array() ? entry[1] : Json::array({entry[1]})) {
      if (!part.is_number()) fields.fail("labels", "classes that are numbers", entry.dump());
      value += (value.empty() ? "" : " ") + part.dump();
    }
    text += csv_row(std::vector<std::string>{entry[0].get<std::string>(), value});
  }
  return CsvTable::parse(text, where);
}

ImportPlan plan_import(const CsvTable& table, const SourceListing& listing, std::vector<Reject>& rejects) {
  ImportPlan plan;
  plan_columns(table, plan);
  NameIndex names;
  for (const std::string& entry : listing.pictures) {
    if (!in_folder(entry, listing.mask_folder)) {
      names.add(entry);
      continue;
    }
    names.add_mask(entry, listing.mask_folder);
    plan.masks = true;
  }
  std::map<std::string, std::int64_t> used;
  std::map<std::string, std::string> picture_of_mask;
  for (std::size_t row = 0; row < table.rows(); ++row) {
    const std::string& file = table.text(row, "file");
    const std::string entry = names.find(file, table.place(row, "file"));
    if (entry.empty()) {
      rejects.push_back({file, "file missing", table.place(row, "file") + ": no such picture in the source"});
      continue;
    }
    const auto array = listing.arrays.find(entry);
    const std::int64_t available = array == listing.arrays.end() ? 1 : array->second;
    const std::int64_t index = used[entry]++;
    if (index >= available) {
      rejects.push_back({file, "named twice", table.place(row, "file") + ": an earlier row names the same picture"});
      continue;
    }
    PlannedItem item{row, entry, index, plan.masks ? names.mask_of(entry) : ""};
    const auto [of, fresh] = picture_of_mask.emplace(item.mask, entry);
    if (!item.mask.empty() && !fresh && of->second != entry) {
      throw Error(ErrorCode::bad_input, "'" + item.mask +
                                            "': expected the mask of one picture, found that it may be that of '" +
                                            of->second + "' or '" + entry + "'");
    }
    if (plan.masks && item.mask.empty()) {
      rejects.push_back({file, "mask missing", "no picture of that name in the folder '" + listing.mask_folder + "'"});
      continue;
    }
    plan.items.push_back(std::move(item));
  }
  for (const std::string& entry : listing.pictures) {
    if (in_folder(entry, listing.mask_folder) || used.contains(entry)) continue;
    rejects.push_back({entry, "not in the table", "no row of " + table.where() + " names it"});
  }
  return plan;
}

}  // namespace nodulus::data
