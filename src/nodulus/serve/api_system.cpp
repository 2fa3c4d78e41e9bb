#include <sys/resource.h>

#include <chrono>
#include <memory>

#include "nodulus/core/atomic_file.h"
#include "nodulus/serve/api.h"
#include "nodulus/serve/openapi.h"
#include "nodulus/serve/problem.h"

namespace nodulus::serve {
namespace {

Route get_route(std::string path, std::string operation, std::string summary, Role role,
                std::function<Response(const Request&)> handle) {
  Route route;
  route.method = "GET";
  route.path = std::move(path);
  route.operation = std::move(operation);
  route.summary = std::move(summary);
  route.role = role;
  route.handle = std::move(handle);
  return route;
}

const Json any_object{{"type", "object"}};

}  // namespace

void add_system_routes(Router& router, JobStore& jobs, Metrics& metrics, std::function<bool()> is_ready) {
  Route health = get_route("/healthz", "health", "Whether the service lives.", Role::none, [](const Request&) {
    return Response::of({{"status", "ok"}, {"version", program_version()}});
  });
  health.answers = {{200,
                     "It lives.",
                     "application/json",
                     {{"type", "object"},
                      {"required", {"status", "version"}},
                      {"properties", {{"status", {{"enum", {"ok"}}}}, {"version", {{"type", "string"}}}}}}}};
  router.add(std::move(health));

  Route ready =
      get_route("/readyz", "ready", "Whether it takes requests for work.", Role::none, [is_ready](const Request&) {
        if (!is_ready()) throw Refusal(503, "not_ready", "the service is starting or stopping");
        return Response::of({{"status", "ready"}});
      });
  ready.answers = {{200, "It does.", "application/json", any_object}};
  router.add(std::move(ready));

  const auto start = std::chrono::steady_clock::now();
  Route numbers =
      get_route("/metrics", "metrics", "Figures of the service, as Prometheus reads them.", Role::read,
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
  numbers.answers = {{200, "Text format 0.0.4.", "text/plain", {{"type", "string"}}}};
  router.add(std::move(numbers));

  // Made at the first request, when all routes are there.
  const auto text = std::make_shared<std::string>();
  const auto once = std::make_shared<std::once_flag>();
  Route document = get_route("/v1/openapi.json", "openapi", "This description (OpenAPI 3.1).", Role::none,
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
  const Parameter name{"name", "path", "The model's name.", {{"type", "string"}, {"minLength", 1}, {"maxLength", 100}}};
  Route list =
      get_route("/v1/models", "listModels", "The models that can be asked for images, and what each can be asked for.",
                Role::read, [all](const Request&) {
                  return Response::of({{"models", all->list()}});
                });
  list.answers = {{200,
                   "All of them.",
                   "application/json",
                   {{"type", "object"},
                    {"required", {"models"}},
                    {"properties", {{"models", {{"type", "array"}, {"items", any_object}}}}}}}};
  router.add(std::move(list));

  Route show =
      get_route("/v1/models/{name}", "showModel",
                "A model: its labels with the real cases behind each value, its measured figures.", Role::read,
                [all](const Request& request) { return Response::of(all->show(request.parameters.at("name"))); });
  show.parameters = {name};
  show.answers = {{200, "The model.", "application/json", any_object}};
  router.add(std::move(show));

  Route card = get_route("/v1/models/{name}/card", "showModelCard",
                         "What a model is for and not for, its data, how it was trained, how true its images are.",
                         Role::read, [all](const Request& request) {
                           Response response;
                           response.type = "text/markdown";
                           response.body = all->card(request.parameters.at("name"));
                           return response;
                         });
  card.parameters = {name};
  card.answers = {{200, "Markdown.", "text/markdown", {{"type", "string"}}}};
  router.add(std::move(card));
}

}  // namespace nodulus::serve
