#include "nodulus/study/contribute.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "nodulus/app/commands.h"
#include "nodulus/app/shared_options.h"
#include "nodulus/core/artifact.h"
#include "nodulus/core/error.h"
#ifdef NODULUS_HAS_DICOM
#include "nodulus/data/prepare.h"
#endif
#ifdef NODULUS_HAS_IMAGES
#include "nodulus/data/import.h"
#endif

namespace nodulus::app {
namespace {

namespace fs = std::filesystem;

/// What a path holds that images could come from.
enum class Holding { dataset, pictures, scans };

Holding holding_of(const fs::path& path) {
  if (!fs::exists(path)) throw Error(ErrorCode::not_found, path.string() + ": expected images to add, found nothing");
  if (fs::exists(path / "dataset.json")) return Holding::dataset;
  if (fs::exists(path / "manifest.json") && read_json(path / "manifest.json").value("synthetic", false))
    throw Error(ErrorCode::usage, path.string() +
                                      ": expected real images, found generated ones, which are no patients: "
                                      "a model is not to learn from a model");
  if (!fs::is_directory(path)) return Holding::pictures;  // a zip or a tar
  constexpr std::array endings{".png", ".jpg", ".jpeg", ".npy"};
  for (const auto& entry : fs::recursive_directory_iterator(path))
    if (std::find(endings.begin(), endings.end(), entry.path().extension()) != endings.end()) return Holding::pictures;
  return Holding::scans;
}

/// Data sets made on the way, gone with the object.
class MadeFolders {
 public:
  explicit MadeFolders(fs::path beside) : beside_(std::move(beside)) {}
  MadeFolders(const MadeFolders&) = delete;
  MadeFolders& operator=(const MadeFolders&) = delete;
  ~MadeFolders() {
    std::error_code ignored;
    for (const fs::path& folder : made_) {
      fs::remove_all(folder, ignored);
      fs::remove_all(folder.string() + ".partial", ignored);  // of a prepare that was stopped
    }
  }
  fs::path next() {
    made_.push_back(temporary_sibling(without_slash(beside_)));
    return made_.back();
  }

 private:
  fs::path beside_;
  std::vector<fs::path> made_;
};

class Contribute final : public Command {
 public:
  void describe(Options& options, const std::vector<std::string>& /*words*/) override {
    options
        .add("sets", paths_,
             "the data set, then what is added: data sets, folders of DICOM and readers' XML, or labelled pictures in "
             "a folder, zip or tar")
        .positional();
    options.add("out", settings_.out, "the larger data set; with --force it may be the data set itself")
        .command_line_only();
    options.add("name", settings_.source.name, "what the contribution is called");
    options.add("licence", settings_.source.licence, "under which its images may be used");
    options.add("citation", settings_.source.citation, "what is to be cited");
    options.add("url", settings_.source.url, "where it comes from");
    options.add("patients", settings_.patients, "patients of one name in both are the same people, or other ones")
        .one_of({"same", "other"});
    options.add("csv", csv_, "of pictures: table with a row an image; default: the source's own");
    options.add("alike", settings_.alike, "correlation from which an image counts as one that is there already")
        .between(0.5, 1);
  }

  Outcome plan(const CommonOptions& common, Monitor& /*monitor*/) override {
    const data::Dataset dataset = open(common);
    Outcome outcome;
    outcome.figures = {{"images", dataset.size()}};
    std::vector<std::string> others;
    for (std::size_t k = 1; k < paths_.size(); ++k) others.push_back(paths_[k].string());
    outcome.text = fmt::format("would add {} to the {} images of {}", fmt::join(others, ", "), dataset.size(),
                               paths_.front().string());
    return outcome;
  }

  Outcome run(const CommonOptions& common, const Options& /*options*/, Monitor& monitor) override {
    const data::Dataset dataset = open(common);
    MadeFolders made(settings_.out);
    settings_.dataset = paths_.front();
    settings_.force = common.force;
    settings_.threads = common.threads;
    for (std::size_t k = 1; k < paths_.size(); ++k) (void)holding_of(paths_[k]);  // before the reading of any
    for (std::size_t k = 1; k < paths_.size(); ++k)
      settings_.added.push_back({dataset_of(paths_[k], dataset, made, common, monitor), paths_[k].string()});
    const study::ContributeResult result = study::contribute(settings_, monitor);
    Outcome outcome;
    outcome.figures = {{"dataset", settings_.out.string()},
                       {"added", data::counts_json(result.added)},
                       {"rejects", result.rejects.empty() ? Json::object() : Json(result.rejects)},
                       {"counts", data::counts_json(result.info.counts)},
                       {"new_labels", result.new_labels},
                       {"new_values", result.new_values}};
    outcome.text =
        fmt::format("{}: {} of {} ({}) added to {}", settings_.out.string(), counted(result.added.images, "image"),
                    counted(result.added.patients, "patient"), settings_.source.name, dataset.size());
    if (!result.rejects.empty()) outcome.text += "\nleft out: " + reasons_text(result.rejects);
    if (!result.new_labels.empty()) outcome.text += fmt::format("\nnew labels: {}", fmt::join(result.new_labels, ", "));
    if (!result.new_values.empty()) outcome.text += fmt::format("\nnew values: {}", fmt::join(result.new_values, ", "));
    outcome.text += fmt::format("\nnext: nodulus train --continue MODEL --data {}", settings_.out.string());
    return outcome;
  }

 private:
  [[nodiscard]] data::Dataset open(const CommonOptions& common) const {
    if (paths_.size() < 2)
      throw Error(ErrorCode::usage,
                  fmt::format("expected a data set and what is added to it, found {} path(s)", paths_.size()));
    require_out(settings_.out, "the larger data set");
    study::require_source(settings_.source);
    check_target(settings_.out, "dataset", common.force);
    return data::Dataset::open(paths_.front());
  }

  /// What is added as a data set of the same make.
  fs::path dataset_of(const fs::path& path, const data::Dataset& like, MadeFolders& made, const CommonOptions& common,
                      Monitor& monitor) const {
    const Holding holding = holding_of(path);
    if (holding == Holding::dataset) return path;
    const data::DatasetInfo& info = like.info();
    fs::path out = made.next();
    if (holding == Holding::pictures) {
#ifdef NODULUS_HAS_IMAGES
      data::ImportOptions import;
      import.source = path;
      import.out = out;
      import.csv = csv_;
      import.window_hu = info.window_hu;
      import.split = info.split;
      import.sources = {settings_.source};
      import.threads = common.threads;
      data::import_pictures(import, monitor);
      return out;
#endif
    } else {
#ifdef NODULUS_HAS_DICOM
      data::PrepareOptions prepare;
      prepare.raw = {path};
      prepare.out = out;
      prepare.content = info.content;
      prepare.size = info.height;
      prepare.spacing_mm = info.spacing_mm;
      prepare.window_hu = info.window_hu;
      prepare.split = info.split;
      prepare.threads = common.threads;
      data::prepare(prepare, monitor);
      return out;
#endif
    }
    throw Error(ErrorCode::usage, path.string() +
                                      ": expected a data set; this program was built without readers of "
                                      "scans or pictures");
  }

  std::vector<fs::path> paths_;
  fs::path csv_;
  study::ContributeOptions settings_;
};

}  // namespace

CommandRow contribute_command() {
  return {"contribute", "images from another source -> the data set with them, checked, named and licensed",
          "nodulus contribute dataset/ new-scans/ --name clinic-2 --licence \"CC BY 4.0\" --out grown/",
          make_command<Contribute>};
}

}  // namespace nodulus::app
