#include "nodulus/data/export_images.h"

#include <fmt/format.h>

#include "nodulus/app/commands.h"
#include "nodulus/app/shared_options.h"
#include "nodulus/core/artifact.h"
#include "nodulus/core/error.h"
#include "nodulus/core/reject.h"

namespace nodulus::app {
namespace {

class ExportImages final : public Command {
 public:
  void describe(Options& options, const std::vector<std::string>& /*words*/) override {
    window_.clear();  // the source's own, unless one is asked for
    options.add("source", settings_.source, "a data set or generated images").positional();
    options.add("out", settings_.out, "folder to make; for stylegan2-ada a .zip").command_line_only();
    options.add("format", settings_.format, "of the pictures")
        .one_of({"png8", "png16", "jpeg", "npy", "stylegan2-ada"});
    options.add("split", settings_.split, "only these patients").one_of({"", "train", "val", "test"});
    options.add("label", settings_.label, "stylegan2-ada: the label that becomes the class");
    options.add("quality", settings_.quality, "of jpeg").between(1, 100);
    window_.describe(options);
  }

  Outcome plan(const CommonOptions& common, Monitor& /*monitor*/) override {
    require_out(settings_.out, "where the pictures go");
    if (!std::filesystem::exists(settings_.source))
      throw Error(ErrorCode::not_found, fmt::format("{}: no such folder", settings_.source.string()));
    settings_.force = common.force;
    data::check_export_target(settings_);
    Outcome outcome;
    outcome.figures = {{"source", settings_.source.string()}, {"out", settings_.out.string()}};
    outcome.text =
        fmt::format("would write {} as {} to {}", settings_.source.string(), settings_.format, settings_.out.string());
    return outcome;
  }

  Outcome run(const CommonOptions& common, const Options& /*options*/, Monitor& monitor) override {
    require_out(settings_.out, "where the pictures go");
    settings_.force = common.force;
    settings_.threads = common.threads;
    if (window_.given()) settings_.window_hu = window_.window();
    const data::ExportResult result = data::export_images(settings_, monitor);
    Outcome outcome;
    outcome.figures = {{"out", settings_.out.string()},
                       {"images", result.images},
                       {"masks", result.masks},
                       {"synthetic", result.synthetic}};
    outcome.text = fmt::format("{}: {} as {}{}", settings_.out.string(),
                               counted(result.images, result.synthetic ? "synthetic image" : "image"), settings_.format,
                               result.masks ? ", with masks" : "");
    return outcome;
  }

 private:
  data::ExportOptions settings_;
  WindowOption window_;
};

}  // namespace

CommandRow export_images_command() {
  return {"export-images", "a data set or generated images -> PNG, JPEG, NPY or StyleGAN2-ADA's zip",
          "nodulus export-images dataset/ --out pictures/ --format png16", make_command<ExportImages>};
}

}  // namespace nodulus::app
