#include <algorithm>
#include <chrono>
#include <tuple>

#include "nodulus/core/artifact.h"
#include "nodulus/core/csv.h"
#include "nodulus/core/error.h"
#include "nodulus/core/threads.h"
#include "nodulus/data/part_store.h"
#include "nodulus/data/prepare.h"
#include "nodulus/data/prepare_join.h"

namespace nodulus::data {
namespace {

/// What one reading gives.
struct Rows {
  std::vector<std::vector<std::string>> nodules;
  std::vector<Reject> findings;
  lidc::LesionCounts lesions;
};

Rows rows_of(const ReadingFile& file, const AnnotationsOptions& options) {
  Rows rows;
  auto read = lidc::read_reading(file.path);
  if (auto* const reject = std::get_if<Reject>(&read))
    throw Error(ErrorCode::bad_input, reject->where + ": changed while it was read");
  const auto& reading = std::get<lidc::Reading>(read);
  const lidc::ScanGeometry geometry = lidc::assumed_geometry(reading, options.pixel_spacing_mm);
  lidc::NoduleList found = lidc::find_nodules(reading, geometry, {.gap_mm = options.gap_mm});
  for (const lidc::Nodule& nodule : found.nodules)
    rows.nodules.push_back(lidc::nodule_row("", reading, geometry, nodule));
  rows.lesions.add(found.nodules);
  rows.findings = reading.left_out;
  rows.findings.insert(rows.findings.end(), found.left_out.begin(), found.left_out.end());
  return rows;
}

void add(lidc::LesionCounts& sum, const lidc::LesionCounts& part) {
  sum.scans += part.scans;
  sum.nodules += part.nodules;
  sum.at_least_3mm += part.at_least_3mm;
  sum.at_least_3mm_by_all += part.at_least_3mm_by_all;
  sum.non_nodules += part.non_nodules;
}

void write_summary(const std::filesystem::path& folder, const AnnotationsOptions& options,
                   const AnnotationsResult& result) {
  write_json(folder / "annotations.json",
             {{"schema", {{"name", "nodulus.annotations"}, {"version", 1}}},
              {"assumed_pixel_spacing_mm", options.pixel_spacing_mm},
              {"gap_mm", options.gap_mm},
              {"readings", result.readings},
              {"nodules", result.lesions.nodules},
              {"at_least_3mm", result.lesions.at_least_3mm},
              {"at_least_3mm_by_all", result.lesions.at_least_3mm_by_all},
              {"non_nodules", result.lesions.non_nodules},
              {"rejects", result.rejects.empty() ? Json::object() : Json(result.rejects)},
              {"findings", result.findings.empty() ? Json::object() : Json(result.findings)}});
  Manifest manifest;
  manifest.kind = "annotations";
  manifest.command = "prepare";
  manifest.options = {
      {"annotations_only", true}, {"gap_mm", options.gap_mm}, {"pixel_spacing_mm", options.pixel_spacing_mm}};
  for (const auto& root : options.raw) manifest.inputs.push_back(manifest_input(root));
  write_manifest(folder, manifest);
}

}  // namespace

AnnotationsResult prepare_annotations(const AnnotationsOptions& options, Monitor& monitor) {
  const auto start = std::chrono::steady_clock::now();
  if (options.raw.empty() || !(options.pixel_spacing_mm > 0) || !(options.gap_mm >= 0)) {
    throw Error(ErrorCode::usage,
                "prepare: expected folders with reading files, a spacing above 0 mm and a gap of 0 or more");
  }
  ArtifactWriter artifact(options.out, "annotations", options.force);
  const dicom::Scan scan = dicom::scan(with_collections_opened(options.raw), {.threads = options.threads}, monitor);
  std::vector<Reject> rejects;
  const std::vector<ReadingFile> files = find_readings(scan.xml_files, options.threads, rejects, monitor);
  if (files.empty()) {
    throw Error(ErrorCode::bad_input, options.raw.front().string() +
                                          ": expected LIDC reading files, found none among " +
                                          std::to_string(scan.files) + " files");
  }
  AnnotationsResult result;
  result.readings = static_cast<std::int64_t>(files.size());
  CsvWriter nodules(artifact.path() / "nodules.csv", lidc::nodule_columns());
  std::vector<Reject> findings;
  constexpr std::int64_t batch = 64;  // rows in memory at once
  for (std::int64_t first = 0; first < result.readings; first += batch) {
    if (monitor.stop_requested()) throw Error(ErrorCode::stopped, "prepare stopped: nothing was written");
    const std::int64_t count = std::min(batch, result.readings - first);
    std::vector<Rows> rows(static_cast<std::size_t>(count));
    parallel_for(count, options.threads, [&](std::int64_t i) {
      rows[static_cast<std::size_t>(i)] = rows_of(files[static_cast<std::size_t>(first + i)], options);
    });
    for (const Rows& part : rows) {
      for (const auto& row : part.nodules) nodules.row(row);
      add(result.lesions, part.lesions);
      findings.insert(findings.end(), part.findings.begin(), part.findings.end());
    }
    monitor.progress({"matching marks", first + count, result.readings, "readings", ""});
  }
  nodules.close();
  write_rejects(artifact.path() / "rejects.csv", rejects);
  write_rejects(artifact.path() / "findings.csv", findings);
  result.rejects = count_by_reason(rejects);
  result.findings = count_by_reason(findings);
  write_summary(artifact.path(), options, result);
  artifact.commit();
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return result;
}

}  // namespace nodulus::data
