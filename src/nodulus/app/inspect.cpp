#include <fmt/format.h>

#include "nodulus/app/commands.h"
#include "nodulus/app/shared_options.h"
#include "nodulus/core/artifact.h"
#include "nodulus/data/inspect.h"

namespace nodulus::app {
namespace {

class Inspect final : public Command {
 public:
  void describe(Options& options, const std::vector<std::string>& /*words*/) override {
    options.add("dataset", settings_.dataset, "the data set to look at").positional();
    options.add("out", settings_.out, "folder for the pictures; default: figures alone").command_line_only();
    options.add("images", settings_.images, "nodules on the contact sheet, at most").between(1, 10000);
    options.add("seed", settings_.seed, "which nodules are shown");
    window_.clear();  // the data set's own, unless one is asked for
    window_.describe(options);
  }

  Outcome plan(const CommonOptions& common, Monitor& /*monitor*/) override {
    if (!settings_.out.empty()) check_target(settings_.out, "inspection", common.force);
    const data::Dataset dataset = data::Dataset::open(settings_.dataset);
    Outcome outcome;
    outcome.figures = {{"images", dataset.size()}};
    outcome.text = fmt::format("would read {} images of {}", dataset.size(), settings_.dataset.string());
    return outcome;
  }

  Outcome run(const CommonOptions& common, const Options& /*options*/, Monitor& monitor) override {
    settings_.force = common.force;
    if (window_.given()) settings_.window_hu = window_.window();
    const data::Inspection inspection = data::inspect(settings_, monitor);
    Outcome outcome{data::json_of(inspection), data::text_of(inspection)};
    if (!settings_.out.empty()) outcome.text += fmt::format("\npictures: {}", settings_.out.string());
    return outcome;
  }

 private:
  data::InspectOptions settings_;
  WindowOption window_;
};

}  // namespace

CommandRow inspect_command() {
  return {"inspect", "a data set's images with the readers' outlines, its labels and its HU range",
          "nodulus inspect dataset/ --out look/", make_command<Inspect>};
}

}  // namespace nodulus::app
