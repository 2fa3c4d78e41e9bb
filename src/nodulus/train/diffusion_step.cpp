#include "nodulus/train/diffusion_step.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "nodulus/core/error.h"
#include "nodulus/core/seed.h"
#include "nodulus/nn/normal_rows.h"
#include "nodulus/nn/torch_compat.h"
#include "nodulus/train/labels.h"

namespace nodulus::train {

using torch::Tensor;

DiffusionStep::DiffusionStep(std::shared_ptr<models::Network> network, std::shared_ptr<const process::Process> process,
                             const data::Loader& loader, const DiffusionStepOptions& options)
    : network_(std::move(network)), process_(std::move(process)), loader_(loader), options_(options) {
  network_->train();
}

double DiffusionStep::ema_decay_at(std::int64_t step, double decay) {
  return std::min(decay, (1.0 + static_cast<double>(step)) / (10.0 + static_cast<double>(step)));
}

StepResult DiffusionStep::run(std::int64_t step, Adam& adam) {
  torch::manual_seed(derive_seed(derive_seed(options_.seed, "dropout"), static_cast<std::uint64_t>(step)));
  const Tensor known = labels(step);
  auto network = [&](const Tensor& x, const Tensor& c_noise) {
    const nn::Bfloat16Scope scope(options_.bfloat16);
    return network_->forward(x, c_noise, known);
  };
  const Tensor loss = process_->loss(network, clean_images(step), draw(step)).mean();
  loss.backward();
  StepResult result;
  result.loss = loss.item<double>();
  if (!std::isfinite(result.loss))
    throw Error(ErrorCode::internal, fmt::format("training diverged at step {}: loss {}", step, result.loss));
  const double warm = options_.warmup_steps > 0
                          ? std::min(1.0, static_cast<double>(step + 1) / static_cast<double>(options_.warmup_steps))
                          : 1.0;
  result.learning_rate = options_.learning_rate * warm;
  result.gradient_norm =
      adam.step({result.learning_rate, options_.max_norm, ema_decay_at(adam.steps(), options_.ema_decay)});
  if (!std::isfinite(result.gradient_norm))
    throw Error(ErrorCode::internal,
                fmt::format("training diverged at step {}: gradient norm {}", step, result.gradient_norm));
  return result;
}

std::vector<std::uint64_t> DiffusionStep::numbers(std::int64_t step) const {
  std::vector<std::uint64_t> all(static_cast<std::size_t>(options_.batch));
  std::iota(all.begin(), all.end(), static_cast<std::uint64_t>(step) * static_cast<std::uint64_t>(options_.batch));
  return all;
}

Tensor DiffusionStep::labels(std::int64_t step) const {
  const auto all = numbers(step);
  Tensor rows = label_rows(loader_, all);
  if (!rows.defined()) return rows;
  hide_labels(rows, loader_.conditions(), options_.hidden_labels, derive_seed(options_.seed, "hidden labels"), all);
  return rows.to(options_.device);
}

Tensor DiffusionStep::clean_images(std::int64_t step) const {
  Tensor images = torch::empty({options_.batch, loader_.channels(), loader_.height(), loader_.width()}, torch::kFloat);
  loader_.batch(numbers(step), {images.data_ptr<float>(), static_cast<std::size_t>(images.numel())});
  return images.to(options_.device);
}

process::TrainingDraw DiffusionStep::draw(std::int64_t step) const {
  const std::uint64_t noise_seed = derive_seed(options_.seed, "training noise");
  const std::uint64_t level_seed = derive_seed(options_.seed, "noise level");
  auto number = [&](std::int64_t i) { return static_cast<std::uint64_t>(step * options_.batch + i); };
  process::TrainingDraw drawn{nn::normal_rows(options_.batch, {loader_.channels(), loader_.height(), loader_.width()},
                                              [&](std::int64_t i) { return RandomStream(noise_seed, number(i)); }),
                              torch::empty({options_.batch}, torch::kDouble)};
  for (std::int64_t i = 0; i < options_.batch; ++i) {
    float u = 0;
    RandomStream(level_seed, number(i)).fill_uniform({&u, 1});
    drawn.uniform.data_ptr<double>()[i] = static_cast<double>(u);
  }
  drawn.noise = drawn.noise.to(options_.device);
  drawn.uniform = drawn.uniform.to(options_.device);
  return drawn;
}

}  // namespace nodulus::train
