#pragma once

#include <cstdint>
#include <functional>

namespace nodulus {

/// Cores that this process may run on (the scheduler's affinity mask, then cgroup limits left aside).
int available_cores();

/// Calls body(i) for i in [0, count) on up to `threads` threads; each i once, in no promised order.
/// The first exception stops the handing out of further i and is rethrown once all threads have joined.
void parallel_for(std::int64_t count, int threads, const std::function<void(std::int64_t)>& body);

}  // namespace nodulus
