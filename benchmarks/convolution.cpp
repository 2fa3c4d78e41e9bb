// 3x3 convolutions without gradients, as generation asks for them: ours (Winograd) against oneDNN with images in
// libtorch's default layout, channels-last, and with the weight reordered beforehand to the layout that oneDNN prefers.
// Rates count plain sums of products, so a way that needs fewer of them may exceed the rate of a matrix product.
//
//   bench_convolution [batch] [runs]
#include <ATen/Parallel.h>
#include <c10/core/InferenceMode.h>
#include <fmt/format.h>
#include <torch/types.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <vector>

#include "nodulus/app/compute.h"
#include "nodulus/core/threads.h"
#include "nodulus/nn/convolution.h"

namespace nodulus::bench {
namespace {

using torch::Tensor;

/// Median seconds of each of the ways, run in turn.
std::vector<double> medians(const std::vector<std::function<void()>>& ways, int runs) {
  std::vector<std::vector<double>> seconds(ways.size());
  for (int run = 0; run <= runs; ++run) {
    for (std::size_t i = 0; i < ways.size(); ++i) {
      const auto start = std::chrono::steady_clock::now();
      ways[i]();
      if (run > 0)
        seconds[i].push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
    }
  }
  std::vector<double> result;
  for (auto& all : seconds) {
    std::nth_element(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(all.size() / 2), all.end());
    result.push_back(all[all.size() / 2]);
  }
  return result;
}

void measure(std::int64_t batch, std::int64_t in, std::int64_t out, std::int64_t size, int runs) {
  const Tensor x = torch::randn({batch, in, size, size});
  const Tensor weight = [&] {
    const c10::InferenceMode off(false);  // as a network's is that was loaded before
    return torch::randn({out, in, 3, 3});
  }();
  const Tensor bias = torch::randn({out});
  const Tensor x_last = x.contiguous(at::MemoryFormat::ChannelsLast);
  const Tensor weight_last = weight.contiguous(at::MemoryFormat::ChannelsLast);
  const Tensor packed = at::mkldnn_reorder_conv2d_weight(weight.to_mkldnn(), {1, 1}, {1, 1}, {1, 1}, 1);
  const Tensor a = torch::randn({2048, 2048});
  nn::FilterCache cache;
  const auto seconds =
      medians({
                  [&] { (void)nn::convolve(x, weight, bias, 1, 1); },
                  [&] {
                    (void)at::mkldnn_convolution(x, weight, bias, {1, 1}, {1, 1}, {1, 1}, 1);
                  },
                  [&] {
                    (void)at::mkldnn_convolution(x_last, weight_last, bias, {1, 1}, {1, 1}, {1, 1}, 1);
                  },
                  [&] {
                    (void)at::mkldnn_convolution(x.to_mkldnn(), packed, bias, {1, 1}, {1, 1}, {1, 1}, 1).to_dense();
                  },
                  [&] { (void)a.mm(a); },
                  [&] { (void)nn::convolve(x, weight, bias, 1, 1, &cache); },
              },
              runs);
  const double flop = 18.0 * static_cast<double>(batch * in * out * size * size);
  const double product = 2.0 * 2048 * 2048 * 2048 / seconds[4];
  fmt::print("{:>4} -> {:>4} {:>3}x{:<3}  ours {:6.2f} ms {:4.0f} GFLOP/s, filters kept {:6.2f} ms", in, out, size,
             size, seconds[0] * 1e3, flop / seconds[0] / 1e9, seconds[5] * 1e3);
  fmt::print("   oneDNN {:6.2f} ms   channels-last {:6.2f} ms   packed weight {:6.2f} ms", seconds[1] * 1e3,
             seconds[2] * 1e3, seconds[3] * 1e3);
  fmt::print("   sgemm {:4.0f} GFLOP/s\n", product / 1e9);
}

}  // namespace
}  // namespace nodulus::bench

int main(int argc, char** argv) {
  const int batch = argc > 1 ? std::max(1, std::atoi(argv[1])) : 8;
  const int runs = argc > 2 ? std::max(1, std::atoi(argv[2])) : 15;
  nodulus::app::set_up_compute(nodulus::available_cores());
  const c10::InferenceMode no_graph;
  fmt::print("threads {}, batch {}, medians of {}\n", at::get_num_threads(), batch, runs);
  for (const std::int64_t channels : {32, 64, 128})
    for (const std::int64_t size : {64, 32, 16}) nodulus::bench::measure(batch, channels, channels, size, runs);
  nodulus::bench::measure(batch, 256, 128, 32, runs);
}
