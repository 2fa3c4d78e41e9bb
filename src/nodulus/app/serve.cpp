#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <thread>

#include "nodulus/app/commands.h"
#ifdef NODULUS_HAS_TORCH
#include "nodulus/app/generation_job.h"
#endif
#include "nodulus/core/atomic_file.h"
#include "nodulus/core/error.h"
#include "nodulus/core/files.h"
#include "nodulus/serve/api.h"
#include "nodulus/serve/problem.h"
#include "nodulus/serve/server.h"
#include "nodulus/store/model_store.h"

namespace nodulus::app {
namespace {

namespace fs = std::filesystem;

constexpr const char* usual_folder = "service";

/// The folder of a service, for its user alone.
void make_service_folder(const fs::path& folder) {
  std::error_code error;
  const bool is_new = fs::create_directories(folder, error);
  if (error) throw Error(ErrorCode::io, fmt::format("cannot create '{}': {}", folder.string(), error.message()));
  if (is_new) ::chmod(folder.c_str(), 0700);  // somebody's own folder stays as it is
}

/// As many connections as the machine lets a process have.
void allow_many_files() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

/// A line a request, whole even where several end at once.
class Log {
 public:
  explicit Log(bool quiet) : quiet_(quiet) {}
  void line(const std::string& text) {
    if (quiet_) return;
    const std::lock_guard lock(mutex_);
    fmt::print(stderr, "{}\n", text);
  }

 private:
  bool quiet_;
  std::mutex mutex_;
};

/// A model as the API tells it: its facts, but for the places of files.
Json model_json(const store::StoredModel& model, bool whole) {
  Json json{{"name", model.name}, {"version", model.version}};
  for (const char* key : {"family", "resolution", "image_channels", "window_hu", "synthetic", "conditions"})
    if (model.facts.contains(key)) json[key] = model.facts[key];
  if (!whole) return json;
  for (const char* key : {"parameters", "data", "training", "metrics", "sum"})
    if (model.facts.contains(key)) json[key] = model.facts[key];
  return json;
}

serve::Models models_of(const fs::path& root) {
  const auto open = [root](const std::string& name) {
    const store::ModelStore store(root);
    const auto names = store.names();
    if (std::find(names.begin(), names.end(), name) == names.end())
      throw serve::Refusal(404, "not_found", "there is no model of this name");
    return store.open(name);
  };
  serve::Models models;
  models.list = [root] {
    const store::ModelStore store(root);
    Json list = Json::array();
    for (const std::string& name : store.names()) {
      try {
        list.push_back(model_json(store.open(name), false));
      } catch (const Error&) {
        list.push_back({{"name", name}, {"damaged", true}});
      }
    }
    return list;
  };
  models.show = [open](const std::string& name) { return model_json(open(name), true); };
  models.card = [open](const std::string& name) { return read_file(open(name).folder / store::card_file); };
  return models;
}

class Serve final : public Command {
 public:
  void describe(Options& options, const std::vector<std::string>& /*words*/) override {
    options.add("folder", folder_, "what the service keeps: jobs, results, tokens");
    options.add("models", models_, "folder of published models; default: $NODULUS_MODELS, else models");
    options.add("host", server_.host, "address to listen at; beyond this machine every request needs a token");
    options.add("port", server_.port, "0: one that is free").between(0, 65535);
    options.add("tls_cert", server_.tls_certificate, "PEM file with the certificate, for https");
    options.add("tls_key", server_.tls_key, "PEM file with its key");
    options.add("need_token", server_.need_token, "every request needs a token, on this machine too");
    options.add("cors", server_.origins, "pages of these sites may ask too, such as https://viewer.example");
    options.add("rate", server_.rate, "requests a second of one caller; 0: any").between(0, 1e6);
    options.add("connections", server_.threads, "at a time").between(2, 10000);
    options.add("at_once", at_once_, "generations at a time; alike ones share a batch").between(1, 64);
    options.add("most_images", most_images_, "images of one generation").between(1, 1e6);
    options.add("most_queued", most_queued_, "jobs that may wait").between(1, 1e6);
    options.add("keep_days", retention_.days, "results are removed when they are older").between(0.001, 1e5);
    options.add("keep_gb", keep_gb_, "10^9 bytes of results that are kept, the oldest go first").between(0, 1e6);
  }

  Outcome plan(const CommonOptions& /*common*/, Monitor& /*monitor*/) override {
    Outcome outcome;
    outcome.figures = {{"folder", folder_.string()}, {"host", server_.host}, {"port", server_.port}};
    outcome.text = fmt::format("would serve the models of {} at {}:{}, from the folder {}", root().string(),
                               server_.host, server_.port, folder_.string());
    return outcome;
  }

  Outcome run(const CommonOptions& common, const Options& /*options*/, Monitor& monitor) override {
    make_service_folder(folder_);
    allow_many_files();
    ::setenv("NODULUS_MODELS", root().c_str(), 1);  // by name, wherever this process looks for them
    serve::TokenStore tokens(folder_);
    if (!serve::is_loopback(server_.host) && tokens.empty())
      throw Error(ErrorCode::usage,
                  fmt::format("--host {}: expected a token before others can ask; nodulus token create "
                              "NAME --role generate --folder {} makes one",
                              server_.host, folder_.string()));
    retention_.bytes = static_cast<std::int64_t>(keep_gb_ * 1e9);
    Log log(common.quiet);
    const auto tell = [&](const std::string& line) {
      log.line(line.starts_with('{') ? line
                                     : Json{{"event", line}}.dump(-1, ' ', true, Json::error_handler_t::replace));
    };
    serve::JobStore jobs(folder_ / "jobs.sqlite");
    std::vector<serve::JobKind> kinds;
#ifdef NODULUS_HAS_TORCH
    kinds.push_back(generation_kind(root(), {most_images_, at_once_, common.threads}));
#endif
    serve::JobRunner runner(jobs, folder_ / "results", std::move(kinds), retention_, tell);
    serve::Metrics metrics;
    serve::Router router;
    serve::add_model_routes(router, models_of(root()));
    serve::add_job_routes(router, jobs, runner, most_queued_);
    serve::add_system_routes(router, jobs, metrics, [&] { return !monitor.stop_requested(); });
    serve::Server server(server_, router, tokens, metrics, tell);
    server.start();
    runner.start();
    monitor.note(fmt::format("listening at {}; Ctrl-C stops it", server.address()));
    write_text(folder_ / "address", server.address() + "\n");
    while (!monitor.stop_requested() && server.listens()) std::this_thread::sleep_for(std::chrono::milliseconds(50));
    const bool ended_by_itself = !monitor.stop_requested();
    server.stop();
    runner.stop();
    std::error_code ignored;
    fs::remove(folder_ / "address", ignored);
    if (ended_by_itself)
      throw Error(ErrorCode::io, "the listener ended by itself; what runs is queued for the next start");
    Outcome outcome;
    for (const auto& [state, count] : jobs.counts()) outcome.figures[std::string(serve::name(state))] = count;
    outcome.text = fmt::format("stopped; {} jobs wait for the next start", jobs.count(serve::JobState::queued));
    return outcome;
  }

 private:
  [[nodiscard]] fs::path root() const { return models_.empty() ? store::ModelStore::default_root() : models_; }

  fs::path folder_ = usual_folder;
  fs::path models_;
  serve::ServerOptions server_;
  int at_once_ = 4;
  std::int64_t most_images_ = 1000;
  std::int64_t most_queued_ = 1000;
  serve::Retention retention_;
  double keep_gb_ = 10;
};

class TokenCommand final : public Command {
 public:
  void describe(Options& options, const std::vector<std::string>& /*words*/) override {
    options.add("action", action_, "what is done").one_of({"create", "list", "revoke"}).positional();
    options.add("name", name_, "whose it is; of revoke a name or an id").positional(false);
    options.add("role", role_, "what it may do; each may what those before may")
        .one_of({"read", "generate", "train", "admin"});
    options.add("days", days_, "for how long it is good; 0: for good").between(0, 36500);
    options.add("folder", folder_, "the service's folder");
  }
  Outcome plan(const CommonOptions& /*common*/, Monitor& /*monitor*/) override {
    if (action_ == "list") return list();
    require_name();
    return {{{"action", action_}, {"name", name_}}, fmt::format("would {} the token '{}'", action_, name_)};
  }
  Outcome run(const CommonOptions& /*common*/, const Options& /*options*/, Monitor& /*monitor*/) override {
    if (action_ == "list") return list();
    require_name();
    if (action_ == "revoke") {
      const serve::Token token = serve::TokenStore(folder_).revoke(name_);
      return {{{"revoked", token.name}, {"id", token.id}},
              fmt::format("{} ({}) is good no longer", token.name, token.id)};
    }
    make_service_folder(folder_);
    const std::string expires = days_ > 0 ? serve::utc_in_days(days_) : "";
    const auto [token, secret] = serve::TokenStore(folder_).create(name_, serve::role_of(role_), expires);
    return {{{"token", secret}, {"id", token.id}, {"name", token.name}, {"role", role_}, {"expires", expires}},
            fmt::format("{}\n{} ({}, role {}, {}); it is not shown again", secret, token.name, token.id, role_,
                        expires.empty() ? "for good" : "until " + expires)};
  }

 private:
  void require_name() const {
    if (name_.empty()) throw Error(ErrorCode::usage, fmt::format("token {}: expected a name", action_));
  }
  [[nodiscard]] Outcome list() const {
    Outcome outcome;
    outcome.figures["tokens"] = Json::array();
    for (const serve::Token& token : serve::TokenStore(folder_).all()) {
      const bool over = token.has_expired(serve::utc_in_days(0));
      outcome.figures["tokens"].push_back({{"id", token.id},
                                           {"name", token.name},
                                           {"role", name(token.role)},
                                           {"created", token.created},
                                           {"expires", token.expires},
                                           {"expired", over}});
      outcome.text += fmt::format("{}{}  {:<24} {:<10} {}", outcome.text.empty() ? "" : "\n", token.id, token.name,
                                  name(token.role),
                                  token.expires.empty() ? "for good" : (over ? "expired " : "until ") + token.expires);
    }
    if (outcome.text.empty()) outcome.text = fmt::format("no tokens in {}", folder_.string());
    return outcome;
  }

  std::string action_;
  std::string name_;
  std::string role_ = "generate";
  double days_ = 90;
  fs::path folder_ = usual_folder;
};

}  // namespace

CommandRow serve_command() {
  return {"serve", "an HTTP API over the published models: images on request, as jobs", "nodulus serve --port 8080",
          make_command<Serve>};
}

CommandRow token_command() {
  return {"token", "who may ask a service: create, list, revoke", "nodulus token create viewer --role read",
          make_command<TokenCommand>};
}

}  // namespace nodulus::app
