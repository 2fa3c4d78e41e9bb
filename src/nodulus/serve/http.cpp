#include "nodulus/serve/http.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "nodulus/core/nearest.h"
#include "nodulus/serve/problem.h"

namespace nodulus::serve {
namespace {

std::vector<std::string_view> segments(std::string_view path) {
  std::vector<std::string_view> parts;
  while (!path.empty()) {
    path.remove_prefix(1);  // its slash
    const std::size_t end = std::min(path.find('/'), path.size());
    parts.push_back(path.substr(0, end));
    path.remove_prefix(end);
  }
  return parts;
}

bool is_parameter(std::string_view segment) { return segment.starts_with('{') && segment.ends_with('}'); }

/// True where the path is of the template; the parameters' values.
bool matches(std::string_view pattern, std::string_view path, std::map<std::string, std::string>& values) {
  const auto wanted = segments(pattern);
  const auto found = segments(path);
  if (wanted.size() != found.size()) return false;
  std::map<std::string, std::string> read;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (is_parameter(wanted[i]) && !found[i].empty()) {
      read[std::string(wanted[i].substr(1, wanted[i].size() - 2))] = found[i];
    } else if (wanted[i] != found[i]) {
      return false;
    }
  }
  values = std::move(read);
  return true;
}

/// How exact a template is: a word says more than a parameter.
std::size_t words_in(std::string_view pattern) {
  const auto parts = segments(pattern);
  return static_cast<std::size_t>(std::count_if(parts.begin(), parts.end(), [](auto p) { return !is_parameter(p); }));
}

std::string kind_of(const Json& value) {
  if (value.is_number_integer()) return "integer";
  if (value.is_number()) return "number";
  return value.type_name();
}

bool is_of(const Json& value, const std::string& type) {
  if (type == "number") return value.is_number();
  if (type == "integer") {
    if (!value.is_number_float()) return value.is_number_integer();
    const auto number = value.get<double>();
    return std::abs(number) < 0x1p53 && number == std::trunc(number);
  }
  return kind_of(value) == type;
}

std::string escaped(const std::string& key) {  // RFC 6901 3
  std::string text;
  for (const char c : key) text += c == '~' ? std::string("~0") : c == '/' ? std::string("~1") : std::string(1, c);
  return text;
}

class SchemaCheck {
 public:
  explicit SchemaCheck(std::vector<FieldFault>& faults) : faults_(faults) {}

  void run(const Json& value, const Json& schema, const std::string& pointer) {
    if (const auto type = schema.find("type"); type != schema.end() && !has_type(value, *type)) {
      fault(pointer, fmt::format("expected {}, found {}", types_text(*type), kind_of(value)));
      return;
    }
    if (const auto choices = schema.find("enum"); choices != schema.end()) {
      if (std::find(choices->begin(), choices->end(), value) == choices->end())
        fault(pointer, fmt::format("expected one of {}, found {}", choices->dump(), value.dump()));
    }
    if (value.is_number()) run_number(value.get<double>(), schema, pointer);
    if (value.is_string())
      run_size(value.get_ref<const std::string&>().size(), schema, "minLength", "maxLength", "bytes", pointer);
    if (value.is_array()) {
      run_size(value.size(), schema, "minItems", "maxItems", "items", pointer);
      if (const auto items = schema.find("items"); items != schema.end())
        for (std::size_t i = 0; i < value.size(); ++i) run(value[i], *items, fmt::format("{}/{}", pointer, i));
    }
    if (value.is_object()) run_object(value, schema, pointer);
  }

 private:
  void fault(const std::string& pointer, std::string detail) {
    if (faults_.size() < 20) faults_.push_back({pointer, std::move(detail)});
  }
  static bool has_type(const Json& value, const Json& type) {
    if (type.is_string()) return is_of(value, type.get<std::string>());
    return std::any_of(type.begin(), type.end(), [&](const Json& one) { return is_of(value, one.get<std::string>()); });
  }
  static std::string types_text(const Json& type) {
    if (type.is_string()) return type.get<std::string>();
    std::string text;
    for (const Json& one : type) text += (text.empty() ? "" : " or ") + one.get<std::string>();
    return text;
  }
  void run_number(double value, const Json& schema, const std::string& pointer) {
    if (schema.contains("minimum") && value < schema["minimum"].get<double>())
      fault(pointer, fmt::format("expected {} at least, found {}", schema["minimum"].dump(), value));
    if (schema.contains("maximum") && value > schema["maximum"].get<double>())
      fault(pointer, fmt::format("expected {} at most, found {}", schema["maximum"].dump(), value));
  }
  void run_size(std::size_t size, const Json& schema, const char* low, const char* high, const char* unit,
                const std::string& pointer) {
    if (schema.contains(low) && size < schema[low].get<std::size_t>())
      fault(pointer, fmt::format("expected {} {} at least, found {}", schema[low].dump(), unit, size));
    if (schema.contains(high) && size > schema[high].get<std::size_t>())
      fault(pointer, fmt::format("expected {} {} at most, found {}", schema[high].dump(), unit, size));
  }
  void run_object(const Json& value, const Json& schema, const std::string& pointer) {
    const Json properties = schema.value("properties", Json::object());
    const Json more = schema.value("additionalProperties", Json(true));
    std::vector<std::string> known;
    for (const auto& [key, ignored] : properties.items()) known.push_back(key);
    for (const auto& [key, one] : value.items()) {
      const std::string place = pointer + "/" + escaped(key);
      if (properties.contains(key)) {
        run(one, properties[key], place);
      } else if (more.is_object()) {
        run(one, more, place);
      } else if (!more.get<bool>()) {
        fault(place, "unknown field" + did_you_mean(key, known));
      }
    }
    for (const Json& key : schema.value("required", Json::array())) {
      if (!value.contains(key.get<std::string>()))
        fault(pointer + "/" + escaped(key.get<std::string>()), "expected a value, found none");
    }
  }

  std::vector<FieldFault>& faults_;
};

}  // namespace

std::string Request::header(const std::string& name) const {
  const auto found = headers.find(name);
  return found == headers.end() ? "" : found->second;
}

std::string Request::value(const std::string& name, const std::string& otherwise) const {
  const auto found = query.find(name);
  return found == query.end() ? otherwise : found->second;
}

Response Response::of(const Json& json, int status) {
  Response response;
  response.status = status;
  response.body = json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
  return response;
}

const Route& Router::find(Request& request) const {
  const Route* found = nullptr;
  std::string allowed;
  std::map<std::string, std::string> values;
  for (const Route& route : routes_) {
    if (!request.path.starts_with('/') || !matches(route.path, request.path, values)) continue;
    allowed += (allowed.empty() ? "" : ", ") + route.method;
    if (route.method != request.method) continue;
    if (found != nullptr && words_in(found->path) >= words_in(route.path)) continue;
    found = &route;
    request.parameters = values;
  }
  if (found != nullptr) return *found;
  if (allowed.empty())
    throw Refusal(404, "not_found", "there is nothing at this address; /v1/openapi.json tells what there is");
  throw Refusal(Problem{405,
                        "method_not_allowed",
                        fmt::format("expected {}, found {}", allowed, request.method),
                        {},
                        {{"Allow", allowed}}});
}

std::vector<FieldFault> schema_faults(const Json& value, const Json& schema, const std::string& pointer) {
  std::vector<FieldFault> faults;
  SchemaCheck(faults).run(value, schema, pointer);
  return faults;
}

}  // namespace nodulus::serve
