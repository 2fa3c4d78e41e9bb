#include "nodulus/serve/http.h"

#include <gmock/gmock.h>

#include "nodulus/serve/problem.h"
#include "nodulus/serve/rate_limit.h"

namespace nodulus::serve {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

Router some_routes() {
  Router router;
  for (const auto& [method, path] :
       {std::pair("GET", "/v1/things"), std::pair("POST", "/v1/things"), std::pair("GET", "/v1/things/{id}"),
        std::pair("GET", "/v1/things/latest"), std::pair("GET", "/v1/things/{id}/files/{name}")}) {
    Route route;
    route.method = method;
    route.path = path;
    route.operation = std::string(method) + " " + path;
    router.add(route);
  }
  return router;
}

TEST(Routes, AreFoundByMethodAndPath) {
  const Router router = some_routes();
  const auto found = [&](const std::string& method, const std::string& path) {
    Request request{.method = method, .path = path};
    std::string text = router.find(request).operation;
    for (const auto& [name, value] : request.parameters) text += " " + name + "=" + value;
    return text;
  };
  EXPECT_EQ(found("POST", "/v1/things"), "POST /v1/things");
  EXPECT_EQ(found("GET", "/v1/things/7"), "GET /v1/things/{id} id=7");
  EXPECT_EQ(found("GET", "/v1/things/latest"), "GET /v1/things/latest") << "a word before a parameter";
  EXPECT_EQ(found("GET", "/v1/things/7/files/a.png"), "GET /v1/things/{id}/files/{name} id=7 name=a.png");
  for (const char* path :
       {"", "v1/things", "/", "/v1", "/v1/things/", "/v1/things//files/a", "/v1/things/7/files", "/v2/things"}) {
    try {
      (void)found("GET", path);
      ADD_FAILURE() << path;
    } catch (const Refusal& refusal) {
      EXPECT_EQ(refusal.problem().status, 404) << path;
    }
  }
  try {
    (void)found("DELETE", "/v1/things");
    ADD_FAILURE();
  } catch (const Refusal& refusal) {
    EXPECT_EQ(refusal.problem().status, 405);
    EXPECT_THAT(refusal.problem().headers, ElementsAre(std::pair<std::string, std::string>("Allow", "GET, POST")));
  }
}

TEST(Schemas, EachFaultIsToldByItsPlace) {
  const Json schema = Json::parse(R"({
    "type": "object", "required": ["model"], "additionalProperties": false,
    "properties": {
      "model": {"type": "string", "minLength": 1, "maxLength": 5},
      "count": {"type": "integer", "minimum": 1, "maximum": 10},
      "kind": {"enum": ["a", "b"]},
      "formats": {"type": "array", "maxItems": 2, "items": {"type": "string"}},
      "condition": {"type": "object", "additionalProperties": {"type": ["string", "number"]}}}})");
  const auto faults = [&](const char* text) {
    std::vector<std::string> places;
    for (const FieldFault& fault : schema_faults(Json::parse(text), schema))
      places.push_back(fault.pointer + ": " + fault.detail);
    return places;
  };
  EXPECT_THAT(
      faults(
          R"({"model": "m", "count": 3.0, "kind": "a", "formats": ["x"], "condition": {"size": 3, "form": "round"}})"),
      ElementsAre());
  EXPECT_THAT(faults("{}"), ElementsAre("/model: expected a value, found none"));
  EXPECT_THAT(faults(R"({"model": 5})"), ElementsAre("/model: expected string, found integer"));
  EXPECT_THAT(faults(R"({"model": ""})"), ElementsAre("/model: expected 1 bytes at least, found 0"));
  EXPECT_THAT(faults(R"({"model": "m", "cuont": 5})"), ElementsAre("/cuont: unknown field; did you mean 'count'?"));
  EXPECT_THAT(faults(R"({"model": "m", "count": 0})"), ElementsAre("/count: expected 1 at least, found 0"));
  EXPECT_THAT(faults(R"({"model": "m", "count": 1e300})"), ElementsAre("/count: expected integer, found number"));
  EXPECT_THAT(faults(R"({"model": "m", "count": 2.5})"), ElementsAre("/count: expected integer, found number"));
  EXPECT_THAT(faults(R"({"model": "m", "kind": "c"})"), ElementsAre(HasSubstr("/kind: expected one of")));
  EXPECT_THAT(faults(R"({"model": "m", "formats": ["x", 5, "y"]})"),
              ElementsAre("/formats: expected 2 items at most, found 3", "/formats/1: expected string, found integer"));
  EXPECT_THAT(faults(R"({"model": "m", "condition": {"a/b~c": []}})"),
              ElementsAre("/condition/a~1b~0c: expected string or number, found array"));
  EXPECT_THAT(faults("[]"), ElementsAre(": expected object, found array"));
}

TEST(Problems, TellOfTheRequestAndNotOfTheMachine) {
  EXPECT_EQ(problem_of(Error(ErrorCode::usage, "--steps: no")).status, 422);
  EXPECT_EQ(problem_of(Refusal(418, "teapot", "short")).status, 418);
  for (const ErrorCode code :
       {ErrorCode::io, ErrorCode::bad_input, ErrorCode::not_found, ErrorCode::exists, ErrorCode::internal}) {
    const Problem machine = problem_of(Error(code, "cannot read '/srv/secret'"));
    EXPECT_EQ(machine.status, 500);
    EXPECT_EQ(machine.detail.find("secret"), std::string::npos);
  }
  const Json json = Problem{422, "usage", "wrong", {{"/count", "too many"}}}.json("r-1");
  EXPECT_EQ(json["title"], "Unprocessable Content");
  EXPECT_EQ(json["type"], "urn:nodulus:problem:usage");
  EXPECT_EQ(json["request_id"], "r-1");
  EXPECT_EQ(json["faults"][0]["pointer"], "/count");
}

TEST(Rates, ABurstPassesAndThenOnlySoMany) {
  using Clock = std::chrono::steady_clock;
  RateLimit limit(10, 3);
  const Clock::time_point start = Clock::now();
  for (int i = 0; i < 3; ++i) EXPECT_EQ(limit.wait_s("a", start), 0);
  EXPECT_NEAR(limit.wait_s("a", start), 0.1, 1e-9);
  EXPECT_EQ(limit.wait_s("b", start), 0) << "another's";
  EXPECT_EQ(limit.wait_s("a", start + std::chrono::milliseconds(101)), 0);
  EXPECT_GT(limit.wait_s("a", start + std::chrono::milliseconds(101)), 0);
  int passed = 0;
  for (int i = 0; i < 100; ++i) passed += limit.wait_s("a", start + std::chrono::hours(1)) == 0;
  EXPECT_EQ(passed, 3) << "rest does not add up beyond the burst";
  RateLimit none(0, 0);
  EXPECT_EQ(none.wait_s("a", start), 0);
}

}  // namespace
}  // namespace nodulus::serve
