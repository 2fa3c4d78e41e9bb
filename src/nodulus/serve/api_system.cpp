#include <sys/resource.h>

#include <chrono>
#include <memory>

#include "nodulus/core/atomic_file.h"
#include "nodulus/serve/api.h"
#include "nodulus/serve/openapi.h"
#include "nodulus/serve/problem.h"

namespace nodulus::serve {
namespace {

Route system_route(std::string path, std::string operation, std::string summary,
                   std::function<Response(const Request&)> handle) {
  Route route;
  route.method = "GET";
  route.path = std::move(path);
  route.operation = std::move(operation);
  route.summary = std::move(summary);
  route.role = Role::none;
  route.handle = std::move(handle);
  return route;
}

const Json any_object{{"type", "object"}};

}  // namespace

void add_system_routes(Router& router, JobStore& jobs, Metrics& metrics, std::function<bool()> is_ready) {
  Route health = system_route("/healthz", "health", "Whether the service lives.", [](const Request&) {
    return Response::of({{"status", "ok"}, {"version", program_version()}});
  });
  health.answers = {{200,
                     "It lives.",
                     "application/json",
                     {{"type", "object"},
                      {"required", {"status", "version"}},
                      {"properties", {{"status", {{"const", "ok"}}}, {"version", {{"type", "string"}}}}}}}};
  router.add(std::move(health));

  Route ready = system_route("/readyz", "ready", "Whether it takes requests for work.", [is_ready](const Request&) {
    if (!is_ready()) throw Refusal(503, "not_ready", "the service is starting or stopping");
    return Response::of({{"status", "ready"}});
  });
  ready.answers = {{200, "It does.", "application/json", any_object}};
  router.add(std::move(ready));

  const auto start = std::chrono::steady_clock::now();
  Route numbers =
      system_route("/metrics", "metrics", "Figures of the service, as Prometheus reads them.",
                   [&jobs, &metrics, start](const Request&) {
                     for (const auto& [state, count] : jobs.counts())
                       metrics.gauge("jobs", "state", std::string(name(state)), static_cast<double>(count));
                     metrics.gauge("uptime_seconds", "", "",
                                   std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
                     rusage usage{};
                     ::getrusage(RUSAGE_SELF, &usage);
                     metrics.gauge("peak_memory_bytes", "", "", static_cast<double>(usage.ru_maxrss) * 1024);
                     Response response;
                     response.type = "text/plain; version=0.0.4";
                     response.body = metrics.text();
                     return response;
                   });
  numbers.role = Role::read;
  numbers.answers = {{200, "Text format 0.0.4.", "text/plain", {{"type", "string"}}}};
  router.add(std::move(numbers));

  // Made at the first request, when all routes are there.
  const auto text = std::make_shared<std::string>();
  const auto once = std::make_shared<std::once_flag>();
  Route document = system_route("/v1/openapi.json", "openapi", "This description (OpenAPI 3.1).",
                                [&router, text, once](const Request&) {
                                  std::call_once(*once, [&] { *text = openapi(router).dump(1) + "\n"; });
                                  Response response;
                                  response.body = *text;
                                  response.headers.emplace_back("Cache-Control", "max-age=60");
                                  return response;
                                });
  document.answers = {{200, "The description.", "application/json", any_object}};
  router.add(std::move(document));
}

void add_model_routes(Router& router, Models models) {
  const auto all = std::make_shared<Models>(std::move(models));
  const Parameter name{
      "name", "path", "The model's name.", {{"type", "string"}, {"minLength", 1}, {"maxLength", 100}}, {}};
  Route list;
  list.method = "GET";
  list.path = "/v1/models";
  list.operation = "listModels";
  list.summary = "The models that can be asked for images, and what each can be asked for.";
  list.answers = {{200,
                   "All of them.",
                   "application/json",
                   {{"type", "object"},
                    {"required", {"models"}},
                    {"properties", {{"models", {{"type", "array"}, {"items", any_object}}}}}}}};
  list.handle = [all](const Request&) { return Response::of({{"models", all->list()}}); };
  router.add(std::move(list));

  Route show;
  show.method = "GET";
  show.path = "/v1/models/{name}";
  show.operation = "showModel";
  show.summary = "A model: its labels with the real cases behind each value, its samplers, its measured figures.";
  show.parameters = {name};
  show.answers = {{200, "The model.", "application/json", any_object}};
  show.handle = [all](const Request& request) { return Response::of(all->show(request.parameters.at("name"))); };
  router.add(std::move(show));

  Route card;
  card.method = "GET";
  card.path = "/v1/models/{name}/card";
  card.operation = "showModelCard";
  card.summary = "What a model is for and not for, its data, how it was trained, how true its images are.";
  card.parameters = {name};
  card.answers = {{200, "Markdown.", "text/markdown", {{"type", "string"}}}};
  card.handle = [all](const Request& request) {
    Response response;
    response.type = "text/markdown";
    response.body = all->card(request.parameters.at("name"));
    return response;
  };
  router.add(std::move(card));
}

}  // namespace nodulus::serve
