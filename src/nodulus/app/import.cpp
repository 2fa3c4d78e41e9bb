#include "nodulus/data/import.h"

#include <fmt/format.h>

#include "nodulus/app/commands.h"
#include "nodulus/app/rejects_text.h"
#include "nodulus/app/shared_options.h"
#include "nodulus/core/artifact.h"
#include "nodulus/core/reject.h"

namespace nodulus::app {
namespace {

class Import final : public Command {
 public:
  void describe(Options& options, const std::vector<std::string>& /*words*/) override {
    options.add("source", settings_.source, "folder, zip or tar of PNG, JPEG or .npy").positional();
    options.add("out", settings_.out, "the data set to make").command_line_only();
    options.add("csv", settings_.csv, "table with a row an image; default: the source's own");
    options.add("masks", settings_.masks, "folder in the source with the readers' masks; default: readers or masks");
    options.add("size", settings_.size, "cut images about their centre; 0: whole").between(0, 65536);
    describe_split(options, settings_.split);
    window_.describe(options);
  }

  Outcome plan(const CommonOptions& common, Monitor& monitor) override {
    require_out(settings_.out, "the data set to make");
    check_target(settings_.out, "dataset", common.force);
    adopt(common);
    const data::ImportPreview preview = data::preview_import(settings_, monitor);
    Outcome outcome;
    outcome.figures = {{"images", preview.images}, {"masks", preview.masks}, {"rejects", preview.rejects}};
    outcome.text = fmt::format("would import {}{} of {} into {}{}", counted(preview.images, "image"),
                               preview.masks ? " with masks" : "", settings_.source.string(), settings_.out.string(),
                               counts_text("left out", preview.rejects));
    return outcome;
  }

  Outcome run(const CommonOptions& common, const Options& /*options*/, Monitor& monitor) override {
    require_out(settings_.out, "the data set to make");
    adopt(common);
    const data::ImportResult result = data::import_pictures(settings_, monitor);
    Outcome outcome;
    outcome.figures = {{"dataset", settings_.out.string()},
                       {"images", result.counts.images},
                       {"nodules", result.counts.nodules},
                       {"patients", result.counts.patients},
                       {"height", result.height},
                       {"width", result.width},
                       {"masks", result.masks},
                       {"hu", result.hu_note},
                       {"rejects", result.rejects}};
    outcome.text = fmt::format(
        "{}: {} of {}x{} pixels{}, {}, {}{}", settings_.out.string(), counted(result.counts.images, "image"),
        result.width, result.height, result.masks ? " with masks" : "", counted(result.counts.nodules, "nodule"),
        counted(result.counts.patients, "patient"), counts_text("left out (each in rejects.csv)", result.rejects));
    return outcome;
  }

 private:
  void adopt(const CommonOptions& common) {
    settings_.force = common.force;
    settings_.threads = common.threads;
    settings_.window_hu = window_.window();
  }

  data::ImportOptions settings_;
  WindowOption window_;
};

}  // namespace

CommandRow import_command() {
  return {"import", "pictures in a folder, zip or tar -> a data set",
          "nodulus import data/nodules-500.zip --out dataset/", make_command<Import>};
}

}  // namespace nodulus::app
