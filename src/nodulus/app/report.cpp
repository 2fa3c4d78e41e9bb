#include "nodulus/report/report.h"

#include <fmt/format.h>

#include "nodulus/app/commands.h"
#include "nodulus/app/shared_options.h"
#include "nodulus/core/artifact.h"
#include "nodulus/core/error.h"
#include "nodulus/core/files.h"

namespace nodulus::app {
namespace {

class Report final : public Command {
 public:
  void describe(Options& options, const std::vector<std::string>& /*words*/) override {
    options.add("files", files_, "metrics.json files of evaluate and sweep.json files of sweep").positional();
    options.add("out", out_, "folder for the report").command_line_only();
  }

  Outcome plan(const CommonOptions& common, Monitor& /*monitor*/) override {
    check_target(out_, "report", common.force);
    const Json report = report::combine(sources());
    Outcome outcome;
    outcome.figures = {{"sets", report["sets"].size()}, {"sweeps", report["sweeps"].size()}};
    outcome.text =
        fmt::format("would report on {} sets of images and {} sweeps", report["sets"].size(), report["sweeps"].size());
    return outcome;
  }

  Outcome run(const CommonOptions& common, const Options& options, Monitor& /*monitor*/) override {
    ArtifactWriter artifact(out_, "report", common.force);
    Json report = report::combine(sources());
    Manifest manifest;
    manifest.kind = "report";
    manifest.command = "report";
    manifest.options = options.to_json();
    for (const Json& set : report["sets"]) manifest.synthetic = manifest.synthetic || set.value("synthetic", false);
    for (const auto& file : files_) manifest.inputs.push_back(manifest_input(file));
    const Json made = manifest_json(manifest);
    for (const char* key : {"created", "program"}) report[key] = made[key];
    write_text(artifact.path() / "report.html", report::page(report));
    write_json(artifact.path() / "report.json", report);
    write_text(artifact.path() / "figures.csv", report::figures_csv(report));
    write_text(artifact.path() / "traits.csv", report::traits_csv(report));
    write_manifest(artifact.path(), manifest);
    artifact.commit();
    Outcome outcome;
    outcome.figures = {{"report", (out_ / "report.html").string()},
                       {"sets", report["sets"].size()},
                       {"sweeps", report["sweeps"].size()},
                       {"summary", report["summary"]},
                       {"cautions", report["cautions"]}};
    for (const Json& sentence : report["summary"]) outcome.text += sentence.get<std::string>() + "\n";
    outcome.text += fmt::format("open {}", (out_ / "report.html").string());
    return outcome;
  }

 private:
  [[nodiscard]] std::vector<report::Source> sources() const {
    std::vector<report::Source> all;
    for (const auto& file : files_) all.push_back(report::read_source(file));
    return all;
  }

  std::vector<std::filesystem::path> files_;
  std::filesystem::path out_ = "report";
};

}  // namespace

CommandRow report_command() {
  return {"report", "metrics.json files -> one page that compares the sets: pictures, figures, graphs",
          "nodulus report metrics.json sweep.json --out report/", make_command<Report>};
}

}  // namespace nodulus::app
