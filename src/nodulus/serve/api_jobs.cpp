#include <fmt/format.h>

#include <memory>

#include "nodulus/core/error.h"
#include "nodulus/serve/api.h"
#include "nodulus/serve/problem.h"
#include "nodulus/serve/results.h"

namespace nodulus::serve {
namespace {

const Json text_schema{{"type", "string"}};
const Json number_schema{{"type", "integer"}, {"minimum", 0}};

Json job_schema(const JobKind& kind) {
  return {{"type", "object"},
          {"required", {"id", "kind", "state", "created", "request", "progress", "remarks", "links"}},
          {"properties",
           {{"id", text_schema},
            {"kind", {{"enum", {kind.name}}}},
            {"state", {{"enum", {"queued", "running", "done", "failed", "cancelled"}}}},
            {"created", text_schema},
            {"started", text_schema},
            {"ended", text_schema},
            {"owner", text_schema},
            {"request", kind.request_schema},
            {"progress",
             {{"type", "object"},
              {"required", {"stage", "done", "total", "unit"}},
              {"properties",
               {{"stage", text_schema}, {"done", number_schema}, {"total", number_schema}, {"unit", text_schema}}}}},
            {"remarks", {{"type", "array"}, {"items", text_schema}}},
            {"figures", {{"type", "object"}}},
            {"problem", {{"$ref", "#/components/schemas/Problem"}}},
            {"bytes", number_schema},
            {"links", {{"type", "object"}, {"additionalProperties", text_schema}}}}},
          {"additionalProperties", false}};
}

/// The routes of one kind of job.
class Collection {
 public:
  Collection(Router& router, JobStore& jobs, JobRunner& runner, const JobKind& kind, std::int64_t most_queued)
      : router_(router),
        jobs_(jobs),
        runner_(runner),
        kind_(kind),
        most_queued_(most_queued),
        root_("/v1/" + kind.plural) {}

  void add() {
    const Answer job{200, "The job.", "application/json", job_schema(kind_)};
    add_all(job);
    add_one(job);
    add_result();
  }

 private:
  /// Asking for one, and all of them.
  void add_all(const Answer& job) {
    Route ask = route("POST", "", "create", kind_.summary);
    ask.role = kind_.role;
    ask.body_schema = kind_.request_schema;
    ask.body_example = kind_.example;
    ask.parameters.push_back({"Idempotency-Key",
                              "header",
                              "The same key with the same request is the same job, however often it is sent.",
                              {{"type", "string"}, {"maxLength", 200}}});
    ask.answers = {{202, "Taken; Location says where it is told of.", "application/json", job.schema},
                   {200, "It was taken before, by this Idempotency-Key.", "application/json", job.schema}};
    ask.handle = [self = *this](const Request& request) { return self.create(request); };
    router_.add(std::move(ask));

    Route list = route("GET", "", "list", "Jobs of this kind, newest first.");
    list.parameters = {{"limit",
                        "query",
                        "At most so many; 50 where it is not given.",
                        {{"type", "integer"}, {"minimum", 1}, {"maximum", 500}}},
                       {"before", "query", "Those before the job of this id.", text_schema}};
    list.answers = {{200,
                     "Some of them.",
                     "application/json",
                     {{"type", "object"},
                      {"required", {"jobs"}},
                      {"properties", {{"jobs", {{"type", "array"}, {"items", job.schema}}}}}}}};
    list.handle = [self = *this](const Request& request) { return self.list(request); };
    router_.add(std::move(list));
  }

  /// What is to be done with one.
  void add_one(const Answer& job) {
    Route show = of_one("GET", "", "show", "A job and how far it is.");
    show.answers = {job};
    show.handle = [self = *this](const Request& request) { return self.answer(self.find(request)); };
    router_.add(std::move(show));

    Route cancel = of_one("POST", "/cancel", "cancel", "Asks a job to stop.");
    cancel.role = kind_.role;
    cancel.answers = {{202, "It is asked to stop, or has stopped.", "application/json", job.schema}};
    cancel.handle = [self = *this](const Request& request) { return self.cancel(request); };
    router_.add(std::move(cancel));

    Route remove = of_one("DELETE", "", "delete", "Removes a job that has ended, and its result.");
    remove.role = kind_.role;
    remove.answers = {{204, "It is gone.", "", {}}};
    remove.handle = [self = *this](const Request& request) { return self.remove(request); };
    router_.add(std::move(remove));

    Route follow = of_one("GET", "/events", "follow",
                          "The job as it goes on, as server-sent events of its JSON; ends when the job does.");
    follow.answers = {{200, "Events 'job'.", "text/event-stream", text_schema}};
    follow.handle = [self = *this](const Request& request) { return self.follow(request); };
    router_.add(std::move(follow));
  }

  /// What one has made.
  void add_result() {
    Route files = of_one("GET", "/files", "listFiles", "The files of a job that is done.");
    files.answers = {{200,
                      "Their names, sizes and types.",
                      "application/json",
                      {{"type", "object"},
                       {"required", {"files"}},
                       {"properties",
                        {{"files",
                          {{"type", "array"},
                           {"items",
                            {{"type", "object"},
                             {"required", {"name", "bytes", "type", "href"}},
                             {"properties",
                              {{"name", text_schema},
                               {"bytes", number_schema},
                               {"type", text_schema},
                               {"href", text_schema}}}}}}}}}}}};
    files.handle = [self = *this](const Request& request) { return self.list_files(request); };
    router_.add(std::move(files));

    Route file = of_one("GET", "/file", "getFile", "One file of a result; ranges are served.");
    file.parameters.push_back({"name", "query", "Its name, as it is listed.", text_schema});
    file.answers = {{200, "Its bytes.", "application/octet-stream", {}}};
    file.handle = [self = *this](const Request& request) { return self.file(request); };
    router_.add(std::move(file));

    Route zip = of_one("GET", "/archive", "getArchive", "All files of a result as a zip.");
    zip.answers = {{200, "A zip.", "application/zip", {}}};
    zip.handle = [self = *this](const Request& request) { return self.archive(request); };
    router_.add(std::move(zip));
  }

  [[nodiscard]] Route route(const char* method, const std::string& rest, const std::string& verb,
                            std::string summary) const {
    Route made;
    made.method = method;
    made.path = root_ + rest;
    made.operation =
        verb + static_cast<char>(std::toupper(static_cast<unsigned char>(kind_.name[0]))) + kind_.name.substr(1);
    made.summary = std::move(summary);
    return made;
  }
  [[nodiscard]] Route of_one(const char* method, const std::string& rest, const std::string& verb,
                             std::string summary) const {
    Route made = route(method, "/{id}" + rest, verb, std::move(summary));
    made.parameters = {{"id", "path", "The job's id.", {{"type", "string"}, {"minLength", 1}, {"maxLength", 64}}}};
    return made;
  }

  [[nodiscard]] Job find(const Request& request) const {
    auto job = jobs_.find(request.parameters.at("id"));
    if (!job || job->kind != kind_.name)
      throw Refusal(404, "not_found", fmt::format("there is no {} of this id", kind_.name));
    return std::move(*job);
  }
  [[nodiscard]] Response answer(const Job& job, int status = 200) const {
    return Response::of(job_json(job, kind_), status);
  }
  /// Of a job whose result is to be fetched.
  [[nodiscard]] Job done(const Request& request) const {
    Job job = find(request);
    if (job.state != JobState::done)
      throw Refusal(409, "not_done", fmt::format("expected a job that is done, found one that is {}", name(job.state)));
    std::error_code ignored;
    if (job.bytes == 0 || !std::filesystem::is_directory(runner_.result(job.id), ignored))
      throw Refusal(410, "cleared", "this result was removed, as old ones are");
    return job;
  }

  [[nodiscard]] Response create(const Request& request) const {
    // What was left open is decided after the key was looked for: a seed that is drawn makes no other request.
    const std::string key = request.header("idempotency-key");
    if (key.size() > 200) throw Refusal(422, "usage", "Idempotency-Key: expected at most 200 characters");
    Json asked = request.json;
    if (!key.empty()) {
      if (auto before = jobs_.find_key(request.caller.name, key)) {
        if (before->kind != kind_.name || before->asked != asked)
          throw Refusal(422, "key_reused", "this Idempotency-Key was given with another request");
        return located(answer(*before), *before);
      }
    }
    if (jobs_.count(JobState::queued) >= most_queued_)
      throw Refusal(
          Problem{503, "queue_full", fmt::format("{} jobs wait already", most_queued_), {}, {{"Retry-After", "30"}}});
    const auto [job, is_new] = jobs_.create(kind_.name, request.caller.name, asked, kind_.complete(asked), key);
    return located(answer(job, is_new ? 202 : 200), job);
  }
  [[nodiscard]] Response located(Response response, const Job& job) const {
    response.headers.emplace_back("Location", root_ + "/" + job.id);
    return response;
  }

  [[nodiscard]] Response list(const Request& request) const {
    const std::string before = request.value("before");
    if (!before.empty() && !jobs_.find(before)) throw Refusal(404, "not_found", "before: there is no job of this id");
    Json listed = Json::array();
    for (const Job& job : jobs_.list(kind_.name, std::stoi(request.value("limit", "50")), before))
      listed.push_back(job_json(job, kind_));
    return Response::of({{"jobs", std::move(listed)}});
  }

  [[nodiscard]] Response cancel(const Request& request) const {
    const Job job = find(request);
    if (!runner_.cancel(job.id) && has_ended(find(request).state))
      throw Refusal(409, "has_ended",
                    fmt::format("expected a job that goes on, found one that is {}", name(find(request).state)));
    return answer(find(request), 202);
  }

  [[nodiscard]] Response remove(const Request& request) const {
    const Job job = find(request);
    if (!has_ended(job.state)) throw Refusal(409, "goes_on", "expected a job that has ended; cancel it first");
    runner_.remove(job);
    Response response;
    response.status = 204;
    return response;
  }

  [[nodiscard]] Response follow(const Request& request) const {
    const std::string id = find(request).id;
    struct State {
      std::uint64_t version = 0;
      bool begun = false;
    };
    Response response;
    response.type = "text/event-stream";
    response.headers.emplace_back("X-Accel-Buffering", "no");  // a proxy is to pass each on
    response.stream = [self = *this, id, state = std::make_shared<State>()](const Send& send) {
      const std::uint64_t before = state->version;
      if (state->begun) {
        state->version = self.jobs_.wait(id, before, 1);
      } else {
        state->version = self.jobs_.version(id);
      }
      const auto job = self.jobs_.find(id);
      if (!job) return false;
      const bool ended = has_ended(job->state);
      // A line now and then tells whether whoever follows is still there.
      if (state->begun && !ended && state->version == before) return send(": still\n\n");
      state->begun = true;
      return send("event: job\ndata: " +
                  job_json(*job, self.kind_).dump(-1, ' ', false, Json::error_handler_t::replace) + "\n\n") &&
             !ended;
    };
    return response;
  }

  [[nodiscard]] Response list_files(const Request& request) const {
    const Job job = done(request);
    Json files = Json::array();
    for (const ResultFile& file : result_files(runner_.result(job.id)))
      files.push_back({{"name", file.name},
                       {"bytes", file.bytes},
                       {"type", file.type},
                       {"href", fmt::format("{}/{}/file?name={}", root_, job.id, file.name)}});
    return Response::of({{"files", std::move(files)}});
  }

  [[nodiscard]] Response file(const Request& request) const {
    const Job job = done(request);
    const std::string wanted = request.value("name");
    // Only what is listed is served, whatever the words say.
    for (const ResultFile& one : result_files(runner_.result(job.id))) {
      if (one.name != wanted) continue;
      Response response;
      response.type = one.type;
      response.file = runner_.result(job.id) / one.name;
      return response;
    }
    throw Refusal(404, "not_found", "this result has no such file");
  }

  [[nodiscard]] Response archive(const Request& request) const {
    const Job job = done(request);
    const std::string called = "nodulus-synthetic-" + job.id.substr(0, 8);
    Response response;
    response.type = "application/zip";
    response.headers.emplace_back("Content-Disposition", fmt::format("attachment; filename=\"{}.zip\"", called));
    response.stream = [folder = runner_.result(job.id), called](const Send& send) {
      send_zip(folder, called, send);
      return false;
    };
    return response;
  }

  Router& router_;
  JobStore& jobs_;
  JobRunner& runner_;
  const JobKind& kind_;
  std::int64_t most_queued_;
  std::string root_;
};

}  // namespace

Json job_json(const Job& job, const JobKind& kind) {
  const std::string self = fmt::format("/v1/{}/{}", kind.plural, job.id);
  Json json{{"id", job.id}, {"kind", job.kind}, {"state", name(job.state)}, {"created", job.created}};
  if (!job.started.empty()) json["started"] = job.started;
  if (!job.ended.empty()) json["ended"] = job.ended;
  if (!job.owner.empty()) json["owner"] = job.owner;
  json["request"] = job.request;
  json["progress"] = {{"stage", job.stage}, {"done", job.done}, {"total", job.total}, {"unit", job.unit}};
  json["remarks"] = job.remarks;
  if (job.state == JobState::done) json["figures"] = job.outcome;
  if (job.state == JobState::failed) json["problem"] = job.outcome;
  json["bytes"] = job.bytes;
  json["links"] = {{"self", self}, {"events", self + "/events"}};
  if (job.state == JobState::done && job.bytes > 0) {
    json["links"]["files"] = self + "/files";
    json["links"]["archive"] = self + "/archive";
  }
  return json;
}

void add_job_routes(Router& router, JobStore& jobs, JobRunner& runner, std::int64_t most_queued) {
  for (const JobKind& kind : runner.kinds()) Collection(router, jobs, runner, kind, most_queued).add();
}

}  // namespace nodulus::serve
