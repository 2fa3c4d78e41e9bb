#include "nodulus/sample/diffusion_source.h"

#include <c10/core/InferenceMode.h>

#include "nodulus/nn/normal_rows.h"
#include "nodulus/nn/torch_compat.h"
#include "nodulus/sample/interpolation.h"

namespace nodulus::sample {

using torch::Tensor;

DiffusionSource::DiffusionSource(DiffusionParts parts)
    : parts_(std::move(parts)), sigmas_(noise_levels(parts_.schedule, *parts_.process, parts_.steps)) {
  parts_.network->to(parts_.device);
  parts_.network->eval();
}

process::Denoiser DiffusionSource::denoiser(const Tensor& labels) {
  auto of = [this](const Tensor& known) {
    auto network = [net = parts_.network, bfloat16 = parts_.bfloat16, known](const Tensor& x, const Tensor& c_noise) {
      const nn::Bfloat16Scope scope(bfloat16);
      return net->forward(x, c_noise, known);
    };
    return process::counted(parts_.process->denoiser(network), evaluations_);
  };
  process::Denoiser all = of(labels);
  if (labels.defined() && parts_.guidance.weight != 1) all = process::guided(all, of({}), parts_.guidance);
  if (parts_.clip) all = process::clamped(all);
  if (!parts_.on_question) return all;
  return [all, see = parts_.on_question](const Tensor& x, const Tensor& sigma) {
    see(x, sigma.flatten()[0].item<double>());
    return all(x, sigma);
  };
}

Tensor DiffusionSource::images(std::span<const std::uint64_t> seeds, const Tensor& labels) {
  const c10::InferenceMode no_graph;
  SamplerInput input = input_of(seeds, labels);
  input.x = noise(seeds, 0) * parts_.process->prior_deviation();
  return finished(parts_.sampler->run(input));
}

Tensor DiffusionSource::between(std::uint64_t from, std::uint64_t to, std::span<const double> weights,
                                const Tensor& labels) {
  const c10::InferenceMode no_graph;
  const std::vector<std::uint64_t> seeds(weights.size(), from);
  SamplerInput input = input_of(seeds, labels);
  const Tensor first = noise({&from, 1}, 0);
  const Tensor last = noise({&to, 1}, 0);
  std::vector<Tensor> starts;
  for (const double weight : weights) starts.push_back(slerp(first, last, weight));
  input.x = torch::cat(starts) * parts_.process->prior_deviation();
  return finished(parts_.sampler->run(input));
}

Tensor DiffusionSource::inpainted(std::span<const std::uint64_t> seeds, const Tensor& known, const Tensor& region,
                                  const InpaintOptions& options, const Tensor& labels) {
  const c10::InferenceMode no_graph;
  SamplerInput input = input_of(seeds, labels);
  input.x = noise(seeds, 0) * parts_.process->prior_deviation();
  const Tensor there = known.to(parts_.device, torch::kDouble).expand_as(input.x);
  return finished(inpaint(input, there, region.to(parts_.device), options));
}

SamplerInput DiffusionSource::input_of(std::span<const std::uint64_t> seeds, const Tensor& labels) {
  evaluations_ = 0;
  SamplerInput input;
  const Tensor asked = labels.defined() ? labels.to(parts_.device) : labels;
  input.denoiser = denoiser(asked);
  if (asked.defined() && asked.size(0) > 1)
    input.denoiser_of = [this, asked](const Tensor& rows) { return denoiser(asked.index_select(0, rows)); };
  input.sigmas = sigmas_;
  input.sde = &parts_.process->sde();
  input.noise = [this, seeds](std::int64_t number) { return noise(seeds, static_cast<std::uint64_t>(number) + 1); };
  input.on_step = parts_.on_step;
  return input;
}

Tensor DiffusionSource::finished(const Tensor& images) {
  const std::int64_t count = images.size(0);
  evaluations_an_image_ = count > 0 ? (evaluations_ + count / 2) / count : 0;
  return images.to(torch::kFloat).cpu().contiguous();
}

Tensor DiffusionSource::noise(std::span<const std::uint64_t> seeds, std::uint64_t stream) const {
  const Tensor z =
      nn::normal_rows(static_cast<std::int64_t>(seeds.size()), {parts_.channels, parts_.resolution, parts_.resolution},
                      [&](std::int64_t i) { return RandomStream(seeds[static_cast<std::size_t>(i)], stream); });
  return z.to(parts_.device).to(torch::kDouble);
}

}  // namespace nodulus::sample
