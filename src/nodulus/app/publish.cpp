#include <fmt/format.h>

#include "nodulus/app/commands.h"
#include "nodulus/app/trained.h"
#include "nodulus/core/artifact.h"
#include "nodulus/core/error.h"
#include "nodulus/core/hash.h"
#include "nodulus/core/json_fields.h"
#include "nodulus/store/card.h"
#include "nodulus/store/model_store.h"

namespace nodulus::app {
namespace {

constexpr int newest_metrics = 1;

/// What the card tells of a set of images, out of metrics.json.
Json brief_metrics(const Json& metrics, const Json& set) {
  Json brief{{"count", set.at("count")},
             {"sampler", set.at("sampler")},
             {"steps", set.at("steps")},
             {"features", metrics.at("features").at("name")},
             {"train", metrics.at("real").at("counts").at("train")},
             {"held_out", metrics.at("real").at("counts").at("held_out")},
             {"real", metrics.at("real").at("hash")},
             {"figures", Json::array()},
             {"obedience", Json::array()},
             {"copies", nullptr}};
  for (const Json& figure : set.at("figures"))
    brief["figures"].push_back({{"name", figure.at("name")},
                                {"title", figure.at("title")},
                                {"better", figure.at("better")},
                                {"value", figure.at("value")},
                                {"interval", figure.at("interval")},
                                {"floor", figure.at("floor")},
                                {"ratio", figure.at("ratio")}});
  for (const Json& label : set.at("obedience"))
    brief["obedience"].push_back({{"label", label.at("label")},
                                  {"judge", label.at("judge")},
                                  {"asked", label.at("asked")},
                                  {"correct", label.at("correct")},
                                  {"interval", label.at("interval")},
                                  {"chance", label.at("chance")}});
  if (const Json& copies = set.at("copies"); !copies.is_null())
    brief["copies"] = {{"named", copies.at("named")}, {"verdict", copies.at("verdict")}};
  return brief;
}

class Publish final : public Command {
 public:
  void describe(Options& options, const std::vector<std::string>& /*words*/) override {
    options.add("model", model_, "a run's folder or a checkpoint").positional();
    options.add("name", name_, "what it is published as: letters, digits, '.', '_', '-'").positional();
    options.add("metrics", metrics_, "metrics.json of evaluate, with images that this model has drawn");
    options.add("store", store_, "folder of published models; default: $NODULUS_MODELS, else models")
        .command_line_only();
    options.add("half", half_, "keep the weights as 16-bit floats: half the size");
  }

  Outcome plan(const CommonOptions& common, Monitor& /*monitor*/) override {
    const std::filesystem::path file = checkpoint_of(model_);
    const std::string sum = sha256_file(file);
    refuse(facts_of(file, sum, measured(sum)), common.force);
    Outcome outcome;
    outcome.figures = {{"name", name_}};
    outcome.text = fmt::format("would publish {} as {} in {}", model_.string(), name_, store().root().string());
    return outcome;
  }

  Outcome run(const CommonOptions& common, const Options& /*options*/, Monitor& monitor) override {
    const std::filesystem::path file = checkpoint_of(model_);
    const std::string sum = sha256_file(file);
    const Measured measurement = measured(sum);
    Json facts = facts_of(file, sum, measurement);
    refuse(facts, common.force);
    if (const std::string why = store::why_not_publishable(facts); !why.empty())
      monitor.warn(fmt::format("published by force: {}; the card says so", why));
    int version = 0;
    const auto folder = store().next_folder(name_, version);
    ArtifactWriter artifact(folder, "model", false);
    facts["name"] = name_;
    facts["version"] = version;
    facts["parameters"] = train::write_published_weights(file, artifact.path() / store::weights_file, half_);
    facts["precision"] = half_ ? "F16" : "F32";
    const bool samples = copy_samples(measurement.set, artifact.path());
    if (samples) facts["files"]["samples.png"] = sha256_file(artifact.path() / "samples.png");
    write_text(artifact.path() / store::card_file, store::model_card(facts));
    for (const auto name : {store::weights_file, store::card_file})
      facts["files"][std::string(name)] = sha256_file(artifact.path() / name);
    facts["sum"] = store::sum_of(facts);
    write_json(artifact.path() / store::facts_file, facts);
    Manifest manifest;
    manifest.kind = "model";
    manifest.schema = store::model_schema;
    manifest.command = "publish";
    manifest.options = {{"half", half_}};  // and no path of this machine
    manifest.synthetic = true;
    manifest.inputs.push_back(named({file.string(), sum}));
    if (!metrics_.empty()) manifest.inputs.push_back(named(manifest_input(metrics_)));
    write_manifest(artifact.path(), manifest);
    artifact.commit();
    store().use(name_, version);
    Outcome outcome;
    const auto bytes = std::filesystem::file_size(folder / store::weights_file);
    outcome.figures = {{"name", name_}, {"version", version}, {"folder", folder.string()}, {"weights_bytes", bytes}};
    outcome.text = fmt::format("{} version {}: {} ({:.1f} MB)\ncard: {}\nnext: nodulus generate {} --count 16", name_,
                               version, folder.string(), static_cast<double>(bytes) / 1e6,
                               (folder / store::card_file).string(), folder.parent_path().string());
    return outcome;
  }

 private:
  [[nodiscard]] store::ModelStore store() const {
    return store::ModelStore(store_.empty() ? store::ModelStore::default_root() : store_);
  }

  /// By its name alone, without the folder.
  static Manifest::Input named(Manifest::Input input) {
    input.path = std::filesystem::path(input.path).filename().string();
    return input;
  }

  static void refuse(const Json& facts, bool force) {
    const std::string why = store::why_not_publishable(facts);
    if (!why.empty() && !force)
      throw Error(ErrorCode::bad_input,
                  fmt::format("not published: {}; --force publishes it all the same, and its card says "
                              "so",
                              why));
  }

  /// metrics.json and, in it, the images that the model has drawn.
  struct Measured {
    Json metrics;
    Json set;
  };

  /// Both null where no file is given. Throws Error{bad_input} where it has no images of the checkpoint of this sum.
  [[nodiscard]] Measured measured(const std::string& sum) const {
    if (metrics_.empty()) return {};
    Measured found{read_json(metrics_), nullptr};
    require_schema(found.metrics, metrics_, "metrics", newest_metrics);
    const Json& sets = JsonFields(found.metrics, metrics_).json("sets", "a list");
    for (const Json& set : sets)
      if (set.is_object() && set.value("model", Json()) == Json(sum)) return {found.metrics, set};
    throw Error(
        ErrorCode::bad_input,
        fmt::format("{}: expected a set of images that {} has drawn (SHA-256 {:.12}), found {} set(s) of others",
                    metrics_.string(), model_.string(), sum, sets.size()));
  }

  /// The sheet of the images that were measured, where it is still there; true where it is.
  static bool copy_samples(const Json& set, const std::filesystem::path& folder) {
    if (!set.is_object()) return false;
    const std::filesystem::path images = set.value("path", "");
    std::error_code error;
    if (manifest_input(images).sha256 != set.value("manifest", "")) return false;
    return std::filesystem::copy_file(images / "contact_sheet.png", folder / "samples.png", error) && !error;
  }

  /// What is known of the model; name, version and files come later.
  [[nodiscard]] Json facts_of(const std::filesystem::path& file, const std::string& sum,
                              const Measured& measurement) const {
    const train::CheckpointInfo info = train::read_checkpoint_info(file);
    Json data = info.data.is_object() ? info.data : Json::object();
    data["sha256"] = info.dataset_hash;
    Json facts{{"schema", {{"name", manifest_schema("model")}, {"version", store::model_schema}}},
               {"name", ""},
               {"version", 0},
               {"synthetic", true},
               {"parameters", 0},
               {"precision", ""},
               {"data", data},
               {"training",
                {{"step", info.step},
                 {"images_seen", info.images_seen},
                 {"images_seen_before", info.continued.images_seen},
                 {"seconds", info.seconds},
                 {"checkpoint", sum},
                 {"options", train::without_paths(info.options)}}},
               {"metrics", facts_of(measurement)},
               {"files", Json::object()}};
    facts.update(train::model_json(info));
    return facts;
  }

  [[nodiscard]] Json facts_of(const Measured& measurement) const {
    if (!measurement.set.is_object()) return nullptr;
    try {
      return brief_metrics(measurement.metrics, measurement.set);
    } catch (const Json::exception& error) {
      throw Error(ErrorCode::bad_input, fmt::format("{}: malformed ({})", metrics_.string(), error.what()));
    }
  }

  std::filesystem::path model_;
  std::filesystem::path metrics_;
  std::filesystem::path store_;
  std::string name_;
  bool half_ = false;
};

}  // namespace

CommandRow publish_command() {
  return {"publish", "a trained model -> a version in the store: weights, facts, a card; refused without measurements",
          "nodulus publish runs/00000-ddpm lung-ddpm --metrics metrics.json", make_command<Publish>};
}

}  // namespace nodulus::app
