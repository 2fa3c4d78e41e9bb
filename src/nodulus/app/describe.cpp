#include <fmt/format.h>

#include <map>

#include "nodulus/app/commands.h"
#include "nodulus/app/trained.h"
#include "nodulus/core/reject.h"
#include "nodulus/store/model_store.h"

namespace nodulus::app {
namespace {

/// What a model is and what it can be asked for.
class Describe final : public Command {
 public:
  void describe(Options& options, const std::vector<std::string>& /*words*/) override {
    options.add("model", model_, "a run's folder, a checkpoint or a published model").positional();
  }
  Outcome plan(const CommonOptions& /*common*/, Monitor& /*monitor*/) override { return told(); }
  Outcome run(const CommonOptions& /*common*/, const Options& /*options*/, Monitor& /*monitor*/) override {
    return told();
  }

 private:
  [[nodiscard]] Outcome told() const {
    const std::filesystem::path checkpoint = checkpoint_of(model_);
    const train::CheckpointInfo info = train::read_checkpoint_info(checkpoint);
    Outcome outcome;
    outcome.figures = {{"model", checkpoint.string()},
                       {"dataset", info.dataset_hash},
                       {"step", info.step},
                       {"images_seen", info.images_seen},
                       {"seconds", info.seconds},
                       {"images_seen_before", info.continued.images_seen}};
    outcome.figures.update(train::model_json(info));
    outcome.text = fmt::format("{}: {}, {}x{} pixels, {}, {:g} to {:g} HU\n{} steps, {} seen, {:.1f} hours of training",
                               checkpoint.string(), info.family, info.resolution, info.resolution,
                               info.image_channels == 2 ? "CT and outline" : "CT", info.window_hu.lo, info.window_hu.hi,
                               info.step, counted(info.images_seen, "image"), info.seconds / 3600);
    if (!info.continued.sha256.empty())
      outcome.text +=
          fmt::format("\nIt goes on from a model that had seen {}.", counted(info.continued.images_seen, "image"));
    if (const train::Transferred& from = info.continued.transferred; !from.sha256.empty())
      outcome.text += fmt::format("\nIts weights began as what fitted of a model of {}x{} pixels that had seen {}.",
                                  from.resolution, from.resolution, counted(from.images_seen, "image"));
    if (const train::Imported& from = info.continued.imported; !from.layout.empty())
      outcome.text += fmt::format("\nIts weights {} another program's ({}); their source and licence are not known.",
                                  info.step == 0 ? "are" : "began as", from.layout);
    if (info.continued.other_data)
      outcome.text += "\nIts weights began with what was learnt from images that its data set does not have.";
    const Json data = info.data.is_object() ? info.data : Json::object();
    for (const Json& source : data.value("sources", Json::array()))
      outcome.text += fmt::format("\nlearnt from: {}, {}", source.value("name", ""), source.value("licence", ""));
    const std::map<std::string, std::string> obeyed = obedience_of(model_);
    if (info.conditions.empty()) outcome.text += "\nIt was trained without labels: nothing can be asked for.";
    for (const ConditionLabel& label : info.conditions.labels) {
      outcome.text += label_text(label);
      if (const auto found = obeyed.find(label.column()); found != obeyed.end()) outcome.text += found->second;
    }
    return outcome;
  }

  /// By label, how many of the images that a published model was measured with came out as asked.
  static std::map<std::string, std::string> obedience_of(const std::filesystem::path& model) {
    std::map<std::string, std::string> lines;
    const auto folder = store::published_folder(model);
    if (folder.empty()) return lines;
    const Json metrics = store::read_model(folder).facts.value("metrics", Json());
    if (!metrics.is_object()) return lines;
    const auto percent = [](const Json& share) {
      return share.is_number() ? fmt::format("{:.0f} %", 100 * share.get<double>()) : std::string("unknown");
    };
    for (const Json& label : metrics.value("obedience", Json::array()))
      lines[label.value("label", "")] =
          fmt::format("\n  as asked: {} of {} (by chance {})", percent(label.value("correct", Json())),
                      label.value("asked", std::int64_t{0}), percent(label.value("chance", Json())));
    return lines;
  }

  /// The option, what it is about, and how many real images have which value.
  static std::string label_text(const ConditionLabel& label) {
    std::string text =
        fmt::format("\n\n{}: {}; known of {}", label.flag(), label.meaning, counted(label.known, "training image"));
    const bool number = label.kind == ConditionKind::number;
    for (const ConditionValue& value : label.values)
      text += fmt::format("\n  {}{:<32}{:>8}", number ? "about " : "", label.text(value.number), value.cases);
    for (const auto& [word, range] : label.words)
      text += range.first == range.second ? fmt::format("\n  {}: {:g}", word, range.first)
                                          : fmt::format("\n  {}: {:g}..{:g}", word, range.first, range.second);
    return text;
  }

  std::filesystem::path model_;
};

}  // namespace

CommandRow describe_command() {
  return {"describe", "what a model is and what it can be asked for", "nodulus describe runs/00000-ddpm",
          make_command<Describe>};
}

}  // namespace nodulus::app
