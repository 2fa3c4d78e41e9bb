#include "nodulus/app/drawing.h"

#include <algorithm>
#include <chrono>
#include <numeric>

namespace nodulus::app {

void Batches::draw(Drawing& drawing, const Take& take) {
  using Clock = std::chrono::steady_clock;
  for (done = 0; done < count; done += now) {
    now = std::min(batch, count - done);
    std::vector<std::uint64_t> some(static_cast<std::size_t>(now));
    std::iota(some.begin(), some.end(), seed + static_cast<std::uint64_t>(done));
    if (!seeds.empty()) std::copy_n(seeds.begin() + done, now, some.begin());
    const Clock::time_point began = Clock::now();
    const torch::Tensor images = drawing.images(some, done);
    seconds += std::chrono::duration<double>(Clock::now() - began).count();
    take(images, some);
  }
}

}  // namespace nodulus::app
