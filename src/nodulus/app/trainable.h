#pragma once

#include <memory>
#include <string>
#include <vector>

#include "nodulus/core/options.h"
#include "nodulus/data/dataset.h"
#include "nodulus/data/loader.h"
#include "nodulus/train/loop.h"

namespace nodulus::app {

/// A family as train sees it: its settings, and what it makes of them.
class Trainable {
 public:
  Trainable() = default;
  Trainable(const Trainable&) = delete;
  Trainable& operator=(const Trainable&) = delete;
  virtual ~Trainable() = default;

  /// Adds the settings that only this kind of family has.
  virtual void describe(Options& options) = 0;
  /// Fits the networks to the loader's images and gives `settings` the family's numbers where they are 0. Throws
  /// Error{usage} where the settings make no network, or no training.
  virtual void fit(const data::Loader& loader, train::TrainOptions& settings) = 0;
  [[nodiscard]] virtual std::int64_t parameter_count() const = 0;
  /// FLOP of a training step.
  [[nodiscard]] virtual double step_flop(const train::TrainOptions& settings) const = 0;
  [[nodiscard]] virtual std::unique_ptr<train::Learner> learner(const data::Loader& loader,
                                                                const train::TrainOptions& settings,
                                                                torch::Device device) const = 0;
};

/// Names of all families that can be trained.
std::vector<std::string> trainable_families();

/// `process`: of a diffusion family, another than its own; "": that. Throws Error{usage} for what there is not.
std::unique_ptr<Trainable> make_trainable(const std::string& family, const std::string& process);

std::unique_ptr<Trainable> make_trainable_diffusion(const std::string& family, const std::string& process);
std::unique_ptr<Trainable> make_trainable_gan();

}  // namespace nodulus::app
