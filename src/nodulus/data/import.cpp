#include "nodulus/data/import.h"

#include <algorithm>
#include <chrono>
#include <limits>
#include <set>

#include "nodulus/core/artifact.h"
#include "nodulus/core/error.h"
#include "nodulus/core/hash.h"
#include "nodulus/data/dataset.h"
#include "nodulus/data/import_decoder.h"

namespace nodulus::data {
namespace fs = std::filesystem;
namespace {

bool has_ending(const std::string& name, const std::string& ending) { return name.ends_with(ending); }

/// True for an entry of that name in any folder.
bool is_named(const std::string& entry, const std::string& name) {
  return entry == name || has_ending(entry, "/" + name);
}

/// True for what says how the pictures are to be taken.
bool is_table(const std::string& entry) {
  return has_ending(entry, ".csv") || is_named(entry, "dataset.json") || is_named(entry, "manifest.json");
}

/// The source's entries and, where it has one, its table.
struct Listing : SourceListing {
  std::map<std::string, std::string> tables;  ///< .csv and dataset.json entries: text by name.
  bool synthetic = false;                     ///< A manifest.json of ours in it says so.
};

/// Takes in one entry that is no picture to decode: a table, a manifest, or an array of an archive.
void take_in(Listing& listing, const std::string& name, std::vector<std::byte> bytes) {
  if (is_npy_name(name)) {
    try {
      listing.arrays[name] = npy_pictures(NpyMap::from_bytes(std::move(bytes), name));
    } catch (const Error&) {
      listing.arrays[name] = 1;  // rejected by name when it is decoded
    }
    return;
  }
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (!is_named(name, "manifest.json")) {
    listing.tables[name] = text;
    return;
  }
  const Json json = Json::parse(text, nullptr, false);
  if (json.is_discarded()) throw Error(ErrorCode::bad_input, name + ": expected JSON, found other text");
  listing.synthetic = listing.synthetic || (json.is_object() && json.value("synthetic", Json()) == true);
}

/// The folders that an entry lies in.
void add_folders(const std::string& entry, std::set<std::string>& folders) {
  for (std::size_t at = entry.find('/'), start = 0; at != std::string::npos;
       start = at + 1, at = entry.find('/', start)) {
    folders.insert(entry.substr(start, at - start));
  }
}

/// --masks, or the one folder with the usual name; "" where there is none.
std::string choose_mask_folder(const std::set<std::string>& folders, const ImportOptions& options) {
  const auto refuse = [&](const std::string& what) {
    throw Error(ErrorCode::usage, options.source.string() + " has " + what);
  };
  if (!options.masks.empty()) {
    if (!folders.contains(options.masks)) refuse("no folder '" + options.masks + "' with masks in it");
    return options.masks;
  }
  const bool masks = folders.contains("masks");
  const bool readers = folders.contains("readers");
  if (masks && readers) refuse("a folder 'masks' and a folder 'readers'; name the one to use with --masks");
  return masks ? "masks" : readers ? "readers" : "";
}

Listing list_source(EntrySource& source, const ImportOptions& options, std::vector<Reject>& rejects) {
  Listing listing;
  std::set<std::string> folders;
  const auto wanted = [&](const std::string& name) {
    if (is_picture_name(name)) {
      listing.pictures.push_back(name);
      add_folders(name, folders);
    }
    const bool mapped = is_npy_name(name) && !source.file_of(name).empty();  // where it lies, below
    return is_table(name) || (is_npy_name(name) && !mapped);
  };
  const auto visit = [&](const std::string& name, std::vector<std::byte> bytes) {
    take_in(listing, name, std::move(bytes));
  };
  source.visit(wanted, visit, rejects);
  for (const Reject& reject : rejects) {
    // The pass that decodes meets pictures again; what these say must not be lost.
    if (is_table(reject.where)) {
      throw Error(ErrorCode::bad_input,
                  options.source.string() + ", " + reject.where + ": " + reject.reason + ": " + reject.detail);
    }
  }
  std::set<std::string> distinct;
  std::erase_if(listing.pictures, [&](const std::string& name) { return !distinct.insert(name).second; });
  for (const std::string& name : listing.pictures) {
    if (!is_npy_name(name) || source.file_of(name).empty()) continue;
    try {
      listing.arrays[name] = npy_pictures(NpyMap::open(source.file_of(name)));
    } catch (const Error&) {
      listing.arrays[name] = 1;
    }
  }
  listing.mask_folder = choose_mask_folder(folders, options);
  return listing;
}

CsvTable table_for(const Listing& listing, const ImportOptions& options) {
  if (!options.csv.empty()) {
    const auto inside = listing.tables.find(options.csv.generic_string());
    if (inside != listing.tables.end()) return CsvTable::parse(inside->second, inside->first);
    return CsvTable::read(options.csv);
  }
  std::vector<std::string> csv;
  for (const auto& [name, text] : listing.tables) {
    if (has_ending(name, ".csv")) csv.push_back(name);
  }
  std::vector<std::string> items;
  std::copy_if(csv.begin(), csv.end(), std::back_inserter(items),
               [](const auto& n) { return is_named(n, "items.csv"); });
  if (!items.empty()) csv = items;
  if (csv.size() > 1) {
    throw Error(ErrorCode::usage, options.source.string() + " has " + std::to_string(csv.size()) + " tables ('" +
                                      csv[0] + "', '" + csv[1] + "', ...); name the one to use with --csv");
  }
  if (csv.size() == 1) return CsvTable::parse(listing.tables.at(csv[0]), csv[0]);
  if (!listing.tables.empty()) {
    return table_of_stylegan(listing.tables.begin()->second, listing.tables.begin()->first, listing);
  }
  return table_of_listing(listing);
}

/// The fixed columns of one row; unknown where the table has no such column.
Item item_of(const CsvTable& table, const ImportPlan& plan, const PlannedItem& planned, const SplitRule& rule) {
  const auto text = [&](const char* column) {
    return table.has(column) ? table.text(planned.row, column) : std::string();
  };
  const auto number = [&](const char* column) {
    constexpr double unknown = std::numeric_limits<double>::quiet_NaN();
    return table.has(column) ? table.number_if_any(planned.row, column).value_or(unknown) : unknown;
  };
  Item item{text("patient"), text("series_uid"),   text("sop_uid"), text("nodule"),
            number("z_mm"),  number("spacing_mm"), Split::train,    {}};
  if (item.patient.empty()) {  // its own patient: the best that can be said
    item.patient = planned.picture + (planned.index > 0 ? "#" + std::to_string(planned.index) : "");
  }
  item.split = split_of(item.patient, rule);
  for (const std::string& column : plan.label_columns) item.labels.push_back(table.text(planned.row, column));
  return item;
}

/// nodules.csv: a row a nodule, with every label that is the same on all its images.
class NoduleRows {
 public:
  explicit NoduleRows(const DatasetInfo& info) : info_(info), constant_(info.labels.size(), true) {}

  void add(const Item& item) {
    if (item.nodule.empty()) return;
    const auto [entry, fresh] = index_.emplace(item.patient + "\n" + item.nodule, nodules_.size());
    if (fresh) nodules_.push_back({item, 0});
    auto& [first, images] = nodules_[entry->second];
    ++images;
    for (std::size_t i = 0; i < constant_.size(); ++i) {
      if (first.labels[i] != item.labels[i]) constant_[i] = false;
    }
  }
  [[nodiscard]] std::vector<std::string> columns() const {
    std::vector<std::string> names{"patient", "nodule", "series_uid", "split", "images"};
    for (std::size_t i = 0; i < constant_.size(); ++i) {
      if (constant_[i]) names.push_back(info_.labels[i].name);
    }
    return names;
  }
  void write(DatasetWriter& writer) const {
    for (const auto& [item, images] : nodules_) {
      std::vector<std::string> row{item.patient, item.nodule, item.series_uid, std::string(name(item.split)),
                                   std::to_string(images)};
      for (std::size_t i = 0; i < constant_.size(); ++i) {
        if (constant_[i]) row.push_back(item.labels[i]);
      }
      writer.append_nodule(row);
    }
  }

 private:
  const DatasetInfo& info_;
  std::vector<bool> constant_;
  std::map<std::string, std::size_t> index_;
  std::vector<std::pair<Item, int>> nodules_;
};

std::string hu_note(const ImportPlan& plan, const SourceListing& listing, const WindowHu& window) {
  if (plan.hu_known) return "HU = hu_gain * pixel + hu_offset, given for each image by the imported table";
  std::string arrays = "int16 and floating-point arrays taken as HU";
  if (!listing.arrays.empty() && listing.arrays.size() == listing.pictures.size()) return arrays;
  return "assumed: grey 0 is " + csv_number(window.lo) + " HU and the format's largest grey value is " +
         csv_number(window.hi) + " HU, linear in between (" + arrays + ")";
}

DatasetInfo info_of(const ImportOptions& options, const CsvTable& table, const ImportPlan& plan,
                    const SourceListing& listing, const ImportDecoder& decoder) {
  DatasetInfo info;
  info.height = decoder.height();
  info.width = decoder.width();
  info.masks = plan.masks;
  info.window_hu = options.window_hu;
  info.labels = plan.labels;
  info.split = options.split;
  info.sources = options.sources;
  info.hu_note = hu_note(plan, listing, options.window_hu);
  bool lidc = plan.has_patient && !plan.items.empty();
  for (const PlannedItem& item : plan.items) {
    if (!lidc) break;
    lidc = is_lidc_patient(table.text(item.row, "patient"));
  }
  if (info.sources.empty() && lidc) info.sources.push_back(lidc_source());
  return info;
}

Manifest manifest_of(const ImportOptions& options, const Listing& listing, const ImportDecoder& decoder) {
  Manifest manifest;
  manifest.kind = "dataset";
  manifest.schema = dataset_schema;
  manifest.command = "import";
  manifest.synthetic = listing.synthetic || decoder.synthetic();
  manifest.options = {{"csv", options.csv.string()},
                      {"masks", options.masks},
                      {"size", options.size},
                      {"window_hu", {options.window_hu.lo, options.window_hu.hi}},
                      {"split_train", options.split.train},
                      {"split_val", options.split.val}};
  std::error_code error;
  // A folder's sum is over the names and sums of the pictures and tables read from it.
  std::string sums = decoder.input_sums();
  for (const auto& [name, text] : listing.tables) sums += name + " " + sha256_hex(text) + "\n";
  manifest.inputs.push_back(fs::is_directory(options.source, error)
                                ? Manifest::Input{options.source.string(), sha256_hex(sums)}
                                : manifest_input(options.source));
  if (!options.csv.empty() && fs::is_regular_file(options.csv, error))
    manifest.inputs.push_back(manifest_input(options.csv));
  return manifest;
}

/// A source that has been listed, and what to do with it.
struct Opened {
  std::unique_ptr<EntrySource> source;
  Listing listing;
  CsvTable table;
  ImportPlan plan;
  std::vector<Reject> rejects;
};

Opened open_source(const ImportOptions& options, Monitor& monitor) {
  check(options.split);
  if (options.size < 0 || !(options.window_hu.lo < options.window_hu.hi)) {
    throw Error(ErrorCode::usage, "import: expected a size of 0 or more and a window lo < hi");
  }
  Opened opened;
  opened.source = EntrySource::open(options.source);
  opened.listing = list_source(*opened.source, options, opened.rejects);
  if (opened.listing.pictures.empty()) {
    throw Error(ErrorCode::bad_input, options.source.string() + ": expected PNG, JPEG or .npy files, found none");
  }
  opened.rejects.clear();  // of the listing; the decoding pass meets the same entries again
  opened.table = table_for(opened.listing, options);
  opened.plan = plan_import(opened.table, opened.listing, opened.rejects);
  if (!opened.plan.has_patient) {
    monitor.warn(
        "no column 'patient': every image counts as a patient of its own, so one patient's images may fall into "
        "several splits");
  }
  const bool arrays_alone = opened.listing.arrays.size() == opened.listing.pictures.size();
  if (!opened.plan.hu_known && !arrays_alone) {
    monitor.warn("no columns 'hu_gain' and 'hu_offset': HU are assumed, black " + csv_number(options.window_hu.lo) +
                 " and white " + csv_number(options.window_hu.hi) + "; --window-hu says otherwise");
  }
  if (opened.rejects.size() > opened.plan.items.size()) {
    monitor.warn(opened.table.where() + " and the pictures hardly fit: " + std::to_string(opened.plan.items.size()) +
                 " match, left out are " + reasons_text(count_by_reason(opened.rejects)));
  }
  return opened;
}

}  // namespace

ImportPreview preview_import(const ImportOptions& options, Monitor& monitor) {
  const Opened opened = open_source(options, monitor);
  return {static_cast<std::int64_t>(opened.plan.items.size()), opened.plan.masks, count_by_reason(opened.rejects)};
}

ImportResult import_pictures(const ImportOptions& options, Monitor& monitor) {
  const auto start = std::chrono::steady_clock::now();
  check_target(options.out, "dataset", options.force);
  Opened opened = open_source(options, monitor);
  auto& [source, listing, table, plan, rejects] = opened;
  ArtifactWriter artifact(options.out, "dataset", options.force);
  ImportDecoder decoder(options, table, plan, artifact.path(), rejects, monitor);
  decoder.decode_all(*source);

  if (listing.synthetic || decoder.synthetic())
    monitor.warn("generated images are among the pictures: the data set is marked synthetic");

  const DatasetInfo info = info_of(options, table, plan, listing, decoder);
  NoduleRows nodules(info);
  std::vector<std::size_t> usable;
  for (std::size_t i = 0; i < plan.items.size(); ++i) {
    if (!decoder.usable(i)) continue;
    usable.push_back(i);
    nodules.add(item_of(table, plan, plan.items[i], options.split));
  }
  if (usable.empty()) {
    throw Error(
        ErrorCode::bad_input,
        options.source.string() + ": no picture could be used (" + reasons_text(count_by_reason(rejects)) +
            "); the first: " + (rejects.empty() ? "none" : rejects.front().where + ": " + rejects.front().detail));
  }
  DatasetWriter writer(artifact.path(), info, nodules.columns());
  const std::size_t pixels = static_cast<std::size_t>(info.height) * static_cast<std::size_t>(info.width);
  std::vector<std::int16_t> image(pixels);
  std::vector<std::uint8_t> mask(info.masks ? pixels : 0);
  for (const std::size_t i : usable) {
    decoder.get(i, image, mask);
    writer.append(item_of(table, plan, plan.items[i], options.split), image, mask);
  }
  nodules.write(writer);
  std::sort(rejects.begin(), rejects.end(),
            [](const Reject& a, const Reject& b) { return std::tie(a.where, a.reason) < std::tie(b.where, b.reason); });
  const DatasetInfo written = writer.close(rejects);
  write_manifest(artifact.path(), manifest_of(options, listing, decoder));
  artifact.commit();
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  return {written.counts, written.rejects, written.masks,  written.height,
          written.width,  written.hu_note, seconds.count()};
}

}  // namespace nodulus::data
