#include "nodulus/archive/dicom_json.h"

#include "nodulus/core/csv.h"

namespace nodulus::archive {
namespace {

const Json* values(const Json& object, std::string_view tag) {
  if (!object.is_object()) return nullptr;
  const auto attribute = object.find(std::string(tag));
  if (attribute == object.end() || !attribute->is_object()) return nullptr;
  const auto value = attribute->find("Value");
  return value == attribute->end() || !value->is_array() || value->empty() ? nullptr : &*value;
}

}  // namespace

std::string json_text(const Json& object, std::string_view tag) {
  const Json* const found = values(object, tag);
  if (found == nullptr) return "";
  const Json& first = found->front();
  if (first.is_string()) return first.get<std::string>();
  if (first.is_number()) return first.dump();
  return first.is_object() && first.contains("Alphabetic") && first["Alphabetic"].is_string()
             ? first["Alphabetic"].get<std::string>()
             : "";
}

std::optional<std::int64_t> json_number(const Json& object, std::string_view tag) {
  const auto value = parse_number(json_text(object, tag));  // some write numbers as text
  if (!value || *value < 0 || *value > 1e15) return std::nullopt;
  return static_cast<std::int64_t>(*value);
}

std::vector<Json> json_items(const Json& object, std::string_view tag) {
  const Json* const found = values(object, tag);
  return found == nullptr ? std::vector<Json>{} : std::vector<Json>(found->begin(), found->end());
}

}  // namespace nodulus::archive
