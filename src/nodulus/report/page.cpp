#include <span>
#include <string_view>

#include "nodulus/core/error.h"
#include "nodulus/report/page_template.h"
#include "nodulus/report/report.h"

namespace nodulus::report {
namespace {

constexpr std::string_view before_data = "<script id=\"report-data\" type=\"application/json\">";

/// JSON that can stand within a script element, whatever its strings hold.
std::string embedded(const Json& json) {
  std::string text;
  for (const char c : json.dump(-1, ' ', false, Json::error_handler_t::replace)) {
    if (c == '<')
      text += "\\u003c";
    else
      text += c;
  }
  return text;
}

}  // namespace

std::string page(const Json& report) {
  const std::string_view html = page_template();
  constexpr std::string_view empty = "null";
  const std::size_t at = html.find(before_data);
  if (at == std::string_view::npos || !html.substr(at + before_data.size()).starts_with(empty))
    throw Error(ErrorCode::internal, "the page on board has no place for its data");
  const std::size_t place = at + before_data.size();
  return std::string(html.substr(0, place)) + embedded(report) + std::string(html.substr(place + empty.size()));
}

}  // namespace nodulus::report
