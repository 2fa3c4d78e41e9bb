#include "nodulus/serve/openapi.h"

#include <fmt/format.h>

#include "nodulus/serve/problem.h"

namespace nodulus::serve {
namespace {

Json content_of(const std::string& type, const Json& schema) {
  return {{type, schema.is_null() ? Json::object() : Json{{"schema", schema}}}};
}

Json responses_of(const Route& route) {
  Json responses = Json::object();
  for (const Answer& answer : route.answers) {
    Json& one = responses[std::to_string(answer.status)];
    one["description"] = answer.meaning;
    if (!answer.type.empty()) one["content"].update(content_of(answer.type, answer.schema));
  }
  responses["default"] = {
      {"description", "A refusal or failure (RFC 9457)."},
      {"content", content_of("application/problem+json", {{"$ref", "#/components/schemas/Problem"}})}};
  return responses;
}

Json operation_of(const Route& route) {
  Json operation{{"operationId", route.operation},
                 {"summary", route.summary},
                 {"description", fmt::format("Needs a token of role {}.", name(route.role))}};
  if (route.role == Role::none) {
    operation["description"] = "Needs no token.";
    operation["security"] = Json::array();
  }
  for (const Parameter& parameter : route.parameters)
    operation["parameters"].push_back({{"name", parameter.name},
                                       {"in", parameter.in},
                                       {"required", parameter.in == "path"},
                                       {"description", parameter.meaning},
                                       {"schema", parameter.schema}});
  if (!route.body_schema.is_null()) {
    Json content{{"schema", route.body_schema}};
    if (!route.body_example.is_null()) content["example"] = route.body_example;
    operation["requestBody"] = {{"required", true}, {"content", {{"application/json", std::move(content)}}}};
  }
  operation["responses"] = responses_of(route);
  return operation;
}

}  // namespace

Json problem_schema() {
  const Json text{{"type", "string"}};
  return {{"type", "object"},
          {"required", {"type", "title", "status", "detail", "code", "request_id"}},
          {"properties",
           {{"type", text},
            {"title", text},
            {"status", {{"type", "integer"}}},
            {"detail", text},
            {"code", text},
            {"request_id", text},
            {"faults",
             {{"type", "array"},
              {"items",
               {{"type", "object"},
                {"required", {"pointer", "detail"}},
                {"properties", {{"pointer", text}, {"detail", text}}},
                {"additionalProperties", false}}}}}}},
          {"additionalProperties", false}};
}

Json openapi(const Router& router) {
  Json paths = Json::object();
  for (const Route& route : router.routes()) {
    std::string method;
    for (const char c : route.method) method += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    paths[route.path][method] = operation_of(route);
  }
  return {{"openapi", "3.1.0"},
          {"info",
           {{"title", "nodulus"},
            {"version", program_version()},
            {"description",
             "Synthetic lung nodules of trained models. Every image is generated and marked so; none is "
             "for diagnosis."},
            {"license", {{"name", "Apache-2.0"}, {"identifier", "Apache-2.0"}}}}},
          {"servers", Json::array({{{"url", "/"}}})},
          {"security", Json::array({{{"token", Json::array()}}})},
          {"paths", std::move(paths)},
          {"components",
           {{"securitySchemes",
             {{"token", {{"type", "http"}, {"scheme", "bearer"}, {"description", "Made by nodulus token create."}}}}},
            {"schemas", {{"Problem", problem_schema()}}}}}};
}

}  // namespace nodulus::serve
