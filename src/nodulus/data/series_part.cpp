#include "nodulus/data/series_part.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <tuple>

#include "nodulus/core/error.h"
#include "nodulus/core/hash.h"
#include "nodulus/core/threads.h"
#include "nodulus/data/patch.h"
#include "nodulus/dicom/order.h"
#include "nodulus/dicom/slice.h"

namespace nodulus::data {
namespace {

using lidc::Nodule;
using lidc::NoduleSlice;

/// One image to be: a slice, and the lesions that it shows.
struct Cut {
  std::size_t slice = 0;                                              ///< Index into the ordered series.
  std::vector<std::pair<const Nodule*, const NoduleSlice*>> lesions;  ///< One for a patch; no NoduleSlice for points.
};

std::string class_name(lidc::SizeClass size_class) {
  switch (size_class) {
    case lidc::SizeClass::nodule: return "nodule";
    case lidc::SizeClass::small_nodule: return "small_nodule";
    case lidc::SizeClass::non_nodule: return "non_nodule";
  }
  return "nodule";
}

bool wanted(const Nodule& nodule, const PrepareOptions& options) {
  const auto& classes = options.size_classes;
  if (std::find(classes.begin(), classes.end(), class_name(nodule.size_class)) == classes.end()) return false;
  const int readers = nodule.size_class == lidc::SizeClass::nodule ? nodule.readers_nodule : nodule.readers;
  return readers >= options.min_readers;
}

/// The slices through a nodule that get an image.
std::vector<const NoduleSlice*> chosen_slices(const Nodule& nodule, const PrepareOptions& options) {
  std::vector<const NoduleSlice*> chosen;
  for (const NoduleSlice& slice : nodule.slices) {
    if (slice.consensus.count() > 0) chosen.push_back(&slice);
  }
  if (options.slices == "largest" && !chosen.empty()) {
    chosen = {*std::max_element(chosen.begin(), chosen.end(), [](const NoduleSlice* a, const NoduleSlice* b) {
      return a->consensus.count() < b->consensus.count();
    })};
  }
  return chosen;
}

std::size_t point_slice(const Nodule& nodule, std::size_t slices) {
  const double index = std::clamp(nodule.centroid_px[2], 0.0, static_cast<double>(slices - 1));
  return static_cast<std::size_t>(std::lround(index));
}

/// Patches in the order of nodule, z; or whole slices in the order of z.
std::vector<Cut> plan_cuts(const std::vector<Nodule>& nodules, std::size_t slices, const PrepareOptions& options) {
  std::vector<Cut> cuts;
  for (const Nodule& nodule : nodules) {
    if (!wanted(nodule, options)) continue;
    if (nodule.size_class != lidc::SizeClass::nodule)
      cuts.push_back({point_slice(nodule, slices), {{&nodule, nullptr}}});
    for (const NoduleSlice* slice : chosen_slices(nodule, options)) {
      cuts.push_back({static_cast<std::size_t>(slice->slice), {{&nodule, slice}}});
    }
  }
  if (options.content == "patch") return cuts;
  std::map<std::size_t, Cut> by_slice;
  for (const Cut& cut : cuts) {
    Cut& whole = by_slice[cut.slice];
    whole.slice = cut.slice;
    whole.lesions.push_back(cut.lesions.front());
  }
  cuts.clear();
  for (auto& [slice, cut] : by_slice) cuts.push_back(std::move(cut));
  return cuts;
}

std::uint8_t readers_at(const Cut& cut, int column, int row) {
  std::uint8_t most = 0;
  for (const auto& [nodule, slice] : cut.lesions) {
    if (slice != nullptr) most = std::max(most, slice->readers.at(column, row));
  }
  return most;
}

/// Readers that a pixel needs to belong to the consensus: lidc's rule, read back from its outcome.
int consensus_at(const Nodule& nodule) {
  int least = 0;
  for (const NoduleSlice& slice : nodule.slices) {
    std::size_t i = 0;
    for (int y = slice.consensus.y0; y < slice.consensus.y0 + slice.consensus.height; ++y) {
      for (int x = slice.consensus.x0; x < slice.consensus.x0 + slice.consensus.width; ++x, ++i) {
        const int readers = slice.readers.at(x, y);
        if (slice.consensus.values[i] != 0 && (least == 0 || readers < least)) least = readers;
      }
    }
  }
  return least;
}

std::string rounded(double value) { return csv_number(std::round(value * 1000) / 1000); }

std::vector<std::string> label_values(const Cut& cut, const PrepareOptions& options,
                                      const lidc::ScanGeometry& geometry) {
  const Nodule& nodule = *cut.lesions.front().first;
  if (options.content == "slice") return {std::to_string(cut.lesions.size()), std::to_string(nodule.readers_possible)};
  const NoduleSlice* const slice = cut.lesions.front().second;
  const bool outlined = slice != nullptr;
  const double pixel_mm2 = geometry.column_spacing_mm * geometry.row_spacing_mm;
  const auto if_outlined = [&](double value) { return outlined ? rounded(value) : std::string(); };
  std::vector<std::string> values{class_name(nodule.size_class),
                                  std::to_string(outlined ? nodule.readers_outlining : nodule.readers),
                                  std::to_string(nodule.readers_possible),
                                  outlined ? std::to_string(consensus_at(nodule)) : "",
                                  if_outlined(nodule.diameter_mm),
                                  if_outlined(nodule.volume_mm3),
                                  outlined ? rounded(static_cast<double>(slice->consensus.count()) * pixel_mm2) : ""};
  for (const lidc::CharacteristicSummary& summary : nodule.characteristics) {
    const bool known = summary.most_frequent > 0;
    values.push_back(known ? std::to_string(summary.most_frequent) : "");
    values.push_back(known ? rounded(summary.median) : "");
  }
  return values;
}

/// Cuts all images of a series, each slice decoded once, `threads` slices at a time.
class Cutter {
 public:
  Cutter(const dicom::OrderedSeries& series, const lidc::ScanGeometry& geometry, const PrepareOptions& options)
      : series_(series), geometry_(geometry), options_(options) {}

  /// Images and masks of the cuts, in their order; a slice that cannot be decoded leaves its cuts empty and a reject.
  void run(const std::vector<Cut>& cuts, int threads) {
    images_.resize(cuts.size());
    masks_.resize(cuts.size());
    std::map<std::size_t, std::vector<std::size_t>> by_slice;
    for (std::size_t i = 0; i < cuts.size(); ++i) by_slice[cuts[i].slice].push_back(i);
    const std::vector<std::pair<std::size_t, std::vector<std::size_t>>> work(by_slice.begin(), by_slice.end());
    std::vector<std::vector<Reject>> faults(work.size());
    parallel_for(static_cast<std::int64_t>(work.size()), threads, [&](std::int64_t i) {
      const auto& [slice, members] = work[static_cast<std::size_t>(i)];
      try {
        const dicom::Slice decoded = dicom::read_slice(series_.slices[slice]);
        for (const std::size_t cut : members) cut_one(cuts[cut], decoded, cut);
      } catch (const Error& error) {
        if (error.code() != ErrorCode::bad_input && error.code() != ErrorCode::not_found) throw;
        faults[static_cast<std::size_t>(i)].push_back({series_.slices[slice].path, "damaged pixels", error.what()});
      }
    });
    for (auto& of_slice : faults) rejects_.insert(rejects_.end(), of_slice.begin(), of_slice.end());
    slices_decoded_ += static_cast<std::int64_t>(work.size());
  }

  [[nodiscard]] const std::vector<std::int16_t>& image(std::size_t cut) const { return images_[cut]; }
  [[nodiscard]] const std::vector<std::uint8_t>& mask(std::size_t cut) const { return masks_[cut]; }
  [[nodiscard]] const std::vector<Reject>& rejects() const { return rejects_; }
  [[nodiscard]] std::int64_t slices_decoded() const { return slices_decoded_; }

 private:
  void cut_one(const Cut& cut, const dicom::Slice& slice, std::size_t at) {
    const int rows = slice.header.rows;
    const int columns = slice.header.columns;
    PatchFrame frame;
    frame.size = options_.size;
    frame.column_spacing_mm = geometry_.column_spacing_mm;
    frame.row_spacing_mm = geometry_.row_spacing_mm;
    frame.padding_hu = dicom::kPaddingHu;
    if (options_.content == "patch") {
      frame.center_column = cut.lesions.front().first->centroid_px[0];
      frame.center_row = cut.lesions.front().first->centroid_px[1];
      frame.spacing_mm = options_.spacing_mm;
    } else {
      frame.center_column = std::floor(columns / 2.0);
      frame.center_row = std::floor(rows / 2.0);
    }
    images_[at] = cut_patch(slice.hu, rows, columns, frame);
    masks_[at] = cut_mask([&](int column, int row) { return readers_at(cut, column, row); }, rows, columns, frame);
  }

  const dicom::OrderedSeries& series_;
  const lidc::ScanGeometry& geometry_;
  const PrepareOptions& options_;
  std::vector<std::vector<std::int16_t>> images_;
  std::vector<std::vector<std::uint8_t>> masks_;
  std::vector<Reject> rejects_;
  std::int64_t slices_decoded_ = 0;
};

/// Why a series that has an order cannot be cut with these options; an empty reason where it can.
Reject unfit(const dicom::OrderedSeries& series, const PrepareOptions& options) {
  const dicom::SliceHeader& first = series.slices.front();
  const auto size = std::to_string(first.columns) + "x" + std::to_string(first.rows);
  if (options.content == "slice" && (first.rows != options.size || first.columns != options.size)) {
    return {series.uid, "slice of another size",
            "expected " + std::to_string(options.size) + "x" + std::to_string(options.size) + ", found " + size};
  }
  if (!options.spacing_mm && std::abs(first.spacing_mm[0] - first.spacing_mm[1]) > 1e-4 * first.spacing_mm[0]) {
    return {series.uid, "pixels not square",
            "spacing " + csv_number(first.spacing_mm[0]) + " by " + csv_number(first.spacing_mm[1]) +
                " mm; --spacing-mm resamples"};
  }
  return {};
}

Item item_of(const SeriesTask& task, const Cut& cut, const dicom::OrderedSeries& series,
             const lidc::ScanGeometry& geometry, const PrepareOptions& options) {
  Item item;
  item.patient = task.patient();
  item.series_uid = task.series.uid;
  item.sop_uid = series.slices[cut.slice].sop_uid;
  for (const auto& [nodule, slice] : cut.lesions) {
    item.nodule += (item.nodule.empty() ? "" : ";") + lidc::nodule_id(task.series.uid, *nodule);
  }
  item.z_mm = std::round(series.z_mm[cut.slice] * 1e4) / 1e4;
  item.spacing_mm = options.spacing_mm.value_or(geometry.column_spacing_mm);
  item.split = split_of(item.patient, options.split);
  item.labels = label_values(cut, options, geometry);
  return item;
}

}  // namespace

std::string SeriesTask::fingerprint() const {
  return sha256_hex(series.uid + "\n" + std::to_string(series.files.size()) + " files\n" +
                    std::to_string(series.slices) + " slices\n" + std::to_string(bytes) + " bytes\n" + xml_sha256);
}

std::vector<Label> item_labels(const PrepareOptions& options) {
  if (options.content == "slice") {
    return {{"nodules", "number", "lesions that the slice shows", {}},
            {"readers", "number", "readers of the scan; a mask pixel counts those of the lesion with most", {}}};
  }
  std::vector<Label> labels{{"size_class", "text", "nodule (>= 3 mm), small_nodule (< 3 mm) or non_nodule", {}},
                            {"readers", "number", "readers whose outlines make the consensus", {}},
                            {"readers_possible", "number", "readers of the scan", {}},
                            {"consensus_at", "number", "readers that a pixel needs to be in the consensus outline", {}},
                            {"diameter_mm", "number", "largest in-plane extent of the consensus, mm", {}},
                            {"volume_mm3", "number", "volume of the consensus, mm3", {}},
                            {"area_mm2", "number", "area of the consensus on this slice, mm2", {}}};
  for (const Label& label : lidc_characteristics()) {
    labels.push_back({label.name, "category", label.meaning + "; the readers' most frequent value", label.values});
    labels.push_back({label.name + "_median", "rating", label.meaning + "; the readers' median", label.values});
  }
  return labels;
}

std::vector<std::string> series_columns() {
  return {"patient",          "series_uid",       "study_uid",  "manufacturer", "slices",      "rows",  "columns",
          "pixel_spacing_mm", "slice_spacing_mm", "xml_sha256", "bytes",        "fingerprint", "items", "nodules"};
}

std::vector<std::string> nodule_table_columns() {
  std::vector<std::string> columns = lidc::nodule_columns();
  columns.insert(columns.end(), {"split", "images"});
  return columns;
}

SeriesContent prepare_series(const SeriesTask& task, const PrepareOptions& options, int threads,
                             const PixelSink& sink) {
  SeriesContent content;
  auto read = lidc::read_reading(task.xml);
  if (auto* const reject = std::get_if<Reject>(&read)) {
    content.rejects.push_back(*reject);
    return content;
  }
  const auto& reading = std::get<lidc::Reading>(read);
  dicom::Ordering ordering = dicom::order_slices(task.series);
  if (const auto* const reasons = std::get_if<std::vector<Reject>>(&ordering)) {
    content.rejects = *reasons;
    return content;
  }
  const auto& series = std::get<dicom::OrderedSeries>(ordering);
  content.findings = series.findings;
  content.findings.insert(content.findings.end(), reading.left_out.begin(), reading.left_out.end());
  if (const Reject reason = unfit(series, options); !reason.reason.empty()) {
    content.rejects.push_back(reason);
    return content;
  }
  const lidc::ScanGeometry geometry = lidc::series_geometry(series);
  const lidc::NoduleList found = lidc::find_nodules(reading, geometry, {.gap_mm = options.gap_mm});
  content.findings.insert(content.findings.end(), found.left_out.begin(), found.left_out.end());
  content.lesions.add(found.nodules);

  const std::vector<Cut> cuts = plan_cuts(found.nodules, series.slices.size(), options);
  Cutter cutter(series, geometry, options);
  cutter.run(cuts, threads);
  content.rejects = cutter.rejects();
  content.slices_decoded = cutter.slices_decoded();
  std::map<const Nodule*, int> images;
  for (std::size_t i = 0; i < cuts.size(); ++i) {
    if (cutter.image(i).empty()) continue;
    sink(cutter.image(i), cutter.mask(i));
    content.items.push_back(item_of(task, cuts[i], series, geometry, options));
    for (const auto& [nodule, slice] : cuts[i].lesions) ++images[nodule];
  }
  const std::string patient = task.patient();
  for (const Nodule& nodule : found.nodules) {
    std::vector<std::string> row = lidc::nodule_row(patient, reading, geometry, nodule);
    row.insert(row.end(), {std::string(name(split_of(patient, options.split))), std::to_string(images[&nodule])});
    content.nodule_rows.push_back(std::move(row));
  }
  content.series_row = {patient,
                        task.series.uid,
                        task.series.study_uid,
                        task.series.manufacturer,
                        std::to_string(series.slices.size()),
                        std::to_string(geometry.rows),
                        std::to_string(geometry.columns),
                        csv_number(geometry.column_spacing_mm),
                        rounded(geometry.slice_spacing_mm),
                        task.xml_sha256,
                        std::to_string(task.bytes),
                        task.fingerprint(),
                        std::to_string(content.items.size()),
                        std::to_string(content.nodule_rows.size())};
  return content;
}

}  // namespace nodulus::data
