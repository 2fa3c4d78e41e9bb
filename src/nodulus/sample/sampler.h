#pragma once

#include <torch/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <ostream>
#include <span>
#include <string_view>

#include "nodulus/core/options.h"
#include "nodulus/process/denoiser.h"
#include "nodulus/process/sde.h"
#include "nodulus/sample/schedule.h"

namespace nodulus::sample {

/// Standard normal noise number i, of the shape and type of x: the same i gives the same noise.
using StepNoise = std::function<torch::Tensor(std::int64_t number)>;

/// Called after each step with the number done and in all; may throw Error{stopped}.
using OnStep = std::function<void(std::int64_t done, std::int64_t total)>;

/// What every sampler starts from. All tensors are float64.
struct SamplerInput {
  process::Denoiser denoiser;
  /// The denoiser of some of the images, x[rows], where they are asked for by different labels; empty: all are alike.
  std::function<process::Denoiser(const torch::Tensor& rows)> denoiser_of;
  torch::Tensor x;                    ///< [N, C, H, W], noise at level sigmas[0].
  std::span<const double> sigmas;     ///< Descending noise levels, the last 0.
  const process::Sde* sde = nullptr;  ///< For the samplers that follow an SDE; the model's own.
  StepNoise noise;                    ///< Used by stochastic samplers only.
  OnStep on_step = [](std::int64_t, std::int64_t) {};
};

/// A sampler with its settings. It sees the unscaled image, so a step of an SDE with a scale s(t) goes through x s(t).
class Sampler {
 public:
  Sampler() = default;
  Sampler(const Sampler&) = delete;
  Sampler& operator=(const Sampler&) = delete;
  virtual ~Sampler() = default;

  /// Adds the settings that a user may choose, under one section of keys.
  virtual void describe(Options& options) = 0;
  /// Network evaluations an image for `steps` steps; 0 where they are known only afterwards.
  [[nodiscard]] virtual std::int64_t evaluations(std::int64_t steps) const = 0;
  /// True where its settings add noise to a sampler that has none by itself.
  [[nodiscard]] virtual bool adds_noise() const { return false; }
  /// Clean images, [N, C, H, W]. Image i is a function of x[i], its noise and the settings, not of the other images.
  /// Throws Error{bad_input} naming the step and the noise level where the denoiser answers with what is not finite.
  [[nodiscard]] virtual torch::Tensor run(const SamplerInput& input) const = 0;
};

/// A row of the catalog.
struct SamplerRow {
  std::string_view name;
  std::string_view summary;
  int order;  ///< Of convergence: of the deterministic part, in the size of the steps.
  bool stochastic;
  int default_steps;
  std::string_view evaluations;  ///< For n steps, in words: "n", "2n - 1".
  Schedule schedule;             ///< The noise levels that it is usually run with.
  bool clips;                    ///< Usually run with the denoiser's answer clipped to [-1, 1].
  std::unique_ptr<Sampler> (*make)();
};

/// For messages and test reports.
inline std::ostream& operator<<(std::ostream& stream, const SamplerRow& row) { return stream << row.name; }

std::span<const SamplerRow> samplers();

/// Throws Error{usage} naming the samplers there are.
const SamplerRow& sampler(std::string_view name);

}  // namespace nodulus::sample
