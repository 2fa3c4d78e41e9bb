// The phases of a StyleGAN2 step against what the machine can do: FLOP of convolutions and matrix products, counted as
// plain sums, over time, over the rate of a 2048x2048 float32 matrix product in the same process. Medians of several
// rounds, interleaved.
//
//   bench_gan_phases [p] [rounds]
//
// 64x64, one channel, batch 8, channel_base 4096, channel_max 128, z = w = 128, two mapping layers, bgc with
// probability p.
#include <ATen/Parallel.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <vector>

#include "benchmarks/op_profile.h"
#include "nodulus/app/compute.h"
#include "nodulus/core/artifact.h"
#include "nodulus/core/seed.h"
#include "nodulus/core/threads.h"
#include "nodulus/data/dataset.h"
#include "nodulus/models/network.h"
#include "nodulus/train/gan_step.h"

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

/// Thirty-two images of noise.
data::Dataset noise_dataset(const std::filesystem::path& folder) {
  std::filesystem::remove_all(folder);
  ArtifactWriter artifact(folder, "dataset", false);
  data::DatasetInfo info;
  info.height = info.width = 64;
  data::DatasetWriter writer(artifact.path(), info, {"patient", "nodule"});
  for (int i = 0; i < 32; ++i) {
    std::vector<std::int16_t> image(64 * 64);
    for (std::size_t at = 0; at < image.size(); ++at)
      image[at] = static_cast<std::int16_t>(philox(static_cast<std::uint64_t>(i), at, 0)[0] % 1400U - 1000);
    data::Item item;
    item.patient = std::to_string(i);
    item.nodule = "1";
    item.split = data::Split::train;
    writer.append(item, image, {});
  }
  writer.close({});
  Manifest manifest;
  manifest.kind = "dataset";
  manifest.command = "benchmark";
  write_manifest(artifact.path(), manifest);
  artifact.commit();
  return data::Dataset::open(folder);
}

struct Phase {
  const char* name;
  double flop;
  std::function<void()> run;
  std::vector<double> seconds = {};
  std::vector<double> shares = {};
};

void report_profile(const Phase& phase) {
  double total = 0;
  {
    const OpProfile profile;
    total = seconds_of(phase.run);
  }
  std::vector<std::pair<double, std::string>> rows;
  for (const auto& [name, seconds] : OpProfile::seconds()) rows.emplace_back(seconds, name);
  std::sort(rows.rbegin(), rows.rend());
  fmt::print("\n{}: {:.0f} ms, self time by operation\n", phase.name, total * 1e3);
  for (std::size_t i = 0; i < std::min<std::size_t>(rows.size(), 12); ++i)
    fmt::print("  {:6.1f} ms  {:5.1f} %  {}\n", rows[i].first * 1e3, 100 * rows[i].first / total, rows[i].second);
}

int run(double p, int rounds) {
  app::set_up_compute(available_cores());
  const auto folder = std::filesystem::temp_directory_path() / "nodulus-bench-gan";
  const data::Dataset dataset = noise_dataset(folder);
  const data::Loader loader(dataset, {});
  models::StyleGan2Options networks;
  networks.channel_base = 4096;
  networks.channel_max = networks.z = networks.w = 128;
  train::GanStepOptions options;
  options.batch = 8;
  options.augment = train::augment_pipeline("bgc");
  options.p = p;
  options.adapts = false;
  const auto generator = models::make_generator(networks);
  const auto discriminator = models::make_discriminator(networks);
  train::GanStep gan(generator, discriminator, loader, options);
  const double g = models::generator_flop(networks) * options.batch;
  const double d = models::discriminator_flop(networks) * options.batch;
  // A backward pass costs another pass for the images and one for the weights. The gradient of a gradient goes back
  // through the forward pass (2) and through the first backward pass (2).
  std::int64_t step = 0;
  std::vector<Phase> phases = {
      {"generator", 3 * g + 2 * d, [&] { gan.generator_phase(step); }},
      {"path length", 6 * g / options.path_shrink, [&] { gan.path_length_phase(step); }},
      {"discriminator", g + 6 * d, [&] { gan.discriminator_phase(step); }},
      {"R1", 6 * d, [&] { gan.r1_phase(step); }},
  };
  const torch::Tensor a = torch::randn({2048, 2048});
  const double product_flop = 2.0 * 2048 * 2048 * 2048;
  auto product = [&] { return seconds_of([&] { (void)a.mm(a); }); };
  std::vector<double> products;
  for (int round = 0; round <= rounds; ++round, ++step) {
    for (Phase& phase : phases) {
      const double before = product();
      const double seconds = seconds_of(phase.run);
      const double after = product();
      if (round == 0) continue;
      phase.seconds.push_back(seconds);
      products.push_back((before + after) / 2);
      phase.shares.push_back(phase.flop / seconds / (product_flop / products.back()));
    }
  }
  fmt::print("threads {}, generator {} parameters, discriminator {}, sgemm {:.0f} GFLOP/s, medians of {}\n",
             at::get_num_threads(), models::parameter_count(*generator), models::parameter_count(*discriminator),
             product_flop / median(products) / 1e9, rounds);
  for (const Phase& phase : phases)
    fmt::print("{:<14} {:.3f} s   {:6.1f} GFLOP   {:3.0f} % of sgemm\n", phase.name, median(phase.seconds),
               phase.flop / 1e9, 100 * median(phase.shares));
  for (const Phase& phase : phases) report_profile(phase);
  std::filesystem::remove_all(folder);
  return 0;
}

}  // namespace
}  // namespace nodulus::bench

int main(int argc, char** argv) {
  return nodulus::bench::run(argc > 1 ? std::atof(argv[1]) : 0.3, argc > 2 ? std::max(1, std::atoi(argv[2])) : 7);
}
