#include "nodulus/data/prepare.h"

#include <fmt/format.h>

#include "nodulus/app/commands.h"
#include "nodulus/app/prepare_settings.h"
#include "nodulus/app/rejects_text.h"
#include "nodulus/app/shared_options.h"
#include "nodulus/core/artifact.h"
#include "nodulus/core/error.h"
#include "nodulus/core/reject.h"

namespace nodulus::app {
namespace {

Json json_of(const lidc::LesionCounts& lesions) {
  return {{"nodules", lesions.nodules},
          {"at_least_3mm", lesions.at_least_3mm},
          {"at_least_3mm_by_all", lesions.at_least_3mm_by_all},
          {"non_nodules", lesions.non_nodules}};
}

class Prepare final : public Command {
 public:
  void describe(Options& options, const std::vector<std::string>& /*words*/) override {
    options.add("raw", settings_.raw, "folders with DICOM and the readers' XML").positional();
    options.add("out", settings_.out, "the data set to make").command_line_only();
    options.add("add", settings_.add, "add what is new to the data set at --out").command_line_only();
    options.add("annotations_only", annotations_only_, "nodules.csv from the XML alone");
    making_.describe(options);
  }

  Outcome plan(const CommonOptions& common, Monitor& monitor) override {
    require_out(settings_.out, "the data set to make");
    Outcome outcome;
    if (annotations_only_) {
      check_target(settings_.out, "annotations", common.force);
      outcome.text =
          fmt::format("would read the reading files of {} into {}",
                      counted(static_cast<std::int64_t>(settings_.raw.size()), "folder"), settings_.out.string());
      return outcome;
    }
    adopt(common);
    const data::PreparePreview preview = data::preview_prepare(settings_, monitor);
    outcome.figures = {{"files", preview.files},   {"slices", preview.slices},
                       {"series", preview.series}, {"with_reading", preview.with_reading},
                       {"reused", preview.reused}, {"rejects", preview.rejects}};
    outcome.text = fmt::format(
        "would read {} CT series ({} slices, {} files looked at) into {}: {} with a reading, {} "
        "there already{}",
        preview.series, preview.slices, preview.files, settings_.out.string(), preview.with_reading, preview.reused,
        counts_text("left out", preview.rejects));
    return outcome;
  }

  Outcome run(const CommonOptions& common, const Options& /*options*/, Monitor& monitor) override {
    require_out(settings_.out, "the data set to make");
    adopt(common);
    return annotations_only_ ? annotations(monitor) : images(monitor);
  }

 private:
  void adopt(const CommonOptions& common) {
    settings_.force = common.force;
    settings_.threads = common.threads;
    making_.resolve();
  }

  Outcome images(Monitor& monitor) {
    const data::PrepareResult result = data::prepare(settings_, monitor);
    Outcome outcome;
    outcome.figures = {{"dataset", settings_.out.string()},
                       {"images", result.counts.images},
                       {"nodules", result.counts.nodules},
                       {"patients", result.counts.patients},
                       {"series", result.series},
                       {"series_reused", result.series_reused},
                       {"files", result.files},
                       {"slices_scanned", result.slices_scanned},
                       {"slices_decoded", result.slices_decoded},
                       {"lesions", json_of(result.lesions)},
                       {"rejects", result.rejects},
                       {"findings", result.findings}};
    outcome.text =
        fmt::format("{}: {} of {}, {}, {} series; {} CT slices found, {} decoded{}{}", settings_.out.string(),
                    counted(result.counts.images, "image"), counted(result.counts.nodules, "nodule"),
                    counted(result.counts.patients, "patient"), result.series, result.slices_scanned,
                    result.slices_decoded, counts_text("left out (each in rejects.csv)", result.rejects),
                    counts_text("odd (each in findings.csv)", result.findings));
    return outcome;
  }

  Outcome annotations(Monitor& monitor) const {
    data::AnnotationsOptions options;
    options.raw = settings_.raw;
    options.out = settings_.out;
    options.force = settings_.force;
    options.gap_mm = settings_.gap_mm;
    options.threads = settings_.threads;
    const data::AnnotationsResult result = data::prepare_annotations(options, monitor);
    Outcome outcome;
    outcome.figures = {{"annotations", options.out.string()},
                       {"readings", result.readings},
                       {"lesions", json_of(result.lesions)},
                       {"rejects", result.rejects},
                       {"findings", result.findings}};
    outcome.text = fmt::format(
        "{}: {} readings; {} nodules marked by a reader or more, {} of them >= 3 mm to one reader or more, {} to all "
        "four{}{}",
        options.out.string(), result.readings, result.lesions.nodules, result.lesions.at_least_3mm,
        result.lesions.at_least_3mm_by_all, counts_text("left out (each in rejects.csv)", result.rejects),
        counts_text("odd (each in findings.csv)", result.findings));
    return outcome;
  }

  PrepareSettings making_;
  data::PrepareOptions& settings_ = making_.options;
  bool annotations_only_ = false;
};

}  // namespace

CommandRow prepare_command() {
  return {"prepare", "DICOM series and the LIDC readers' XML -> a labelled data set of nodules",
          "nodulus prepare raw/LIDC-IDRI --out dataset/ --size 64", make_command<Prepare>};
}

}  // namespace nodulus::app
