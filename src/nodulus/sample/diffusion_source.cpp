#include "nodulus/sample/diffusion_source.h"

#include <ATen/Parallel.h>
#include <c10/core/InferenceMode.h>

#include "nodulus/core/error.h"
#include "nodulus/core/seed.h"
#include "nodulus/nn/torch_compat.h"

namespace nodulus::sample {

using torch::Tensor;

DiffusionSource::DiffusionSource(DiffusionParts parts)
    : parts_(std::move(parts)), sigmas_(noise_levels(parts_.schedule, *parts_.process, parts_.steps)) {
  parts_.network->to(parts_.device);
  parts_.network->eval();
  auto network = [net = parts_.network, bfloat16 = parts_.bfloat16](const Tensor& x, const Tensor& c_noise) {
    const nn::Bfloat16Scope scope(bfloat16);
    if (c_noise.size(0) == 1 || x.is_cuda()) return net->forward(x, c_noise);
    // Images at levels of their own, as the adaptive ODE has them, go one by one: the product of a matrix with n rows
    // of c_noise rounds otherwise than that with one, and an image must not depend on its batch.
    std::vector<Tensor> images;
    for (std::int64_t i = 0; i < x.size(0); ++i)
      images.push_back(net->forward(x.slice(0, i, i + 1), c_noise.slice(0, i, i + 1)));
    return torch::cat(images);
  };
  denoiser_ = process::counted(parts_.process->denoiser(network), evaluations_);
  if (parts_.clip) denoiser_ = process::clamped(denoiser_);
}

Tensor DiffusionSource::images(std::span<const std::uint64_t> seeds, const Condition& condition) {
  if (!condition.labels.empty())
    throw Error(ErrorCode::usage, "this model was trained without labels: it cannot be asked for '" +
                                      condition.labels.begin()->first + "'");
  const c10::InferenceMode no_graph;
  evaluations_ = 0;
  SamplerInput input;
  input.denoiser = denoiser_;
  input.x = noise(seeds, 0) * parts_.process->prior_deviation();
  input.sigmas = sigmas_;
  input.sde = &parts_.process->sde();
  input.noise = [&](std::int64_t step) { return noise(seeds, static_cast<std::uint64_t>(step) + 1); };
  input.on_step = parts_.on_step;
  Tensor images = parts_.sampler->run(input).to(torch::kFloat).cpu();
  const auto count = static_cast<std::int64_t>(seeds.size());
  evaluations_an_image_ = (evaluations_ + count / 2) / count;
  return images;
}

Tensor DiffusionSource::noise(std::span<const std::uint64_t> seeds, std::uint64_t stream) const {
  const auto count = static_cast<std::int64_t>(seeds.size());
  Tensor z = torch::empty({count, parts_.channels, parts_.resolution, parts_.resolution}, torch::kFloat);
  const std::int64_t pixels = z.numel() / std::max<std::int64_t>(count, 1);
  auto* data = z.data_ptr<float>();
  at::parallel_for(0, count, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i)
      RandomStream(seeds[static_cast<std::size_t>(i)], stream)
          .fill_normal({data + i * pixels, static_cast<std::size_t>(pixels)});
  });
  return z.to(parts_.device).to(torch::kDouble);
}

}  // namespace nodulus::sample
