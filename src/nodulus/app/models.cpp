#include <fmt/format.h>
#include <fmt/ranges.h>

#include "nodulus/app/commands.h"
#ifdef NODULUS_HAS_TORCH
#include "nodulus/app/export_model.h"
#include "nodulus/app/import_model.h"
#endif
#include "nodulus/core/atomic_file.h"
#include "nodulus/core/error.h"
#include "nodulus/core/json_fields.h"
#include "nodulus/store/model_store.h"

namespace nodulus::app {
namespace {

/// "FD (SqueezeNet) 25.1"; "" where it was not measured.
std::string distance_text(const Json& facts) {
  const Json metrics = facts.value("metrics", Json());
  if (!metrics.is_object()) return "not measured";
  for (const Json& figure : metrics.value("figures", Json::array()))
    if (figure.value("name", "") == "fd" && figure["value"].is_number())
      return fmt::format("{} {:.1f}", figure.value("title", "FD"), figure["value"].get<double>());
  return "";
}

class Models final : public Command {
 public:
  void describe(Options& options, const std::vector<std::string>& words) override {
    options.add("action", action_, "what is done").one_of(actions()).positional();
    part_ = words.empty() ? nullptr : part(words.front());
    if (part_ != nullptr) {
      part_->describe(options, words);
      return;
    }
    options.add("name", name_, "the model; list and verify: default all").positional(false);
    options.add("version", version_, "the version; 0: the one in use, of rollback the one before it, of remove all")
        .between(0, 1e9)
        .command_line_only();
    options.add("store", store_, "folder of published models; default: $NODULUS_MODELS, else models")
        .command_line_only();
  }

  Outcome plan(const CommonOptions& common, Monitor& monitor) override {
    if (part_ != nullptr) return part_->plan(common, monitor);
    refuse_late_part();
    if (action_ == "remove") {
      const int version = removed_version(common.force);
      return {{{"name", name_}, {"removed", version}},
              fmt::format("would remove {} of {}", version == 0 ? "all" : fmt::format("version {}", version), name_)};
    }
    if (action_ == "rollback") {
      require_name();
      const int version = store().rollback_version(name_, version_);
      return {{{"name", name_}, {"version", version}},
              fmt::format("would take {} version {} into use", name_, version)};
    }
    return act(common);
  }

  Outcome run(const CommonOptions& common, const Options& options, Monitor& monitor) override {
    return part_ != nullptr ? part_->run(common, options, monitor) : act(common);
  }

 private:
  static std::vector<std::string> actions() {
    std::vector<std::string> names{"list", "show", "verify", "rollback", "remove"};
#ifdef NODULUS_HAS_TORCH
    names.insert(names.end(), {"export", "import"});
#endif
    return names;
  }

  /// An action with settings of its own; null for one of those that concern the store.
  static std::unique_ptr<Command> part([[maybe_unused]] const std::string& action) {
#ifdef NODULUS_HAS_TORCH
    if (action == "export") return make_model_export();
    if (action == "import") return make_model_import();
#endif
    return nullptr;
  }

  [[nodiscard]] store::ModelStore store() const {
    return store::ModelStore(store_.empty() ? store::ModelStore::default_root() : store_);
  }

  /// What has settings of its own must be known before they are described.
  void refuse_late_part() const {
    if (part(action_) != nullptr)
      throw Error(ErrorCode::usage, fmt::format("models: expected {} as the first word after models", action_));
  }

  void require_name() const {
    if (name_.empty()) throw Error(ErrorCode::usage, fmt::format("models {}: expected a model's name", action_));
  }

  /// Which is removed, 0: all, which needs --force. It need not be whole.
  [[nodiscard]] int removed_version(bool force) const {
    require_name();
    if (version_ == 0 && !force)
      throw Error(ErrorCode::usage,
                  fmt::format("models remove: expected --version, or --force to remove all {} versions "
                              "of {}",
                              store().versions(name_).size(), name_));
    store().require(name_, version_);
    return version_;
  }

  [[nodiscard]] Outcome act(const CommonOptions& common) const {
    refuse_late_part();
    if (action_ == "list") return list();
    if (action_ == "verify") return verify();
    require_name();
    if (action_ == "show") {
      const store::StoredModel model = store().open(name_, version_);
      const std::string card = read_file(model.folder / store::card_file);
      return {model.facts, fmt::format("{}\n\n{}", model.folder.string(), card)};
    }
    if (action_ == "rollback") {
      const int version = store().rollback(name_, version_);
      return {{{"name", name_}, {"version", version}}, fmt::format("{}: version {} is in use", name_, version)};
    }
    const int version = removed_version(common.force);
    store().remove(name_, version);
    return {{{"name", name_}, {"removed", version}},
            fmt::format("{}: {} removed", name_, version == 0 ? "all" : fmt::format("version {}", version))};
  }

  [[nodiscard]] Outcome list() const {
    Outcome outcome;
    outcome.figures["models"] = Json::array();
    for (const std::string& name : name_.empty() ? store().names() : std::vector{name_}) {
      for (const int version : store().versions(name)) try {
          const int current = store().current(name);
          const store::StoredModel model = store().open(name, version);
          const JsonFields facts(model.facts, model.folder / store::facts_file);
          const auto family = facts.get<std::string>("family", "a string");
          const int resolution = facts.get<int>("resolution", "pixels");
          outcome.text +=
              fmt::format("{}{:<24} {:>3}{} {:<14} {}x{}  {}", outcome.text.empty() ? "" : "\n", name, version,
                          version == current ? " *" : "  ", family, resolution, resolution, distance_text(model.facts));
          outcome.figures["models"].push_back({{"name", name},
                                               {"version", version},
                                               {"current", version == current},
                                               {"family", family},
                                               {"resolution", resolution},
                                               {"folder", model.folder.string()}});
        } catch (const Error& error) {
          outcome.text += fmt::format("{}{:<24} {:>3}   damaged: {}", outcome.text.empty() ? "" : "\n", name, version,
                                      error.what());
          outcome.figures["models"].push_back({{"name", name}, {"version", version}, {"damaged", error.what()}});
        }
    }
    if (outcome.text.empty())
      outcome.text = fmt::format("no models in {}", store().root().string());
    else
      outcome.text += "\n*: in use";
    return outcome;
  }

  [[nodiscard]] Outcome verify() const {
    int checked = 0;
    std::vector<std::string> faults;
    for (const std::string& name : name_.empty() ? store().names() : std::vector{name_}) {
      for (const int version : store().versions(name)) {
        if (version_ != 0 && version != version_) continue;
        ++checked;
        try {
          store::verify(store().open(name, version));
        } catch (const Error& error) {
          faults.emplace_back(error.what());
        }
      }
    }
    if (!faults.empty())
      throw Error(ErrorCode::bad_input, fmt::format("{} of {} version(s) are not as they were published: {}",
                                                    faults.size(), checked, fmt::join(faults, "; ")));
    if (checked == 0)
      throw Error(ErrorCode::not_found, fmt::format("no models to check in {}", store().root().string()));
    return {{{"checked", checked}}, fmt::format("{} version(s) are as they were published", checked)};
  }

  std::unique_ptr<Command> part_;
  std::string action_;
  std::string name_;
  int version_ = 0;
  std::filesystem::path store_;
};

}  // namespace

CommandRow models_command() {
  return {"models", "the published models: list, show, verify, rollback, remove; export and import",
          "nodulus models show lidc64-ddpmpp", make_command<Models>};
}

}  // namespace nodulus::app
