#pragma once

#include <chrono>
#include <map>
#include <mutex>
#include <string>

namespace nodulus::serve {

/// A bucket for each caller that fills at a rate (token bucket): a burst passes, more has to wait.
class RateLimit {
 public:
  /// Requests a second, and how many at once; a rate of 0: no limit.
  RateLimit(double rate, double burst) : rate_(rate), burst_(burst) {}
  /// Seconds that the caller should wait; 0: now, which counts.
  double wait_s(const std::string& caller, std::chrono::steady_clock::time_point now);

 private:
  struct Bucket {
    double left = 0;
    std::chrono::steady_clock::time_point since;
  };
  double rate_;
  double burst_;
  std::mutex mutex_;
  std::map<std::string, Bucket> buckets_;
  std::chrono::steady_clock::time_point scanned_{};
};

}  // namespace nodulus::serve
