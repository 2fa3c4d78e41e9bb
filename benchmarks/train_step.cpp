// A training step against what the machine can do: FLOP of convolutions and matrix products, counted as plain sums,
// over time, over the rate of a 2048x2048 float32 matrix product in the same process. Medians of several runs,
// interleaved.
//
//   bench_train_step [ddpm|ddpmpp|scorenet] [channels] [batch] [runs]
//
// 64x64 images; ddpm and ddpmpp: two blocks a level, attention at 16; ddpm: CT and mask, multipliers 1,2,4; ddpmpp: CT,
// multipliers 1,2,2; scorenet: CT, of the tutorial's size whatever `channels` is.
#include <ATen/Parallel.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <vector>

#include "benchmarks/op_profile.h"
#include "nodulus/app/compute.h"
#include "nodulus/core/threads.h"
#include "nodulus/models/catalog.h"
#include "nodulus/process/process.h"
#include "nodulus/train/adam.h"

namespace nodulus::bench {
namespace {

double seconds_of(const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

void report_profile(double step_seconds) {
  std::vector<std::pair<double, std::string>> rows;
  double sum = 0;
  for (const auto& [name, seconds] : OpProfile::seconds()) {
    rows.emplace_back(seconds, name);
    sum += seconds;
  }
  std::sort(rows.rbegin(), rows.rend());
  fmt::print("\nself time of one step, {:.1f} ms, by operation\n", step_seconds * 1e3);
  for (std::size_t i = 0; i < std::min<std::size_t>(rows.size(), 14); ++i)
    fmt::print("  {:6.1f} ms  {:5.1f} %  {}\n", rows[i].first * 1e3, 100 * rows[i].first / step_seconds,
               rows[i].second);
  fmt::print("  {:6.1f} ms  {:5.1f} %  all else: Adam, small operations, libtorch's own\n", (step_seconds - sum) * 1e3,
             100 * (step_seconds - sum) / step_seconds);
}

int run(const std::string& family, int channels, int batch, int runs) {
  app::set_up_compute(available_cores());
  const models::Family& row = models::family(family);
  const bool ddpm = family == "ddpm";
  const auto architecture = row.make();
  Options options;
  architecture->describe(options);
  if (family != "scorenet")
    options.parse({"--unet.channels", std::to_string(channels), "--unet.multipliers", ddpm ? "1,2,4" : "1,2,2",
                   "--unet.blocks", "2", "--unet.attention", "16", "--unet.dropout", "0"});
  const int image_channels = ddpm ? 2 : 1;
  architecture->fit(image_channels, 64, 0);
  const auto network = architecture->build();
  const auto process = process::make_process(row.process);
  process->prepare(architecture->noise_labels());
  train::Adam adam(network->parameters(), {});
  const torch::Tensor clean = torch::randn({batch, image_channels, 64, 64});
  const process::TrainingDraw draw{torch::randn_like(clean), torch::rand({batch}, torch::kDouble)};
  const torch::Tensor a = torch::randn({2048, 2048});
  const torch::Tensor b = torch::randn({2048, 2048});
  double adam_seconds = 0;
  auto step = [&] {
    process->loss([&](const torch::Tensor& x, const torch::Tensor& c) { return network->forward(x, c); }, clean, draw)
        .mean()
        .backward();
    adam_seconds = seconds_of([&] { adam.step({2e-4, 1, 0.999}); });
  };
  step();
  (void)a.mm(b);
  std::vector<double> steps;
  std::vector<double> products;
  std::vector<double> shares;
  const double flop = 3 * architecture->forward_flop() * batch;
  const double product_flop = 2.0 * 2048 * 2048 * 2048;
  for (int i = 0; i < runs; ++i) {
    const double before = seconds_of([&] { (void)a.mm(b); });
    steps.push_back(seconds_of(step));
    const double after = seconds_of([&] { (void)a.mm(b); });
    products.push_back((before + after) / 2);
    shares.push_back(flop / steps.back() / (product_flop / products.back()));
  }
  fmt::print("{}, threads {}, channels {}, batch {}, {} parameters, {:.1f} GFLOP an image forward, {:.1f} a step\n",
             family, at::get_num_threads(), channels, batch, models::parameter_count(*network),
             architecture->forward_flop() / 1e9, flop / 1e9);
  fmt::print("sgemm 2048: {:.1f} GFLOP/s   step: {:.3f} s, {:.1f} GFLOP/s   share (median of {} pairs): {:.0f} %\n",
             product_flop / median(products) / 1e9, median(steps), flop / median(steps) / 1e9, runs,
             100 * median(shares));
  fmt::print("Adam, clipping and average: {:.1f} ms\n", adam_seconds * 1e3);
  double profiled = 0;
  {
    const OpProfile profile;
    profiled = seconds_of(step);
  }
  report_profile(profiled);
  return 0;
}

}  // namespace
}  // namespace nodulus::bench

int main(int argc, char** argv) {
  auto word = [&](int i, int otherwise) { return argc > i ? std::max(1, std::atoi(argv[i])) : otherwise; };
  return nodulus::bench::run(argc > 1 ? argv[1] : "ddpm", word(2, 32), word(3, 8), word(4, 9));
}
