#pragma once

#include <torch/nn/module.h>
#include <torch/types.h>

#include <cstdint>
#include <vector>

namespace nodulus::train {

struct AdamOptions {
  double beta1 = 0.9;
  double beta2 = 0.999;
  double eps = 1e-8;
  bool averages = true;  ///< False: no moving average is kept, and averages() are none.
};

/// Adam (Kingma & Ba 2015, algorithm 1) with clipping of the gradient's norm and an exponential moving average of the
/// weights, all in one pass over memory where parameters are float32 on the CPU.
class Adam {
 public:
  Adam(std::vector<torch::Tensor> parameters, const AdamOptions& options);

  struct StepOptions {
    double learning_rate = 0;
    double max_norm = 0;   ///< The gradient is scaled down to this norm; 0: never.
    double ema_decay = 0;  ///< average = decay * average + (1 - decay) * parameter
  };
  /// Takes a step with the parameters' gradients and clears those. Returns the gradient's norm before clipping; where
  /// that is not finite nothing is changed.
  double step(const StepOptions& options);

  /// The same by libtorch's own operations.
  double step_reference(const StepOptions& options);

  /// Into the parameters of a network like that which is trained.
  void copy_averages_to(const torch::nn::Module& network) const;

  [[nodiscard]] std::int64_t steps() const { return steps_; }
  void set_steps(std::int64_t steps) { steps_ = steps; }
  [[nodiscard]] const std::vector<torch::Tensor>& parameters() const { return parameters_; }
  [[nodiscard]] const std::vector<torch::Tensor>& first_moments() const { return first_; }
  [[nodiscard]] const std::vector<torch::Tensor>& second_moments() const { return second_; }
  [[nodiscard]] const std::vector<torch::Tensor>& averages() const { return averages_; }

 private:
  std::vector<torch::Tensor> parameters_;
  std::vector<torch::Tensor> first_;
  std::vector<torch::Tensor> second_;
  std::vector<torch::Tensor> averages_;
  AdamOptions options_;
  std::int64_t steps_ = 0;
};

}  // namespace nodulus::train
