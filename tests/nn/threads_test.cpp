#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <mutex>
#include <set>
#include <thread>

namespace nodulus::nn {
namespace {

// at::parallel_for is a template that is serial where our own files are compiled without OpenMP.
TEST(Threads, OurLoopsRunOnAsManyAsLibtorchHas) {
  const int before = at::get_num_threads();
  at::set_num_threads(2);
  std::mutex mutex;
  std::set<std::thread::id> seen;
  at::parallel_for(0, 2, 1, [&](std::int64_t, std::int64_t) {
    const std::lock_guard lock(mutex);
    seen.insert(std::this_thread::get_id());
  });
  at::set_num_threads(before);
  EXPECT_EQ(seen.size(), 2U);
}

}  // namespace
}  // namespace nodulus::nn
