#pragma once

#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "nodulus/core/noise_labels.h"
#include "nodulus/core/options.h"
#include "nodulus/process/denoiser.h"
#include "nodulus/process/preconditioning.h"
#include "nodulus/process/sde.h"

namespace nodulus::process {

/// What a training step draws for its images, each a function of the image's sample number alone.
struct TrainingDraw {
  torch::Tensor noise;    ///< Standard normal, [N, C, H, W] float32.
  torch::Tensor uniform;  ///< U[0, 1), [N] float64: chooses the noise level.
};

/// Noise levels from which a sampler starts and where it ends, short of 0.
struct NoiseRange {
  double lowest = 0;
  double highest = 0;
};

/// A diffusion process with the preconditioning and loss of a network trained in it.
class Process {
 public:
  Process() = default;
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;
  virtual ~Process() = default;

  /// Adds the settings that a user may choose, under one section of keys.
  virtual void describe(Options& options) = 0;
  /// Called once the settings are final. `labels`: the form of c_noise that the architecture embeds. Throws
  /// Error{usage} for settings that make no process.
  virtual void prepare(NoiseLabels labels) = 0;
  /// The loss of each image, [N]: averaged over channels and pixels unless a setting says otherwise.
  [[nodiscard]] virtual torch::Tensor loss(const NetworkFunction& network, const torch::Tensor& clean,
                                           const TrainingDraw& draw) const = 0;
  /// At one noise level > 0.
  [[nodiscard]] virtual Preconditioning preconditioning(double sigma) const = 0;
  /// The process must outlive what it gives.
  [[nodiscard]] Denoiser denoiser(NetworkFunction network) const;
  /// Descending noise levels for a sampler of `steps` steps: steps values > 0, then 0. Throws Error{usage} where the
  /// process has fewer levels than that.
  [[nodiscard]] virtual std::vector<double> noise_levels(int steps) const = 0;
  /// The largest number of steps that noise_levels() can give.
  [[nodiscard]] virtual int most_steps() const = 0;
  /// The noise levels that the network was trained for, as far as sampling needs them.
  [[nodiscard]] virtual NoiseRange noise_range() const = 0;
  /// The noise levels between which likelihoods are integrated: as near to clean as the network was trained.
  [[nodiscard]] virtual NoiseRange likelihood_range() const { return noise_range(); }
  /// Deviation of the sampler's first image: x = prior_deviation() * normal.
  [[nodiscard]] virtual double prior_deviation() const = 0;
  /// The SDE that the process is, or whose steps it is: what the samplers that go by an SDE follow.
  [[nodiscard]] virtual const Sde& sde() const = 0;
};

/// A row of the catalog: `name` is what models::Family::process refers to.
struct ProcessRow {
  std::string_view name;
  std::string_view summary;
  std::unique_ptr<Process> (*make)();
};

std::span<const ProcessRow> processes();

/// Throws Error{usage} naming the processes there are.
std::unique_ptr<Process> make_process(std::string_view name);

}  // namespace nodulus::process
