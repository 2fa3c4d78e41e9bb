#pragma once

#include <functional>
#include <string>

#include "nodulus/serve/http.h"
#include "nodulus/serve/job_runner.h"
#include "nodulus/serve/job_store.h"
#include "nodulus/serve/metrics.h"

namespace nodulus::serve {

/// What the program tells of its models.
struct Models {
  std::function<Json()> list;                                ///< An array, each with "name".
  std::function<Json(const std::string& name)> show;         ///< One in full. Error{not_found}.
  std::function<std::string(const std::string& name)> card;  ///< Its card, Markdown. Error{not_found}.
};

/// GET /v1/openapi.json, /healthz, /readyz and /metrics. `is_ready` is asked each time. The router has all other routes
/// by then, and outlives them.
void add_system_routes(Router& router, JobStore& jobs, Metrics& metrics, std::function<bool()> is_ready);
void add_model_routes(Router& router, Models models);
/// Of every kind of job its collection: ask, list, see, follow, cancel, remove, fetch.
void add_job_routes(Router& router, JobStore& jobs, JobRunner& runner, std::int64_t most_queued);

/// A job as the API tells it.
Json job_json(const Job& job, const JobKind& kind);

}  // namespace nodulus::serve
