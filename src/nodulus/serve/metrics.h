#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <utility>

namespace nodulus::serve {

/// What the service has done so far, as Prometheus reads it (text format 0.0.4).
class Metrics {
 public:
  void request(const std::string& operation, int status, double seconds);
  /// Sets a value of now: nodulus_<name>{label="value"}.
  void gauge(const std::string& name, const std::string& label, const std::string& value, double number);
  [[nodiscard]] std::string text() const;

 private:
  static constexpr std::array bounds{0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0};
  struct Latency {
    std::array<std::int64_t, bounds.size()> below{};
    std::int64_t count = 0;
    double sum = 0;
  };

  mutable std::mutex mutex_;
  std::map<std::pair<std::string, int>, std::int64_t> requests_;
  std::map<std::string, Latency> latencies_;
  std::map<std::string, std::map<std::pair<std::string, std::string>, double>> gauges_;
};

}  // namespace nodulus::serve
