#include "nodulus/sample/gan_source.h"

#include <c10/core/InferenceMode.h>

#include <vector>

#include "nodulus/nn/normal_rows.h"

namespace nodulus::sample {

using torch::Tensor;

GanSource::GanSource(GanParts parts) : parts_(std::move(parts)) {
  parts_.generator->to(parts_.device);
  parts_.generator->eval();
}

Tensor GanSource::images(std::span<const std::uint64_t> seeds, const Tensor& labels) {
  const c10::InferenceMode no_graph;
  return synthesized(parts_.generator->broadcast(styles(seeds, labels), parts_.truncation), seeds);
}

Tensor GanSource::styles_of(std::uint64_t seed, const Tensor& labels) const {
  const c10::InferenceMode no_graph;
  return parts_.generator->broadcast(styles({&seed, 1}, labels), parts_.truncation)[0];
}

Tensor GanSource::between(const Tensor& from, const Tensor& to, std::span<const double> weights, std::uint64_t seed) {
  const c10::InferenceMode no_graph;
  std::vector<Tensor> all;
  for (const double weight : weights) all.push_back(from.lerp(to, weight));
  const std::vector<std::uint64_t> seeds(weights.size(), seed);
  return synthesized(torch::stack(all), seeds);
}

Tensor GanSource::mixed(std::span<const std::uint64_t> seeds, std::uint64_t fine, int layer, const Tensor& labels) {
  const c10::InferenceMode no_graph;
  const Tensor coarse = parts_.generator->broadcast(styles(seeds, labels), parts_.truncation);
  const Tensor first = labels.defined() ? labels.narrow(0, 0, 1) : labels;
  const Tensor other = parts_.generator->broadcast(styles({&fine, 1}, first), parts_.truncation);
  const std::int64_t rest = parts_.generator->layers() - layer;
  return synthesized(
      torch::cat({coarse.narrow(1, 0, layer), other.narrow(1, layer, rest).expand({coarse.size(0), -1, -1})}, 1),
      seeds);
}

Tensor GanSource::styles(std::span<const std::uint64_t> seeds, const Tensor& labels) const {
  const auto count = static_cast<std::int64_t>(seeds.size());
  const Tensor z = nn::normal_rows(count, {parts_.generator->options().z},
                                   [&](std::int64_t i) { return RandomStream(seeds[static_cast<std::size_t>(i)]); });
  const std::int64_t width = parts_.generator->options().labels;
  Tensor asked;
  if (width > 0) asked = labels.defined() ? labels.expand({count, width}) : torch::zeros({count, width});
  return parts_.generator->map(z.to(parts_.device), width > 0 ? asked.to(parts_.device, torch::kFloat) : asked);
}

Tensor GanSource::synthesized(const Tensor& ws, std::span<const std::uint64_t> seeds) const {
  const models::NoiseDraw draw = [&](int layer, std::int64_t images, int resolution) {
    return nn::normal_rows(images, {1, resolution, resolution}, [&](std::int64_t i) {
      return RandomStream(seeds[static_cast<std::size_t>(i)], static_cast<std::uint64_t>(layer) + 1);
    });
  };
  if (parts_.on_step) parts_.on_step(0, 1);
  Tensor images = parts_.generator->synthesize(ws, parts_.noise, draw).to(torch::kFloat).cpu().contiguous();
  if (parts_.on_step) parts_.on_step(1, 1);
  return images;
}

}  // namespace nodulus::sample
