#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "nodulus/core/manifest.h"
#include "nodulus/serve/token_store.h"

namespace nodulus::serve {

/// Who asks.
struct Caller {
  std::string name;  ///< The token's; "": without one, on this machine.
  Role role = Role::none;
};

/// A request as a handler sees it: checked for size, origin, role and, by its route's schema, its body.
struct Request {
  std::string method;
  std::string path;
  std::map<std::string, std::string> parameters{};  ///< Of the path: {id}.
  std::map<std::string, std::string> query{};
  std::map<std::string, std::string> headers{};  ///< Names in lower case.
  std::string body{};
  Json json{};  ///< The body, where the route takes JSON.
  Caller caller{};
  std::string id{};  ///< Of the request, for its log line and its problems.

  [[nodiscard]] std::string header(const std::string& name) const;
  /// A query parameter; `otherwise` where there is none.
  [[nodiscard]] std::string value(const std::string& name, const std::string& otherwise = "") const;
};

/// Sends bytes on; false where whoever asked has gone.
using Send = std::function<bool(std::string_view bytes)>;

struct Response {
  int status = 200;
  std::string type = "application/json";
  std::vector<std::pair<std::string, std::string>> headers{};
  std::string body{};
  std::filesystem::path file{};  ///< Sent in place of the body, where it is not empty.
  /// Called again and again until it returns false; in place of the body, without a length. What it throws breaks the
  /// connection off, so that half an answer is not taken for whole.
  std::function<bool(const Send& send)> stream{};

  static Response of(const Json& json, int status = 200);
};

struct Parameter {
  std::string name;
  std::string in;  ///< "path", "query", "header".
  std::string meaning;
  Json schema;
};

/// What a route answers: a status, and of which kind.
struct Answer {
  int status = 200;
  std::string meaning;
  std::string type = "application/json";  ///< "": no body.
  Json schema{};
};

/// One thing that can be asked. The API's description is made of these, and requests are checked by them.
struct Route {
  std::string method;
  std::string path;  ///< "/v1/generations/{id}".
  std::string operation;
  std::string summary;
  Role role = Role::read;
  std::vector<Parameter> parameters{};
  Json body_schema{};  ///< Null: it takes none.
  Json body_example{};
  std::vector<Answer> answers{};
  std::function<Response(const Request&)> handle;
};

/// The routes, found by method and path.
class Router {
 public:
  void add(Route route) { routes_.push_back(std::move(route)); }
  [[nodiscard]] const std::vector<Route>& routes() const { return routes_; }
  /// The route of a request, whose path parameters it fills in. Refusal 404, or 405 with Allow.
  [[nodiscard]] const Route& find(Request& request) const;

 private:
  std::vector<Route> routes_;
};

/// Faults of a value by a JSON Schema of the kinds that this API uses: type (one or several), enum, minimum, maximum,
/// minLength, maxLength, minItems, maxItems, items, properties, required, additionalProperties (false or a schema).
std::vector<struct FieldFault> schema_faults(const Json& value, const Json& schema, const std::string& pointer = "");

}  // namespace nodulus::serve
