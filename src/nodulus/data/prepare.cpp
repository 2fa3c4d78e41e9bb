#include "nodulus/data/prepare.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <map>
#include <set>
#include <tuple>

#include "nodulus/core/artifact.h"
#include "nodulus/core/error.h"
#include "nodulus/core/files.h"
#include "nodulus/core/hash.h"
#include "nodulus/core/threads.h"
#include "nodulus/data/dataset.h"
#include "nodulus/data/part_store.h"
#include "nodulus/data/prepare_join.h"
#include "nodulus/dicom/slice.h"

namespace nodulus::data {
namespace fs = std::filesystem;
namespace {

/// "<out>.partial", beside the target, however the user wrote it ("dataset/").
fs::path partial_of(const fs::path& out) { return {without_slash(out).string() + ".partial"}; }

/// The options that the data set's content depends on: work done with others is not mixed.
Json content_options(const PrepareOptions& options) {
  return {{"content", options.content},
          {"size", options.size},
          {"spacing_mm", options.spacing_mm ? Json(*options.spacing_mm) : Json(nullptr)},
          {"slices", options.slices},
          {"min_readers", options.min_readers},
          {"size_classes", options.size_classes},
          {"gap_mm", options.gap_mm},
          {"window_hu", {options.window_hu.lo, options.window_hu.hi}},
          {"split_train", options.split.train},
          {"split_val", options.split.val}};
}

void check(const PrepareOptions& options) {
  const auto refuse = [](const std::string& what) { throw Error(ErrorCode::usage, "prepare: " + what); };
  if (options.content != "patch" && options.content != "slice") {
    refuse("expected the content patch or slice, found '" + options.content + "'");
  }
  if (options.slices != "all" && options.slices != "largest") {
    refuse("expected the slices all or largest, found '" + options.slices + "'");
  }
  if (options.size < 1 || options.size > 4096)
    refuse("expected a size of 1 to 4096, found " + std::to_string(options.size));
  if (options.spacing_mm && !(*options.spacing_mm > 0)) refuse("expected a spacing above 0 mm");
  if (options.spacing_mm && options.content == "slice")
    refuse("a spacing applies to patches alone, not to whole slices");
  if (options.min_readers < 1) refuse("expected 1 or more readers");
  if (!(options.gap_mm >= 0)) refuse("expected a gap of 0 mm or more");
  if (options.size_classes.empty()) refuse("expected at least one size class");
  for (const std::string& size_class : options.size_classes) {
    if (size_class != "nodule" && size_class != "small_nodule" && size_class != "non_nodule") {
      refuse("expected the size classes nodule, small_nodule, non_nodule; found '" + size_class + "'");
    }
  }
  if (!(options.window_hu.lo < options.window_hu.hi)) refuse("expected a window lo < hi");
  data::check(options.split);
}

/// The data set that --add adds to, series by series.
class Existing {
 public:
  explicit Existing(const PrepareOptions& options) : dataset_(Dataset::open(options.out)) {
    const Manifest manifest = read_manifest(options.out, "dataset", dataset_schema);
    if (manifest.command != "prepare") {
      throw Error(ErrorCode::usage,
                  options.out.string() + " was made by '" + manifest.command + "'; --add needs prepare's");
    }
    require_same_options(manifest.options, content_options(options), ErrorCode::usage, options.out.string());
    images_ = NpyMap::open(options.out / "images.npy");
    masks_ = NpyMap::open(options.out / "masks.npy");
    const CsvTable series = CsvTable::read(options.out / "series.csv");
    for (std::size_t row = 0; row < series.rows(); ++row) {
      StoredSeries& stored = series_[{series.text(row, "patient"), series.text(row, "series_uid")}];
      for (std::size_t i = 0; i < series.columns().size(); ++i) stored.series_row.push_back(series.text(row, i));
      fingerprints_[series.text(row, "series_uid")] = series.text(row, "fingerprint");
    }
    for (std::int64_t i = 0; i < dataset_.size(); ++i) {
      const Item& item = dataset_.item(i);
      StoredSeries& stored = series_of(item.patient, item.series_uid, "items.csv");
      if (stored.items.empty()) stored.first_row = i;
      stored.items.push_back(item);
    }
    const CsvTable& nodules = dataset_.nodules();
    for (std::size_t row = 0; row < nodules.rows(); ++row) {
      std::vector<std::string> fields;
      for (std::size_t i = 0; i < nodules.columns().size(); ++i) fields.push_back(nodules.text(row, i));
      series_of(nodules.text(row, "patient"), nodules.text(row, "series_uid"), "nodules.csv")
          .nodule_rows.push_back(std::move(fields));
    }
    for (auto& [key, stored] : series_) {
      stored.images = images_;
      stored.masks = masks_;
    }
    rejects_ = read_rejects(options.out / "rejects.csv");
    findings_ = read_rejects(options.out / "findings.csv");
  }

  using Key = std::pair<std::string, std::string>;  ///< Patient, series UID.
  [[nodiscard]] const std::map<Key, StoredSeries>& series() const { return series_; }
  [[nodiscard]] const std::vector<Reject>& findings() const { return findings_; }

  /// True where the data set has the series. Error{usage} where it has it otherwise.
  [[nodiscard]] bool has(const SeriesTask& task) const {
    const auto found = fingerprints_.find(task.series.uid);
    if (found == fingerprints_.end()) return false;
    if (found->second == task.fingerprint()) return true;
    throw Error(ErrorCode::usage, "series " + task.series.uid + " is in '" + dataset_.folder().string() +
                                      "' with other files or another reading; prepare the whole set anew");
  }
  /// Its rejects, but for those that the new work answers.
  [[nodiscard]] std::vector<Reject> rejects_beside(const std::vector<SeriesTask>& tasks) const {
    std::set<std::string> found;
    for (const SeriesTask& task : tasks) found.insert({task.series.uid, "no CT series " + task.series.uid});
    std::vector<Reject> rest;
    for (const Reject& reject : rejects_) {
      const bool answered = (reject.reason == "no reading" && found.contains(reject.where)) ||
                            (reject.reason == "reading without series" && found.contains(reject.detail));
      if (!answered) rest.push_back(reject);
    }
    return rest;
  }

 private:
  StoredSeries& series_of(const std::string& patient, const std::string& uid, const std::string& table) {
    const auto found = series_.find({patient, uid});
    if (found != series_.end()) return found->second;
    throw Error(ErrorCode::bad_input, (dataset_.folder() / table).string() + ": series " + uid + " of patient '" +
                                          patient + "' is not in series.csv");
  }

  Dataset dataset_;
  NpyMap images_;
  NpyMap masks_;
  std::map<Key, StoredSeries> series_;
  std::map<std::string, std::string> fingerprints_;
  std::vector<Reject> rejects_;
  std::vector<Reject> findings_;
};

void sort_unique(std::vector<Reject>& rejects) {
  const auto key = [](const Reject& r) { return std::tie(r.where, r.reason, r.detail); };
  std::sort(rejects.begin(), rejects.end(), [&](const Reject& a, const Reject& b) { return key(a) < key(b); });
  rejects.erase(
      std::unique(rejects.begin(), rejects.end(), [&](const Reject& a, const Reject& b) { return key(a) == key(b); }),
      rejects.end());
}

/// Prepares every series that is not finished yet, all cores at work.
void finish_parts(const std::vector<const SeriesTask*>& tasks, const PrepareOptions& options, PartStore& parts,
                  PrepareResult& result, Monitor& monitor) {
  std::vector<const SeriesTask*> waiting;
  for (const SeriesTask* const task : tasks) {
    if (parts.has(*task)) {
      ++result.series_reused;
    } else {
      waiting.push_back(task);
    }
  }
  if (waiting.empty()) return;
  const auto count = static_cast<std::int64_t>(waiting.size());
  // Few series: the cores share each one's slices instead.
  const int inner = std::max<int>(1, static_cast<int>(options.threads / count));
  std::atomic<std::int64_t> done{0};
  std::atomic<std::int64_t> decoded{0};
  parallel_for(count, options.threads, [&](std::int64_t i) {
    if (monitor.stop_requested()) {
      throw Error(ErrorCode::stopped, "prepare stopped: finished series are kept, the same command goes on from there");
    }
    const SeriesTask& task = *waiting[static_cast<std::size_t>(i)];
    decoded += parts.make(task, options, inner);
    monitor.progress({"preparing", ++done, count, "series", task.patient()});
  });
  result.slices_decoded = decoded;
}

/// Streams stored series into the data set.
class Assembly {
 public:
  Assembly(const fs::path& folder, const PrepareOptions& options, bool all_lidc)
      : folder_(folder),
        writer_(folder, info_of(options, all_lidc), nodule_table_columns()),
        series_(folder / "series.csv", series_columns()) {
    const std::vector<std::string> columns = nodule_table_columns();
    const auto at = [&](const char* name) { return std::find(columns.begin(), columns.end(), name) - columns.begin(); };
    size_class_ = static_cast<std::size_t>(at("size_class"));
    readers_nodule_ = static_cast<std::size_t>(at("readers_nodule"));
  }

  void add(const StoredSeries& stored) {
    for (std::size_t i = 0; i < stored.items.size(); ++i) {
      const std::int64_t row = stored.first_row + static_cast<std::int64_t>(i);
      writer_.append(stored.items[i], stored.images.row<std::int16_t>(row), stored.masks.row<std::uint8_t>(row));
    }
    for (const auto& row : stored.nodule_rows) {
      writer_.append_nodule(row);
      lesions_.nodules += row[size_class_] != lidc::name(lidc::SizeClass::non_nodule);
      lesions_.non_nodules += row[size_class_] == lidc::name(lidc::SizeClass::non_nodule);
      lesions_.at_least_3mm += row[size_class_] == lidc::name(lidc::SizeClass::nodule);
      lesions_.at_least_3mm_by_all += parse_number(row[readers_nodule_]).value_or(0) >= 4;
    }
    if (stored.series_row.empty()) return;
    series_.row(stored.series_row);
    for (const std::string& field : stored.series_row) input_ += field + "\n";
    ++lesions_.scans;
  }

  [[nodiscard]] std::int64_t items() const { return writer_.size(); }
  [[nodiscard]] const lidc::LesionCounts& lesions() const { return lesions_; }
  [[nodiscard]] std::string input_sum() const { return sha256_hex(input_); }

  DatasetInfo close(const std::vector<Reject>& rejects, const std::vector<Reject>& findings) {
    series_.close();
    write_rejects(folder_ / "findings.csv", findings);
    return writer_.close(rejects);
  }

 private:
  static DatasetInfo info_of(const PrepareOptions& options, bool all_lidc) {
    DatasetInfo info;
    info.height = info.width = options.size;
    info.masks = true;
    info.content = options.content;
    info.window_hu = options.window_hu;
    info.spacing_mm = options.spacing_mm;
    info.padding_hu = dicom::kPaddingHu;
    info.hu_note = "the scan's own: HU = RescaleSlope * stored value + RescaleIntercept";
    if (all_lidc) info.sources.push_back(lidc_source());
    info.labels = item_labels(options);
    info.split = options.split;
    return info;
  }

  fs::path folder_;
  DatasetWriter writer_;
  CsvWriter series_;
  std::size_t size_class_ = 0;
  std::size_t readers_nodule_ = 0;
  lidc::LesionCounts lesions_;
  std::string input_;
};

Work find_usable_work(const PrepareOptions& options, Monitor& monitor) {
  if (options.raw.empty()) throw Error(ErrorCode::usage, "prepare: expected at least one folder with DICOM");
  Work work = find_work(options.raw, options.threads, monitor);
  const std::string where = options.raw.front().string() + (options.raw.size() > 1 ? " and other folders" : "");
  const std::string looked = std::to_string(work.files) + " files looked at" +
                             (work.rejects.empty() ? "" : ": " + reasons_text(count_by_reason(work.rejects)));
  if (work.series == 0) throw NothingToPrepare(where + ": expected CT series, found none (" + looked + ")");
  if (work.tasks.empty()) {
    throw NothingToPrepare(where + ": expected reading files of its " + std::to_string(work.series) +
                           " CT series, found none (" + looked + ")");
  }
  return work;
}

/// Those of series that the data set does not have yet; the others are used already.
std::vector<const SeriesTask*> new_tasks(const Work& work, const std::optional<Existing>& existing,
                                         PrepareResult& result) {
  std::vector<const SeriesTask*> tasks;
  for (const SeriesTask& task : work.tasks) {
    if (existing && existing->has(task)) {
      result.used.push_back(task.series.uid);
    } else {
      tasks.push_back(&task);
    }
  }
  return tasks;
}

Manifest manifest_of(const PrepareOptions& options, const Assembly& assembly) {
  Manifest manifest;
  manifest.kind = "dataset";
  manifest.schema = dataset_schema;
  manifest.command = "prepare";
  manifest.options = content_options(options);
  manifest.options["add"] = options.add;
  for (const fs::path& root : options.raw) manifest.inputs.push_back({root.string(), ""});
  // Over the rows of series.csv, each of which holds one series' fingerprint.
  manifest.inputs.push_back({"series.csv", assembly.input_sum()});
  return manifest;
}

void fill_counts(PrepareResult& result, const DatasetInfo& info, const std::vector<Reject>& findings,
                 const lidc::LesionCounts& lesions) {
  result.counts = info.counts;
  result.counts_by_split = info.counts_by_split;
  result.rejects = info.rejects;
  result.findings = count_by_reason(findings);
  result.lesions = lesions;
  result.series = lesions.scans;
}

/// What prepare() ends with where no lesion is left.
NothingToPrepare nothing_fits(const Assembly& assembly, std::size_t series, const std::vector<Reject>& rejects) {
  return NothingToPrepare("no lesion fits the options among " + std::to_string(assembly.lesions().nodules) +
                          " nodules and " + std::to_string(assembly.lesions().non_nodules) + " non-nodules of " +
                          std::to_string(series) + " series" +
                          (rejects.empty() ? "" : " (left out: " + reasons_text(count_by_reason(rejects)) + ")"));
}

}  // namespace

void check_prepare(const PrepareOptions& options) {
  check(options);
  check_target(options.out, "dataset", options.force || options.add);
  if (options.add) (void)Existing(options);
}

PreparePreview preview_prepare(const PrepareOptions& options, Monitor& monitor) {
  check(options);
  check_target(options.out, "dataset", options.force || options.add);
  std::optional<Existing> existing;
  if (options.add) existing.emplace(options);
  const Work work = find_usable_work(options, monitor);
  const auto known = [&](const SeriesTask& task) { return existing && existing->has(task); };
  PreparePreview preview;
  preview.files = work.files;
  preview.slices = work.slices;
  preview.series = work.series;
  preview.with_reading = static_cast<std::int64_t>(work.tasks.size());
  preview.reused = std::count_if(work.tasks.begin(), work.tasks.end(), known);
  preview.rejects = count_by_reason(work.rejects);
  return preview;
}

PrepareResult prepare(const PrepareOptions& options, Monitor& monitor) {
  const auto start = std::chrono::steady_clock::now();
  check(options);
  check_target(options.out, "dataset", options.force || options.add);
  std::optional<Existing> existing;
  if (options.add) existing.emplace(options);
  const Work work = find_usable_work(options, monitor);
  PrepareResult result;
  result.files = work.files;
  result.slices_scanned = work.slices;

  const std::vector<const SeriesTask*> tasks = new_tasks(work, existing, result);
  Json kept_under = content_options(options);
  kept_under["parts"] = part_schema;
  PartStore parts(partial_of(options.out), kept_under, options.force);
  finish_parts(tasks, options, parts, result, monitor);

  // Patient and series say the order, wherever the finished work lies.
  std::map<Existing::Key, const SeriesTask*> order;
  for (const SeriesTask* const task : tasks) order[{task->patient(), task->series.uid}] = task;
  if (existing) {
    for (const auto& [key, stored] : existing->series()) order.emplace(key, nullptr);
    result.series_reused += static_cast<std::int64_t>(existing->series().size());
  }
  const bool lidc =
      std::all_of(order.begin(), order.end(), [](const auto& e) { return is_lidc_patient(e.first.first); });
  ArtifactWriter artifact(options.out, "dataset", options.force || options.add);
  Assembly assembly(artifact.path(), options, lidc);
  std::vector<Reject> rejects = existing ? existing->rejects_beside(work.tasks) : std::vector<Reject>{};
  std::vector<Reject> findings = existing ? existing->findings() : std::vector<Reject>{};
  rejects.insert(rejects.end(), work.rejects.begin(), work.rejects.end());
  const std::vector<Label> labels = item_labels(options);
  for (const auto& [key, task] : order) {
    if (task == nullptr) {
      assembly.add(existing->series().at(key));
      continue;
    }
    const StoredSeries stored = parts.open(*task, labels);
    assembly.add(stored);
    if (!stored.series_row.empty()) result.used.push_back(task->series.uid);
    rejects.insert(rejects.end(), stored.rejects.begin(), stored.rejects.end());
    findings.insert(findings.end(), stored.findings.begin(), stored.findings.end());
  }
  sort_unique(rejects);
  sort_unique(findings);
  if (assembly.items() == 0) {
    parts.remove();  // the same command would come to the same end
    throw nothing_fits(assembly, order.size(), rejects);
  }
  const DatasetInfo info = assembly.close(rejects, findings);
  write_manifest(artifact.path(), manifest_of(options, assembly));
  artifact.commit();
  parts.remove();

  fill_counts(result, info, findings, assembly.lesions());
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return result;
}

}  // namespace nodulus::data
