#include "nodulus/serve/problem.h"

namespace nodulus::serve {

std::string_view status_text(int status) {
  switch (status) {
    case 200: return "OK";
    case 201: return "Created";
    case 202: return "Accepted";
    case 204: return "No Content";
    case 206: return "Partial Content";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 406: return "Not Acceptable";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 410: return "Gone";
    case 414: return "URI Too Long";
    case 413: return "Content Too Large";
    case 415: return "Unsupported Media Type";
    case 416: return "Range Not Satisfiable";
    case 421: return "Misdirected Request";
    case 422: return "Unprocessable Content";
    case 429: return "Too Many Requests";
    case 503: return "Service Unavailable";
    default: return "Internal Server Error";
  }
}

Json Problem::json(std::string_view request_id) const {
  Json json{{"type", "urn:nodulus:problem:" + code},
            {"title", status_text(status)},
            {"status", status},
            {"detail", detail},
            {"code", code},
            {"request_id", request_id}};
  for (const FieldFault& fault : faults)
    json["faults"].push_back({{"pointer", fault.pointer}, {"detail", fault.detail}});
  return json;
}

Problem problem_of(const Error& error) {
  if (const auto* const refusal = dynamic_cast<const Refusal*>(&error)) return refusal->problem();
  const std::string code(name(error.code()));
  // Anything else names files of this machine; whoever runs the service finds it in the log.
  if (error.code() == ErrorCode::usage) return {422, code, error.what()};
  if (error.code() == ErrorCode::stopped) return {503, code, "the service is stopping"};
  return {500, "internal", "the service failed; its log says at what"};
}

}  // namespace nodulus::serve
