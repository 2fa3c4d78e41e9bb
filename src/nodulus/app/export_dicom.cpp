#include "nodulus/data/export_dicom.h"

#include <fmt/format.h>

#include "nodulus/app/commands.h"
#include "nodulus/app/shared_options.h"
#include "nodulus/core/artifact.h"
#include "nodulus/core/error.h"
#include "nodulus/core/reject.h"
#include "nodulus/data/image_source.h"

namespace nodulus::app {
namespace {

class ExportDicom final : public Command {
 public:
  void describe(Options& options, const std::vector<std::string>& /*words*/) override {
    options.add("source", source_, "generated images").positional();
    options.add("out", out_, "folder to make").command_line_only();
    settings_.describe(options);
  }

  Outcome plan(const CommonOptions& common, Monitor& /*monitor*/) override {
    require_out(out_, "where the DICOM files go");
    data::check(source_, settings_);
    const auto images = data::StoredImages::open(source_);
    check_target(out_, "dicom", common.force);
    Outcome outcome;
    outcome.figures = {{"source", source_.string()}, {"out", out_.string()}, {"images", images.size()}};
    outcome.text = fmt::format("would write {} of {} to {} as {}", counted(images.size(), "image"), source_.string(),
                               out_.string(), settings_.object);
    return outcome;
  }

  Outcome run(const CommonOptions& common, const Options& options, Monitor& monitor) override {
    require_out(out_, "where the DICOM files go");
    ArtifactWriter artifact(out_, "dicom", common.force);
    const data::DicomExportResult result = data::export_dicom(source_, artifact.path(), settings_, monitor);
    Manifest manifest;
    manifest.kind = "dicom";
    manifest.command = "export-dicom";
    manifest.options = options.to_json();
    manifest.synthetic = true;
    manifest.inputs.push_back(manifest_input(source_));
    write_manifest(artifact.path(), manifest);
    artifact.commit();
    Outcome outcome;
    outcome.figures = {
        {"out", out_.string()}, {"images", result.images}, {"outlines", result.outlines}, {"synthetic", true}};
    outcome.text = fmt::format("{}: {} as DICOM ({}), {}", out_.string(), counted(result.images, "synthetic image"),
                               settings_.object, counted(result.outlines, "segmentation"));
    return outcome;
  }

 private:
  std::filesystem::path source_;
  std::filesystem::path out_;
  data::DicomExportOptions settings_;
};

}  // namespace

CommandRow export_dicom_command() {
  return {"export-dicom", "generated images -> DICOM CT images and segmentations, marked synthetic",
          "nodulus export-dicom images/ --out dicom/", make_command<ExportDicom>};
}

}  // namespace nodulus::app
