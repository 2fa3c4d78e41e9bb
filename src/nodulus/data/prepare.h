#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "nodulus/core/error.h"
#include "nodulus/core/monitor.h"
#include "nodulus/data/dataset_info.h"
#include "nodulus/lidc/table.h"

namespace nodulus::data {

/// DICOM series and LIDC reading files -> data set.
struct PrepareOptions {
  std::vector<std::filesystem::path> raw;  ///< Folders with DICOM and XML, in any layout.
  std::filesystem::path out;
  bool force = false;
  /// Adds the series found in `raw` to the data set at `out`. Series that it has already, unchanged, are not read
  /// again; the result is what one run over everything gives.
  bool add = false;
  std::string content = "patch";     ///< "patch": size x size around a nodule; "slice": whole, size x size.
  int size = 64;                     ///< Slices of another size than this are rejected where content is "slice".
  std::optional<double> spacing_mm;  ///< Resample patches to this pixel size; nothing: each scan's own.
  std::string slices = "all";        ///< "all" slices through the consensus, or "largest": the one of largest area.
  int min_readers = 1;               ///< Lesions marked by fewer are left out of the images (not of nodules.csv).
  /// Which lesions get images: "nodule" (>= 3 mm), "small_nodule", "non_nodule"; the latter two are points, with an
  /// empty mask.
  std::vector<std::string> size_classes{"nodule"};
  double gap_mm = lidc::ClusterRule{}.gap_mm;  ///< See lidc::ClusterRule.
  WindowHu window_hu;
  SplitRule split;
  int threads = 1;
};

struct PrepareResult {
  Counts counts;
  std::map<std::string, Counts> counts_by_split;
  std::map<std::string, int> rejects;   ///< By reason; each is in rejects.csv.
  std::map<std::string, int> findings;  ///< What is odd within series that were used; each is in findings.csv.
  lidc::LesionCounts lesions;           ///< Of the series in the data set.
  std::int64_t files = 0;               ///< Files looked at.
  std::int64_t series = 0;              ///< Series in the data set.
  std::vector<std::string> used;        ///< UIDs of those of them that `raw` holds.
  std::int64_t series_reused = 0;       ///< Of them: taken from the data set at `out` or an interrupted run.
  std::int64_t slices_scanned = 0;      ///< CT slices found.
  std::int64_t slices_decoded = 0;      ///< Slices whose pixels were read.
  double seconds = 0;
};

/// There is nothing in what was given that a data set could be made of: another time there may be more.
class NothingToPrepare : public Error {
 public:
  explicit NothingToPrepare(const std::string& message) : Error(ErrorCode::bad_input, message) {}
};

/// The work ahead: what the folders hold, read no further than prepare() reads to plan.
struct PreparePreview {
  std::int64_t files = 0;         ///< Looked at.
  std::int64_t slices = 0;        ///< Of CT.
  std::int64_t series = 0;        ///< Of CT.
  std::int64_t with_reading = 0;  ///< Series that have a reading.
  std::int64_t reused = 0;        ///< Of them: in the data set that is added to.
  std::map<std::string, int> rejects;
};

/// Throws as prepare() does before it looks at `raw`, which may be empty.
void check_prepare(const PrepareOptions& options);

/// Throws as prepare() does before it reads pixels; writes nothing.
PreparePreview preview_prepare(const PrepareOptions& options, Monitor& monitor);

/// Writes the data set. Items are in the order of patient, series, nodule, z; the result depends neither on the number
/// of threads nor on names of folders, but for those that rejects.csv and the manifest tell.
///
/// Finished series are kept in "<out>.partial" until the data set is whole: a run that was killed or stopped goes on
/// from there. Memory does not grow with the number of series.
///
/// Error{not_found}: a folder of `raw` is missing. NothingToPrepare: no CT series, no reading that belongs to one, or
/// no lesion that fits the options. Error{exists}: `out` is there, another run works on it, or "<out>.partial" was made
/// with other options (named). Error{usage}: options out of range, or other than those that the data set of `add` was
/// made with. Error{stopped}.
PrepareResult prepare(const PrepareOptions& options, Monitor& monitor);

/// nodules.csv from reading files alone, without any image. The files have no pixel spacing: see
/// lidc::assumed_geometry() for what is assumed.
struct AnnotationsOptions {
  std::vector<std::filesystem::path> raw;
  std::filesystem::path out;  ///< A folder: nodules.csv, rejects.csv, findings.csv, annotations.json.
  bool force = false;
  double gap_mm = lidc::ClusterRule{}.gap_mm;
  double pixel_spacing_mm = lidc::kAssumedPixelSpacingMm;
  int threads = 1;
};

struct AnnotationsResult {
  lidc::LesionCounts lesions;
  std::int64_t readings = 0;
  std::map<std::string, int> rejects;
  std::map<std::string, int> findings;
  double seconds = 0;
};

/// Error{bad_input} where there is no reading at all.
AnnotationsResult prepare_annotations(const AnnotationsOptions& options, Monitor& monitor);

}  // namespace nodulus::data
