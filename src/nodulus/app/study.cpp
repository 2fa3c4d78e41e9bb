#include <fmt/format.h>

#include "nodulus/app/commands.h"
#include "nodulus/app/shared_options.h"
#include "nodulus/core/artifact.h"
#include "nodulus/study/study.h"

namespace nodulus::app {
namespace {

class StudyCommand final : public Command {
 public:
  void describe(Options& options, const std::vector<std::string>& /*words*/) override {
    options.add("dataset", settings_.dataset, "the data set to study").positional();
    options.add("out", settings_.out, "folder for the study").command_line_only();
    options.add("images", settings_.images, "images of each class on its contact sheet, at most").between(1, 100);
    options.add("seed", settings_.seed, "which images are shown; the draws of intervals and shuffles");
  }

  Outcome plan(const CommonOptions& common, Monitor& /*monitor*/) override {
    require_out(settings_.out, "the folder for the study");
    check_target(settings_.out, "study", common.force);
    const data::Dataset dataset = data::Dataset::open(settings_.dataset);
    Outcome outcome;
    outcome.figures = {{"images", dataset.size()}};
    outcome.text = fmt::format("would study {} images of {}", dataset.size(), settings_.dataset.string());
    return outcome;
  }

  Outcome run(const CommonOptions& common, const Options& /*options*/, Monitor& monitor) override {
    require_out(settings_.out, "the folder for the study");
    settings_.force = common.force;
    settings_.threads = common.threads;
    const study::Study result = study::study(settings_, monitor);
    Outcome outcome{study::json_of(result), study::text_of(result)};
    outcome.text += fmt::format("\npage: {}", (settings_.out / "study.md").string());
    return outcome;
  }

 private:
  study::StudyOptions settings_;
};

}  // namespace

CommandRow study_command() {
  return {"study", "what a data set is like: labels, traits, agreement of readers, near-duplicates, what is missing",
          "nodulus study dataset/ --out study/", make_command<StudyCommand>};
}

}  // namespace nodulus::app
