#pragma once

#include <torch/types.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "nodulus/core/monitor.h"

namespace nodulus::train {

/// A number that a step gave.
struct Figure {
  std::string name;
  double value = 0;
  bool shown = false;     ///< In the progress line, as `name value`.
  bool averaged = false;  ///< Over the steps of an interval; else the last one stands.
};

/// A tensor of a training's exact state, under its name in the checkpoint. Filling `tensor` restores it.
struct StateTensor {
  std::string name;
  torch::Tensor tensor;
};

/// Images for the sample sheets, [N, C, H, W] in [-1, 1], under the sheet's name: "step" for the plain one.
struct SampleSheet {
  std::string name;
  torch::Tensor images;
};

/// What a training loop trains: a family's networks and optimisers, and how they take a step. The loop (loop.h) counts,
/// saves, reports and stops; it knows no family.
class Learner {
 public:
  Learner() = default;
  Learner(const Learner&) = delete;
  Learner& operator=(const Learner&) = delete;
  virtual ~Learner() = default;

  /// Takes step `step`, counted from 0. All that is random in it is a function of the run's seed and the step. The
  /// first of the figures is "loss". Throws Error{internal} where the training has diverged.
  virtual std::vector<Figure> step(std::int64_t step) = 0;
  /// What the last step gave a person reason to know, each with what to try.
  virtual std::vector<std::string> warnings() { return {}; }
  /// All that has to be kept besides the number of steps for the weights to go on bit for bit (figures of phases that
  /// are not in every step begin anew). Always the same names and shapes in the same order.
  [[nodiscard]] virtual std::vector<StateTensor> state() const = 0;
  /// Those of the state that are weights: what another training may begin with.
  [[nodiscard]] virtual std::vector<StateTensor> weights() const = 0;
  /// Called when the state has been filled from a checkpoint after so many steps.
  virtual void resumed(std::int64_t steps) = 0;
  /// Samples of the averaged weights. Shows its progress on the monitor and throws Error{stopped} where that asks for a
  /// stop.
  virtual std::vector<SampleSheet> samples(Monitor& monitor) = 0;
};

/// The parameters of a module, under prefix and name.
template <class Module>
void append_parameters(std::vector<StateTensor>& state, const std::string& prefix, const Module& module) {
  for (const auto& item : module.named_parameters()) state.push_back({prefix + item.key(), item.value()});
}

}  // namespace nodulus::train
