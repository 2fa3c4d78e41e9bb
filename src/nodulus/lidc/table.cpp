#include "nodulus/lidc/table.h"

#include <fmt/format.h>

#include "nodulus/core/csv.h"

namespace nodulus::lidc {
namespace {

/// Tables hold micrometres and thousandths: enough for everything measured, and equal on every machine.
std::string decimals(double value) { return csv_number(std::stod(fmt::format("{:.3f}", value))); }

std::string joined(const std::vector<int>& values) {
  std::string text;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (i > 0) text += ';';
    if (values[i] > 0) text += std::to_string(values[i]);
  }
  return text;
}

std::string mark_list(const Reading& reading, const Nodule& nodule) {
  std::string text;
  for (const MarkRef& ref : nodule.marks) {
    const Session& session = reading.sessions[static_cast<std::size_t>(ref.session)];
    if (!text.empty()) text += ';';
    text += fmt::format("{}:{}", session.number, session.marks[static_cast<std::size_t>(ref.mark)].id);
  }
  return text;
}

}  // namespace

std::vector<std::string> nodule_columns() {
  std::vector<std::string> columns = {"nodule_id",
                                      "patient",
                                      "series_uid",
                                      "number",
                                      "size_class",
                                      "readers",
                                      "readers_nodule",
                                      "readers_small",
                                      "readers_non_nodule",
                                      "readers_possible",
                                      "centroid_column_px",
                                      "centroid_row_px",
                                      "centroid_x_mm",
                                      "centroid_y_mm",
                                      "centroid_z_mm",
                                      "diameter_mm",
                                      "equivalent_diameter_mm",
                                      "volume_mm3",
                                      "slices",
                                      "column_spacing_mm",
                                      "row_spacing_mm",
                                      "slice_spacing_mm",
                                      "spacing_assumed",
                                      "marks"};
  for (const std::string_view characteristic : kCharacteristicNames) {
    for (const char* suffix : {"", "_median", "_spread", "_values"}) {
      columns.push_back(std::string(characteristic) + suffix);
    }
  }
  return columns;
}

std::vector<std::string> nodule_row(const std::string& patient, const Reading& reading, const ScanGeometry& geometry,
                                    const Nodule& nodule) {
  const bool outlined = nodule.size_class == SizeClass::nodule;
  const auto if_outlined = [outlined](double value) { return outlined ? decimals(value) : std::string(); };
  std::vector<std::string> row = {nodule_id(reading.series_uid, nodule),
                                  patient,
                                  reading.series_uid,
                                  std::to_string(nodule.number),
                                  std::string(name(nodule.size_class)),
                                  std::to_string(nodule.readers),
                                  std::to_string(nodule.readers_nodule),
                                  std::to_string(nodule.readers_small),
                                  std::to_string(nodule.readers_non_nodule),
                                  std::to_string(nodule.readers_possible),
                                  decimals(nodule.centroid_px[0]),
                                  decimals(nodule.centroid_px[1]),
                                  decimals(nodule.centroid_mm[0]),
                                  decimals(nodule.centroid_mm[1]),
                                  decimals(nodule.centroid_mm[2]),
                                  if_outlined(nodule.diameter_mm),
                                  if_outlined(nodule.equivalent_diameter_mm),
                                  if_outlined(nodule.volume_mm3),
                                  std::to_string(nodule.slices.size()),
                                  csv_number(geometry.column_spacing_mm),
                                  csv_number(geometry.row_spacing_mm),
                                  csv_number(geometry.slice_spacing_mm),
                                  geometry.assumed ? "1" : "0",
                                  mark_list(reading, nodule)};
  for (const CharacteristicSummary& summary : nodule.characteristics) {
    const bool known = summary.most_frequent > 0;
    row.push_back(known ? std::to_string(summary.most_frequent) : "");
    row.push_back(known ? decimals(summary.median) : "");
    row.push_back(known ? decimals(summary.spread) : "");
    row.push_back(known ? joined(summary.values) : "");
  }
  return row;
}

std::string nodule_id(const std::string& series_uid, const Nodule& nodule) {
  return fmt::format("{}-{:03}", series_uid, nodule.number);
}

void LesionCounts::add(const std::vector<Nodule>& lesions) {
  ++scans;
  for (const Nodule& lesion : lesions) {
    nodules += lesion.size_class != SizeClass::non_nodule;
    non_nodules += lesion.size_class == SizeClass::non_nodule;
    at_least_3mm += lesion.size_class == SizeClass::nodule;
    at_least_3mm_by_all += lesion.readers_nodule >= 4;
  }
}

}  // namespace nodulus::lidc
