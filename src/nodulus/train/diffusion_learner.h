#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "nodulus/models/catalog.h"
#include "nodulus/train/diffusion_step.h"
#include "nodulus/train/learner.h"

namespace nodulus::train {

/// Images from the averaged weights for the sample sheets, [N, C, H, W] in [-1, 1]. Shows its progress on the monitor
/// and throws Error{stopped} where that asks for a stop.
using Preview = std::function<torch::Tensor(const std::shared_ptr<models::Network>& averaged, Monitor& monitor)>;

/// Settings of a diffusion family's training.
struct DiffusionOptions {
  double learning_rate = 2e-4;
  std::int64_t warmup_steps = 5000;
  double clip_norm = 1;
  double ema_decay = 0.9999;

  void describe(Options& options);
};

/// The state of a network and its optimiser.
std::vector<StateTensor> diffusion_state(const models::Network& network, const Adam& adam);

/// A network of a diffusion family, Adam and the average. Its state: weights, Adam's moments and the average ("model/",
/// "adam_first/", "adam_second/", "ema/" and the parameter's name).
class DiffusionLearner final : public Learner {
 public:
  /// The architecture is fitted to the loader's images. `preview` may be null: no samples.
  DiffusionLearner(const models::Architecture& architecture, std::shared_ptr<const process::Process> process,
                   const data::Loader& loader, const DiffusionStepOptions& options, Preview preview);

  std::vector<Figure> step(std::int64_t step) override;
  [[nodiscard]] std::vector<StateTensor> state() const override { return diffusion_state(*network_, adam_); }
  [[nodiscard]] std::vector<StateTensor> weights() const override;
  void resumed(std::int64_t steps) override { adam_.set_steps(steps); }
  std::vector<SampleSheet> samples(Monitor& monitor) override;

 private:
  std::shared_ptr<models::Network> network_;
  std::shared_ptr<models::Network> averaged_;
  Adam adam_;
  DiffusionStep step_;
  Preview preview_;
};

/// The averaged weights of a checkpoint as its state names them, for load_part().
std::vector<StateTensor> averaged_weights(const models::Network& network);

}  // namespace nodulus::train
