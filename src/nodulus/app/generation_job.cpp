#include "nodulus/app/generation_job.h"

#include <fmt/format.h>

#include <algorithm>
#include <mutex>

#include "nodulus/app/batch_joiner.h"
#include "nodulus/app/generate.h"
#include "nodulus/core/error.h"
#include "nodulus/core/manifest.h"
#include "nodulus/core/monitor.h"
#include "nodulus/core/nearest.h"
#include "nodulus/sample/sampler.h"
#include "nodulus/serve/problem.h"
#include "nodulus/store/model_store.h"

namespace nodulus::app {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t largest_seed = (std::int64_t{1} << 53) - 1;  // what JSON's numbers hold everywhere

Json request_schema(const GenerationLimits& limits) {
  Json samplers = Json::array();
  for (const sample::SamplerRow& row : sample::samplers()) samplers.push_back(row.name);
  return {{"type", "object"},
          {"required", {"model"}},
          {"additionalProperties", false},
          {"properties",
           {{"model", {{"type", "string"}, {"minLength", 1}, {"maxLength", 100}, {"description", "A model's name."}}},
            {"version",
             {{"type", "integer"},
              {"minimum", 1},
              {"maximum", 1000000},
              {"description", "Of the model; else the one in use."}}},
            {"count", {{"type", "integer"}, {"minimum", 1}, {"maximum", limits.images}, {"default", 1}}},
            {"seed",
             {{"type", "integer"},
              {"minimum", 0},
              {"maximum", largest_seed},
              {"description", "Image i is made of seed + i alone; else one is drawn, and told."}}},
            {"condition",
             {{"type", "object"},
              {"description", "Labels of the model and what is wanted of each: a value, its name, or a range as 3..5."},
              {"additionalProperties", {{"type", {"string", "number"}}}}}},
            {"sampler", {{"type", "string"}, {"enum", samplers}, {"description", "Of a diffusion model."}}},
            {"steps", {{"type", "integer"}, {"minimum", 1}, {"maximum", 1000}, {"description", "Of the sampler."}}},
            {"guidance",
             {{"type", "number"},
              {"minimum", 0},
              {"maximum", 20},
              {"description", "How strictly the condition is kept to; 1: as learnt."}}},
            {"truncation", {{"type", "number"}, {"minimum", -4}, {"maximum", 4}, {"description", "Of StyleGAN2."}}},
            {"formats",
             {{"type", "array"},
              {"maxItems", 2},
              {"items", {{"type", "string"}, {"enum", {"png", "dicom"}}}},
              {"description", "Beside images.npy."}}},
            {"spacing_mm",
             {{"type", "number"},
              {"minimum", 0.01},
              {"maximum", 100},
              {"description", "Of a pixel, for DICOM of a model that does not know it."}}}}}};
}

/// Tells what concerns whoever asked, and nothing of this machine.
class WithoutPaths final : public Monitor {
 public:
  explicit WithoutPaths(Monitor& monitor) : monitor_(monitor) {}
  void note(std::string_view line) override { monitor_.note(line); }
  void warn(std::string_view line) override {
    if (line.find('/') == std::string_view::npos) monitor_.warn(line);
  }
  void progress(const Progress& progress) override { monitor_.progress(progress); }
  [[nodiscard]] bool stop_requested() const override { return monitor_.stop_requested(); }

 private:
  Monitor& monitor_;
};

/// A published model by name, as a request says it: the version in use where it says none.
store::StoredModel model_of(const fs::path& models, const Json& request) {
  const store::ModelStore store(models);
  const auto name = request.at("model").get<std::string>();
  const auto names = store.names();
  if (std::find(names.begin(), names.end(), name) == names.end())
    throw serve::Refusal(serve::Problem{422,
                                        "usage",
                                        "the body is not as expected",
                                        {{"/model", "there is no model of this name" + did_you_mean(name, names)}}});
  const auto version = request.value("version", 0);
  const auto versions = store.versions(name);
  if (version != 0 && std::find(versions.begin(), versions.end(), version) == versions.end())
    throw serve::Refusal(serve::Problem{422,
                                        "usage",
                                        "the body is not as expected",
                                        {{"/version", fmt::format("there is no version {} of {}", version, name)}}});
  return store.open(name, version);
}

/// The command `generate`, set up for a request. What a request may say is listed here; files are no part of it.
class Generation {
 public:
  Generation(const store::StoredModel& model, const Json& request, const fs::path& out, int threads,
             std::shared_ptr<BatchJoiner> joiner)
      : command_(make_generate(std::move(joiner), way_of(request))) {
    std::vector<std::string> words{fmt::format("{}/{}", model.name, model.version), "--out=" + out.string()};
    // What settings there are depends on it, so it has to be known before they are described.
    if (request.contains("sampler")) words.push_back("--sampler=" + request["sampler"].get<std::string>());
    command_->describe(options_, words);
    common_.describe(options_, true);
    options_.parse(words);
    common_.threads = threads;
    nlohmann::json values = nlohmann::json::object();
    for (const char* key : {"count", "seed", "steps", "guidance", "truncation"})
      if (request.contains(key)) values[key] = request[key];
    if (request.contains("formats")) values["format"] = request["formats"];
    if (request.contains("spacing_mm")) values["dicom.spacing_mm"] = request["spacing_mm"];
    add_condition(model, request, values);
    options_.read_json(values, "the request");
  }

  void check() { (void)command_->plan(common_, silent_); }
  Json run(Monitor& monitor) {
    Json figures = command_->run(common_, options_, monitor).figures;
    figures.erase("images");  // a place on this machine
    return figures;
  }

 private:
  /// How images are drawn, whatever is asked of each: requests of which that is the same can share a batch.
  static std::string way_of(Json request) {
    for (const char* key : {"count", "seed", "condition", "formats", "spacing_mm"}) request.erase(key);
    return request.dump();
  }

  /// Only labels of the model: a word must not become another option.
  void add_condition(const store::StoredModel& model, const Json& request, nlohmann::json& values) const {
    const Json schema = model.facts.value("conditions", Json::array());
    std::vector<std::string> known;
    for (const Json& label : schema) known.push_back(label.value("name", ""));
    const Json condition = request.value("condition", Json::object());
    for (const auto& [name, value] : condition.items()) {
      if (std::find(known.begin(), known.end(), name) == known.end())
        throw serve::Refusal(
            serve::Problem{422,
                           "usage",
                           "the body is not as expected",
                           {{"/condition/" + name, "the model has no such label" + did_you_mean(name, known)}}});
      const std::string key = options_.find("label_" + name) != nullptr ? "label_" + name : name;
      values[key] = {value.is_string() ? value.get<std::string>() : value.dump()};
    }
  }

  std::unique_ptr<Command> command_;
  CommonOptions common_;
  Options options_;
  SilentMonitor silent_;
};

}  // namespace

serve::JobKind generation_kind(const fs::path& models, const GenerationLimits& limits) {
  serve::JobKind kind;
  kind.name = "generation";
  kind.plural = "generations";
  kind.summary = "Asks for images of a model. The same request with the same seed gives the same images.";
  kind.role = serve::Role::generate;
  kind.request_schema = request_schema(limits);
  kind.example = {{"model", "lidc64-ddpmpp"},
                  {"count", 2},
                  {"seed", 7},
                  {"steps", 3},
                  {"formats", {"png"}},
                  {"condition", {{"malignancy", "malignant"}}}};
  kind.at_once = limits.at_once;
  constexpr std::int64_t most_a_batch = 64;
  const auto joiner = std::make_shared<BatchJoiner>(most_a_batch, std::chrono::milliseconds(30));
  const auto opening = std::make_shared<std::mutex>();
  kind.complete = [models, limits, opening](const Json& asked) {
    Json request = asked;
    const store::StoredModel model = model_of(models, request);
    request["version"] = model.version;
    if (!request.contains("count")) request["count"] = 1;
    if (!request.contains("seed")) {
      std::uint64_t drawn = 0;
      for (const char c : serve::random_bytes(8)) drawn = drawn << 8 | static_cast<unsigned char>(c);
      request["seed"] = static_cast<std::int64_t>(drawn >> 11);
    }
    // One at a time: each opens its model.
    const std::lock_guard lock(*opening);
    const fs::path nowhere = fs::temp_directory_path() / ("nodulus-" + serve::hex(serve::random_bytes(16)));
    Generation(model, request, nowhere, limits.threads, nullptr).check();
    return request;
  };
  kind.run = [models, limits, joiner](const Json& request, const fs::path& result, Monitor& monitor) {
    const store::StoredModel model = model_of(models, request);
    WithoutPaths quiet(monitor);
    Json figures = Generation(model, request, result, limits.threads, joiner).run(quiet);
    // Where the model lies on this machine is nobody's business.
    Json manifest = read_json(result / "manifest.json");
    for (Json& input : manifest["inputs"]) input["path"] = fmt::format("{}/{}", model.name, model.version);
    write_json(result / "manifest.json", manifest);
    return figures;
  };
  return kind;
}

}  // namespace nodulus::app
