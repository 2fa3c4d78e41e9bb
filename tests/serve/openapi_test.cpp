// The description is true: each path is asked as it says, and what comes is as it says.
#include "nodulus/serve/openapi.h"

#include "tests/serve/serving.h"

namespace nodulus::serve {
namespace {

class OpenApi : public test::Serving {
 protected:
  /// A schema with its references in place.
  static Json resolved(const Json& schema, const Json& document) {
    if (schema.is_array()) {
      Json list = Json::array();
      for (const Json& one : schema) list.push_back(resolved(one, document));
      return list;
    }
    if (!schema.is_object()) return schema;
    if (schema.contains("$ref")) return document.at(Json::json_pointer(schema["$ref"].get<std::string>().substr(1)));
    Json whole = Json::object();
    for (const auto& [key, value] : schema.items()) whole[key] = resolved(value, document);
    return whole;
  }
};

TEST_F(OpenApi, EveryPathAnswersAsItIsDescribed) {
  serve();
  const Json document = Json::parse(get("/v1/openapi.json").body);
  EXPECT_EQ(document["openapi"], "3.1.0");
  const Json job = done({{"count", 1}});
  int asked = 0;
  for (const auto& [path, methods] : document["paths"].items()) {
    for (const auto& [method, operation] : methods.items()) {
      const std::string id = method == "delete" || path.ends_with("/cancel")
                                 ? (method == "delete" ? done({{"count", 1}})["id"].get<std::string>()
                                                       : Json::parse(ask({{"count", 1}}).body)["id"].get<std::string>())
                                 : job["id"].get<std::string>();
      std::string target = path;
      const std::map<std::string, std::string> values{{"{id}", id}, {"{name}", "made-up"}};
      for (const auto& [word, value] : values) {
        if (const std::size_t at = target.find(word); at != std::string::npos) target.replace(at, word.size(), value);
      }
      ASSERT_EQ(target.find('{'), std::string::npos) << path;
      if (path.ends_with("/file")) target += "?name=manifest.json";
      httplib::Response answer;
      if (method == "get") answer = get(target);
      if (method == "delete") answer = need(client->Delete(target));
      if (method == "post")
        answer = post(target, operation.contains("requestBody")
                                  ? operation["requestBody"]["content"]["application/json"]["example"].dump()
                                  : "");
      ++asked;
      const std::string where =
          method + " " + path + ": " + std::to_string(answer.status) + " " + answer.body.substr(0, 300);
      // Cancelling may come too late, which is told as a problem.
      if (path.ends_with("/cancel") && answer.status == 409) continue;
      const std::string status = std::to_string(answer.status);
      ASSERT_TRUE(operation["responses"].contains(status)) << where;
      const Json& described = operation["responses"][status];
      if (!described.contains("content")) {
        EXPECT_EQ(answer.body, "") << where;
        continue;
      }
      const std::string type = described["content"].begin().key();
      const Json& content = described["content"].begin().value();
      const std::string found = answer.get_header_value("Content-Type");
      if (type != "application/octet-stream") {
        EXPECT_EQ(found.substr(0, found.find(';')), type) << where;
      }
      if (type != "application/json") continue;
      for (const FieldFault& fault : schema_faults(Json::parse(answer.body), resolved(content["schema"], document)))
        ADD_FAILURE() << where << "\n" << fault.pointer << ": " << fault.detail;
    }
  }
  EXPECT_EQ(asked, static_cast<int>(router.routes().size()));
}

TEST_F(OpenApi, EveryRefusalIsAProblemAsDescribed) {
  ServerOptions options;
  options.need_token = true;
  serve(options);
  const Json document = openapi(router);
  for (const Route& route : router.routes()) {
    if (route.role == Role::none) continue;
    std::string target = route.path;
    for (std::size_t at = target.find('{'); at != std::string::npos; at = target.find('{'))
      target.replace(at, target.find('}') - at + 1, "x");
    httplib::Response answer;
    if (route.method == "GET") answer = get(target);
    if (route.method == "POST") answer = post(target, "{}");
    if (route.method == "DELETE") answer = need(client->Delete(target));
    expect_problem(answer, 401, "unauthorized");
    EXPECT_TRUE(schema_faults(Json::parse(answer.body), document["components"]["schemas"]["Problem"]).empty());
  }
}

TEST_F(OpenApi, OperationsHaveNamesOfTheirOwn) {
  serve();
  std::set<std::string> names;
  for (const Route& route : router.routes()) {
    EXPECT_TRUE(names.insert(route.operation).second) << route.operation;
    EXPECT_FALSE(route.summary.empty()) << route.path;
    EXPECT_FALSE(route.answers.empty()) << route.path;
    for (std::size_t at = route.path.find('{'); at != std::string::npos; at = route.path.find('{', at + 1)) {
      const std::string name = route.path.substr(at + 1, route.path.find('}', at) - at - 1);
      EXPECT_TRUE(std::any_of(route.parameters.begin(), route.parameters.end(),
                              [&](const Parameter& one) { return one.in == "path" && one.name == name; }))
          << route.path << " " << name;
    }
  }
}

}  // namespace
}  // namespace nodulus::serve
