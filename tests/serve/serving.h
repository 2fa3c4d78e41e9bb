#pragma once

#include <gmock/gmock.h>
#include <httplib.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <thread>

#include "nodulus/core/artifact.h"
#include "nodulus/core/files.h"
#include "nodulus/serve/api.h"
#include "nodulus/serve/problem.h"
#include "nodulus/serve/server.h"
#include "tests/support/expect_error.h"
#include "tests/support/temporary_folder.h"

namespace nodulus::test {

/// What jobs of the tests do: {"count": N} files of one line, each after `step_s`; "fail" and "stay" on request.
struct Work {
  std::atomic<int> runs{0};
  std::atomic<bool> stay{false};  ///< Until it is asked to stop.
  double step_s = 0;
  int at_once = 1;

  serve::JobKind kind() {
    serve::JobKind kind;
    kind.name = "drawing";
    kind.plural = "drawings";
    kind.summary = "Draws.";
    kind.request_schema = {{"type", "object"},
                           {"required", {"count"}},
                           {"additionalProperties", false},
                           {"properties",
                            {{"count", {{"type", "integer"}, {"minimum", 1}, {"maximum", 100}}},
                             {"seed", {{"type", "integer"}, {"minimum", 0}}},
                             {"fault", {{"enum", {"bad_input", "io", "unknown"}}}}}}};
    kind.example = {{"count", 2}};
    kind.at_once = at_once;
    kind.complete = [](const Json& asked) {
      Json request = asked;
      if (!request.contains("seed")) request["seed"] = 7;
      if (request["seed"] == 13) throw Error(ErrorCode::usage, "the seed: expected another than 13");
      return request;
    };
    kind.run = [this](const Json& request, const std::filesystem::path& result, Monitor& monitor) {
      ++runs;
      const auto fault = request.value("fault", "");
      if (fault == "bad_input") throw Error(ErrorCode::bad_input, "the model is damaged");
      if (fault == "io") throw Error(ErrorCode::io, "cannot write '/srv/secret/place'");
      if (fault == "unknown") throw std::runtime_error("something else");
      const std::filesystem::path half = result.string() + ".half";
      std::filesystem::create_directories(half / "text");
      const int count = request["count"];
      for (int i = 0; i < count; ++i) {
        write_text(half / "text" / (std::to_string(i) + ".txt"), request["seed"].dump() + "\n");
        monitor.progress({"drawing", i + 1, count, "files", ""});
        std::this_thread::sleep_for(std::chrono::duration<double>(step_s));
        if (monitor.stop_requested()) throw Error(ErrorCode::stopped, "stopped");
      }
      monitor.warn("few cases are like that");
      while (stay) {
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
        if (monitor.stop_requested()) throw Error(ErrorCode::stopped, "stopped");
      }
      write_json(half / "manifest.json", {{"synthetic", true}});
      std::filesystem::rename(half, result);
      return Json{{"count", count}};
    };
    return kind;
  }
};

/// A service with that work and no models but one.
class Serving : public ::testing::Test {
 protected:
  void serve(serve::ServerOptions options = {}) {
    server.reset();
    runner.reset();
    jobs.reset();
    router = {};
    jobs = std::make_unique<serve::JobStore>(folder / "jobs.sqlite");
    runner = std::make_unique<serve::JobRunner>(*jobs, folder / "results", std::vector{work.kind()}, retention,
                                                [this](const std::string& line) { keep(line); });
    serve::Models models;
    models.list = [] { return Json::array({{{"name", "made-up"}}}); };
    models.show = [](const std::string& name) {
      if (name != "made-up") throw serve::Refusal(404, "not_found", "there is no model of this name");
      return Json{{"name", name}};
    };
    models.card = [](const std::string&) { return "# made-up\n"; };
    serve::add_model_routes(router, models);
    serve::add_job_routes(router, *jobs, *runner, 20);
    serve::add_system_routes(router, *jobs, metrics, [] { return true; });
    options.port = 0;
    options.rate = options.rate == serve::ServerOptions{}.rate ? 0 : options.rate;
    server = std::make_unique<serve::Server>(options, router, tokens, metrics,
                                             [this](const std::string& line) { keep(line); });
    server->start();
    runner->start();
    client = std::make_unique<httplib::Client>("127.0.0.1", server->port());
    client->set_read_timeout(20, 0);
  }
  void TearDown() override {
    client.reset();
    server.reset();
    runner.reset();
  }
  void keep(const std::string& line) {
    const std::lock_guard lock(mutex);
    log += line + "\n";
  }
  [[nodiscard]] std::string logged() {
    const std::lock_guard lock(mutex);
    return log;
  }

  static httplib::Response need(const httplib::Result& result) {
    if (!result) throw std::runtime_error("expected an answer, found: " + httplib::to_string(result.error()));
    return *result;
  }
  httplib::Response get(const std::string& path, const httplib::Headers& headers = {}) {
    return need(client->Get(path, headers));
  }
  httplib::Response post(const std::string& path, const std::string& body, const httplib::Headers& headers = {},
                         const std::string& type = "application/json") {
    return need(client->Post(path, headers, body, type));
  }
  httplib::Response ask(const Json& request, const httplib::Headers& headers = {}) {
    return post("/v1/drawings", request.dump(), headers);
  }
  /// Asks, and waits until it has ended.
  Json done(const Json& request) {
    const Json job = Json::parse(ask(request).body);
    return ended(job.at("id"));
  }
  Json ended(const std::string& id) {
    for (int i = 0; i < 2000; ++i) {
      Json job = Json::parse(get("/v1/drawings/" + id).body);
      if (job["state"] != "queued" && job["state"] != "running") return job;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    throw std::runtime_error("expected the job to end");
  }
  /// Expects problem details of that status and code.
  static void expect_problem(const httplib::Response& answer, int status, const std::string& code,
                             const std::string& words = "") {
    EXPECT_EQ(answer.status, status) << answer.body;
    EXPECT_EQ(answer.get_header_value("Content-Type"), "application/problem+json");
    const Json problem = Json::parse(answer.body, nullptr, false);
    ASSERT_TRUE(problem.is_object()) << answer.body;
    EXPECT_EQ(problem["status"], status);
    EXPECT_EQ(problem["code"], code) << answer.body;
    EXPECT_EQ(problem["request_id"], answer.get_header_value("X-Request-Id"));
    EXPECT_THAT(answer.body, ::testing::HasSubstr(words));
  }

  TemporaryFolder folder;
  Work work;
  serve::Retention retention;
  serve::TokenStore tokens{folder.path()};
  serve::Metrics metrics;
  serve::Router router;
  std::unique_ptr<serve::JobStore> jobs;
  std::unique_ptr<serve::JobRunner> runner;
  std::unique_ptr<serve::Server> server;
  std::unique_ptr<httplib::Client> client;
  std::mutex mutex;
  std::string log;
};

}  // namespace nodulus::test
