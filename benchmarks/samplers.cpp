// Every sampler on one trained model: how far the generated images' statistics are from real ones, against network
// evaluations. Writes PREFIX.csv and PREFIX.svg (a plot). Samplers that PREFIX.csv has already are taken from there.
//
//   bench_samplers RUN DATASET PREFIX [images] [evaluations...]
//
// The measure is a plain one: the 1-Wasserstein distance between the distributions of all generated and all real CT
// pixels, and of their gradient magnitudes (forward differences), each over the real distribution's deviation; the mean
// of the two. It sees noise, blur and wrong brightness; it does not see whether a nodule looks like one.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <fstream>
#include <map>
#include <numeric>

#include "nodulus/app/compute.h"
#include "nodulus/app/diffusion.h"
#include "nodulus/core/csv.h"
#include "nodulus/core/threads.h"
#include "nodulus/sample/diffusion_source.h"

namespace nodulus::bench {
namespace {

using torch::Tensor;

constexpr std::int64_t quantiles = 2000;

/// Quantile function of pixels and of gradient magnitudes, in the model's scale.
struct Statistics {
  Tensor pixels;
  Tensor gradients;
};

Tensor quantile_function(const Tensor& values) {
  const Tensor sorted = std::get<0>(values.flatten().sort());
  const Tensor at =
      ((torch::arange(quantiles, torch::kDouble) + 0.5) / quantiles * static_cast<double>(sorted.numel() - 1));
  return sorted.index_select(0, at.round().to(torch::kLong)).to(torch::kDouble);
}

/// images [N, C, H, W]: the CT channel counts, clamped to the window as a picture is.
Statistics statistics(const Tensor& images) {
  const Tensor ct = images.select(1, 0).clamp(-1, 1);
  const Tensor inner = ct.slice(1, 0, -1).slice(2, 0, -1);
  const Tensor down = ct.slice(1, 1).slice(2, 0, -1) - inner;
  const Tensor right = ct.slice(1, 0, -1).slice(2, 1) - inner;
  return {quantile_function(ct), quantile_function((down.square() + right.square()).sqrt())};
}

double distance(const Statistics& a, const Statistics& real) {
  auto relative = [](const Tensor& x, const Tensor& y) {
    return ((x - y).abs().mean() / y.std()).template item<double>();
  };
  return (relative(a.pixels, real.pixels) + relative(a.gradients, real.gradients)) / 2;
}

Tensor real_images(const app::TrainedModel& model, const std::filesystem::path& folder) {
  const data::Dataset dataset = data::Dataset::open(folder);
  const data::Loader loader = app::loader_for(model.info, dataset, data::Split::train);
  std::vector<std::uint64_t> numbers(static_cast<std::size_t>(loader.items()));
  std::iota(numbers.begin(), numbers.end(), 0);
  Tensor images = torch::empty({loader.items(), loader.channels(), loader.height(), loader.width()});
  loader.batch(numbers, {images.data_ptr<float>(), static_cast<std::size_t>(images.numel())});
  return images;
}

struct Point {
  std::int64_t evaluations = 0;
  double distance = 0;
  double seconds = 0;
};

Point measure(const app::TrainedModel& model, const sample::SamplerRow& row, int steps, std::int64_t count,
              const Statistics& real) {
  sample::DiffusionParts parts;
  parts.network = model.network;
  parts.process = model.family.process;
  parts.sampler = row.make();
  parts.steps = steps;
  parts.schedule.schedule = row.schedule;
  parts.clip = row.clips;
  parts.channels = model.info.image_channels;
  parts.resolution = model.info.resolution;
  sample::DiffusionSource source(parts);
  std::vector<Tensor> made;
  std::int64_t evaluations = 0;
  const auto start = std::chrono::steady_clock::now();
  constexpr std::int64_t batch = 32;
  for (std::int64_t first = 0; first < count; first += batch) {
    std::vector<std::uint64_t> seeds(static_cast<std::size_t>(std::min(batch, count - first)));
    std::iota(seeds.begin(), seeds.end(), static_cast<std::uint64_t>(first));
    made.push_back(source.images(seeds, {}));
    evaluations += source.evaluations() * static_cast<std::int64_t>(seeds.size());
  }
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return {evaluations / count, distance(statistics(torch::cat(made)), real), seconds / static_cast<double>(count)};
}

using Curves = std::map<std::string, std::vector<Point>>;

Curves read_curves(const std::string& path) {
  Curves curves;
  if (!std::filesystem::exists(path)) return curves;
  const CsvTable table = CsvTable::read(path);
  for (std::size_t i = 0; i < table.rows(); ++i)
    curves[table.text(i, "sampler")].push_back(
        {table.integer(i, "evaluations"), table.number(i, "distance"), table.number(i, "seconds_an_image")});
  return curves;
}

/// Logarithmic in both directions, a line a sampler with its name at the right end.
void write_plot(const std::string& path, const Curves& curves, double floor) {
  constexpr double width = 900;
  constexpr double height = 560;
  constexpr double left = 70;
  constexpr double right = 700;
  auto x_of = [](double n) { return left + (right - left) * std::log(n / 4) / std::log(1200.0 / 4); };
  auto y_of = [](double d) {
    return 20 + (height - 70) * (1 - std::log(std::clamp(d, 0.01, 3.0) / 0.01) / std::log(3.0 / 0.01));
  };
  std::ofstream svg(path);
  svg << fmt::format(
      "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {0} {1}' font-family='sans-serif' font-size='13'>\n"
      "<rect width='{0}' height='{1}' fill='white'/>\n",
      width, height);
  for (const int n : {5, 10, 15, 25, 50, 100, 1000})
    svg << fmt::format(
        "<path d='M{0:.1f} 20V{1:.1f}' stroke='#ddd'/><text x='{0:.1f}' y='{2:.1f}' text-anchor='middle'>{3}</text>\n",
        x_of(n), height - 50, height - 32, n);
  for (const double d : {0.01, 0.03, 0.1, 0.3, 1.0, 3.0})
    svg << fmt::format(
        "<path d='M{0} {1:.1f}H{2}' stroke='#ddd'/><text x='{3}' y='{1:.1f}' text-anchor='end'>{4}</text>\n", left,
        y_of(d), right, left - 6, d);
  svg << fmt::format(
      "<path d='M{} {:.1f}H{}' stroke='black' stroke-dasharray='4 4'/>\n<text x='{}' y='{}' text-anchor='middle'>"
      "network evaluations an image</text>\n<text x='16' y='{}' transform='rotate(-90 16 {})' text-anchor='middle'>"
      "distance from real statistics (dashed: one half of the real images from the other)</text>\n",
      left, y_of(floor), right, (left + right) / 2, height - 10, height / 2, height / 2);
  int index = 0;
  double label_y = 34;
  for (const auto& [name, points] : curves) {
    const std::string colour =
        fmt::format("hsl({} 70% {}%)", index * 360 / static_cast<int>(curves.size()), index % 2 == 0 ? 42 : 30);
    std::string line;
    for (const Point& p : points)
      line += fmt::format("{}{:.1f} {:.1f}", line.empty() ? "M" : "L", x_of(static_cast<double>(p.evaluations)),
                          y_of(p.distance));
    svg << fmt::format("<path d='{}' fill='none' stroke='{}' stroke-width='2'/>\n", line, colour);
    for (const Point& p : points)
      svg << fmt::format("<circle cx='{:.1f}' cy='{:.1f}' r='3' fill='{}'/>\n",
                         x_of(static_cast<double>(p.evaluations)), y_of(p.distance), colour);
    svg << fmt::format("<path d='M{} {}h18' stroke='{}' stroke-width='3'/><text x='{}' y='{}'>{}</text>\n", right + 20,
                       label_y - 4, colour, right + 44, label_y, name);
    label_y += 24;
    ++index;
  }
  svg << "</svg>\n";
}

int run(const std::string& run, const std::string& dataset, const std::string& prefix, std::int64_t count,
        const std::vector<int>& targets) {
  app::set_up_compute(available_cores());
  const app::TrainedModel model = app::load_model(run);
  const Tensor real = real_images(model, dataset);
  const Statistics reference = statistics(real);
  const auto halves = real.chunk(2);
  const double floor = distance(statistics(halves[0]), statistics(halves[1]));
  fmt::print("{} real images; one half from the other: {:.4f}\n", real.size(0), floor);
  Curves curves = read_curves(prefix + ".csv");
  const Curves known = curves;
  std::ofstream csv(prefix + ".csv", std::ios::app);
  if (known.empty()) csv << "sampler,steps,evaluations,distance,seconds_an_image\n";
  for (const sample::SamplerRow& row : sample::samplers()) {
    const std::string name(row.name);
    if (known.contains(name)) continue;
    for (const int target : targets) {
      if (target == 1000 && name != "euler-maruyama" && name != "ancestral") continue;
      const auto sampler = row.make();
      int steps = target;
      while (steps > 1 && sampler->evaluations(steps) > target) --steps;
      const Point point = measure(model, row, steps, count, reference);
      curves[name].push_back(point);
      csv << fmt::format("{},{},{},{:.5f},{:.5f}\n", name, steps, point.evaluations, point.distance, point.seconds);
      csv.flush();
      fmt::print("{:<20} {:>5} steps {:>5} evaluations  distance {:.4f}  {:.3f} s an image\n", name, steps,
                 point.evaluations, point.distance, point.seconds);
      std::fflush(stdout);
      if (sampler->evaluations(steps) == 0) break;  // its number does not follow from the steps
    }
  }
  write_plot(prefix + ".svg", curves, floor);
  return 0;
}

}  // namespace
}  // namespace nodulus::bench

int main(int argc, char** argv) try {
  if (argc < 4) {
    fmt::print(stderr, "usage: bench_samplers RUN DATASET PREFIX [images] [evaluations...]\n");
    return 2;
  }
  std::vector<int> targets;
  for (int i = 5; i < argc; ++i) targets.push_back(std::max(1, std::atoi(argv[i])));
  if (targets.empty()) targets = {5, 10, 15, 25, 50, 100, 1000};
  return nodulus::bench::run(argv[1], argv[2], argv[3], argc > 4 ? std::atoll(argv[4]) : 64, targets);
} catch (const std::exception& error) {
  fmt::print(stderr, "bench_samplers: {}\n", error.what());
  return 1;
}
