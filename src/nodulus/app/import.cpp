#include "nodulus/data/import.h"

#include <fmt/format.h>

#include "nodulus/app/commands.h"
#include "nodulus/app/rejects_text.h"
#include "nodulus/app/window_option.h"
#include "nodulus/core/artifact.h"
#include "nodulus/core/error.h"

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
    options.add("split.train", settings_.split.train, "share of patients to train on").between(0, 1);
    options.add("split.val", settings_.split.val, "share of patients to choose by").between(0, 1);
    window_.describe(options);
  }

  Outcome plan(const CommonOptions& common) override {
    require_out();
    if (!std::filesystem::exists(settings_.source))
      throw Error(ErrorCode::not_found, fmt::format("{}: no such file or folder", settings_.source.string()));
    check_target(settings_.out, common.force);
    Outcome outcome;
    outcome.figures = {{"source", settings_.source.string()}, {"out", settings_.out.string()}};
    outcome.text = fmt::format("would import {} into {}", settings_.source.string(), settings_.out.string());
    return outcome;
  }

  Outcome run(const CommonOptions& common, const Options& /*options*/, Monitor& monitor) override {
    require_out();
    settings_.force = common.force;
    settings_.threads = common.threads;
    settings_.window_hu = window_.window();
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
    outcome.text = fmt::format("{}: {} images of {}x{} pixels{}, {} nodules, {} patients{}", settings_.out.string(),
                               result.counts.images, result.width, result.height, result.masks ? " with masks" : "",
                               result.counts.nodules, result.counts.patients,
                               counts_text("left out (each in rejects.csv)", result.rejects));
    return outcome;
  }

 private:
  void require_out() const {
    if (settings_.out.empty()) throw Error(ErrorCode::usage, "expected --out, the data set to make");
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
