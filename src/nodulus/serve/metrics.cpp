#include "nodulus/serve/metrics.h"

#include <fmt/format.h>

namespace nodulus::serve {

void Metrics::request(const std::string& operation, int status, double seconds) {
  const std::lock_guard lock(mutex_);
  ++requests_[{operation, status}];
  Latency& latency = latencies_[operation];
  ++latency.count;
  latency.sum += seconds;
  for (std::size_t i = 0; i < bounds.size(); ++i) latency.below[i] += seconds <= bounds[i] ? 1 : 0;
}

void Metrics::gauge(const std::string& name, const std::string& label, const std::string& value, double number) {
  const std::lock_guard lock(mutex_);
  gauges_[name][{label, value}] = number;
}

std::string Metrics::text() const {
  const std::lock_guard lock(mutex_);
  std::string text =
      "# HELP nodulus_requests_total Requests, by operation and status.\n# TYPE nodulus_requests_total counter\n";
  for (const auto& [key, number] : requests_)
    text += fmt::format("nodulus_requests_total{{operation=\"{}\",status=\"{}\"}} {}\n", key.first, key.second, number);
  text +=
      "# HELP nodulus_request_seconds How long requests took until their answer began.\n"
      "# TYPE nodulus_request_seconds histogram\n";
  for (const auto& [operation, latency] : latencies_) {
    for (std::size_t i = 0; i < bounds.size(); ++i)
      text += fmt::format("nodulus_request_seconds_bucket{{operation=\"{}\",le=\"{}\"}} {}\n", operation, bounds[i],
                          latency.below[i]);
    text += fmt::format(
        "nodulus_request_seconds_bucket{{operation=\"{0}\",le=\"+Inf\"}} {1}\n"
        "nodulus_request_seconds_sum{{operation=\"{0}\"}} {2}\n"
        "nodulus_request_seconds_count{{operation=\"{0}\"}} {1}\n",
        operation, latency.count, latency.sum);
  }
  for (const auto& [name, values] : gauges_) {
    text += fmt::format("# TYPE nodulus_{} gauge\n", name);
    for (const auto& [label, number] : values)
      text += label.first.empty()
                  ? fmt::format("nodulus_{} {}\n", name, number)
                  : fmt::format("nodulus_{}{{{}=\"{}\"}} {}\n", name, label.first, label.second, number);
  }
  return text;
}

}  // namespace nodulus::serve
