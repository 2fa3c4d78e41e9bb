#include "nodulus/serve/rate_limit.h"

#include <algorithm>

namespace nodulus::serve {

double RateLimit::wait_s(const std::string& caller, std::chrono::steady_clock::time_point now) {
  constexpr std::size_t most = 10'000;
  if (rate_ <= 0) return 0;
  const std::lock_guard lock(mutex_);
  const auto filled = [&](const Bucket& bucket) {
    return std::min(burst_, bucket.left + rate_ * std::chrono::duration<double>(now - bucket.since).count());
  };
  // Full buckets say nothing: they go when there are many.
  if (buckets_.size() > most && now - scanned_ > std::chrono::seconds(1)) {
    scanned_ = now;
    std::erase_if(buckets_, [&](const auto& entry) { return filled(entry.second) >= burst_; });
  }
  Bucket& bucket = buckets_.try_emplace(caller, Bucket{burst_, now}).first->second;
  bucket = {filled(bucket), now};
  if (bucket.left < 1) return (1 - bucket.left) / rate_;
  bucket.left -= 1;
  return 0;
}

}  // namespace nodulus::serve
