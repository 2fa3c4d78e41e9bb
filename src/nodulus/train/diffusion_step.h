#pragma once

#include <torch/types.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "nodulus/data/loader.h"
#include "nodulus/models/network.h"
#include "nodulus/process/process.h"
#include "nodulus/train/adam.h"

namespace nodulus::train {

struct DiffusionStepOptions {
  int batch = 8;
  double learning_rate = 2e-4;
  std::int64_t warmup_steps = 5000;  ///< The learning rate rises linearly from 0 over these.
  double max_norm = 1;
  double ema_decay = 0.9999;
  std::uint64_t seed = 0;
  torch::Device device = torch::kCPU;
  bool bfloat16 = false;
  double hidden_labels = 0.1;  ///< Probability that labels are hidden (train/labels.h).
};

/// What a training step did.
struct StepResult {
  double loss = 0;           ///< Mean over the batch, channels and pixels.
  double gradient_norm = 0;  ///< Before clipping.
  double learning_rate = 0;
};

/// One training step of a diffusion family: images, noise levels, loss, gradient, Adam. Step k uses samples
/// [k batch, (k+1) batch); all that is random in it is a function of (seed, sample number) or, for dropout, (seed, k).
class DiffusionStep {
 public:
  DiffusionStep(std::shared_ptr<models::Network> network, std::shared_ptr<const process::Process> process,
                const data::Loader& loader, const DiffusionStepOptions& options);

  /// Throws Error{internal} where loss or gradient are not finite; the weights are as they were.
  StepResult run(std::int64_t step, Adam& adam);

  /// Decay of the average at step k: min(decay, (1 + k) / (10 + k)), so that a short training is not held back by its
  /// first weights (as in Song et al. 2021).
  [[nodiscard]] static double ema_decay_at(std::int64_t step, double decay);

 private:
  [[nodiscard]] std::vector<std::uint64_t> numbers(std::int64_t step) const;
  [[nodiscard]] torch::Tensor clean_images(std::int64_t step) const;
  /// [N, D], some of them hidden; undefined without conditions.
  [[nodiscard]] torch::Tensor labels(std::int64_t step) const;
  [[nodiscard]] process::TrainingDraw draw(std::int64_t step) const;

  std::shared_ptr<models::Network> network_;
  std::shared_ptr<const process::Process> process_;
  const data::Loader& loader_;
  DiffusionStepOptions options_;
};

}  // namespace nodulus::train
