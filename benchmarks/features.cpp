// How fast images become features: bench_features [side] [images] [rounds]. Prints a rate a round, and the median.

#include <fmt/format.h>
#include <torch/types.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

#include "nodulus/app/compute.h"
#include "nodulus/core/threads.h"
#include "nodulus/eval/extractor.h"

int main(int argc, char** argv) {
  const std::int64_t side = argc > 1 ? std::stoll(argv[1]) : 64;
  const std::int64_t images = argc > 2 ? std::stoll(argv[2]) : 128;
  const int rounds = argc > 3 ? std::stoi(argv[3]) : 5;
  constexpr std::int64_t batch = 32;
  nodulus::app::set_up_compute(nodulus::available_cores());
  const auto extractor = nodulus::eval::open_extractor("");
  const torch::Tensor x = torch::rand({batch, 1, side, side}) * 2 - 1;
  static_cast<void>(extractor->features(x));
  std::vector<double> rates;
  for (int round = 0; round < rounds; ++round) {
    const auto began = std::chrono::steady_clock::now();
    for (std::int64_t done = 0; done < images; done += batch) static_cast<void>(extractor->features(x));
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
    rates.push_back(static_cast<double>((images + batch - 1) / batch * batch) / took.count());
    fmt::print("{:.1f} images/s\n", rates.back());
  }
  std::nth_element(rates.begin(), rates.begin() + rates.size() / 2, rates.end());
  fmt::print("median {:.1f}\n", rates[rates.size() / 2]);
}
