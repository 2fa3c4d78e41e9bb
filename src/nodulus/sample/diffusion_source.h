#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "nodulus/models/network.h"
#include "nodulus/process/process.h"
#include "nodulus/sample/image_source.h"
#include "nodulus/sample/inpaint.h"
#include "nodulus/sample/sampler.h"

namespace nodulus::sample {

/// Everything that turns a trained diffusion network into images. The pointers are shared with the caller.
struct DiffusionParts {
  std::shared_ptr<models::Network> network;
  std::shared_ptr<const process::Process> process;
  std::shared_ptr<const Sampler> sampler;
  int steps = 50;
  ScheduleOptions schedule;
  bool clip = true;  ///< Clip the denoiser's answer to [-1, 1], where every clean image lies.
  int channels = 1;
  int resolution = 64;
  torch::Device device = torch::kCPU;
  bool bfloat16 = false;
  process::Guidance guidance;  ///< Towards the labels that are asked for.
  OnStep on_step = [](std::int64_t, std::int64_t) {};
  /// Sees what the denoiser is asked; may be empty.
  std::function<void(const torch::Tensor& x, double sigma)> on_question;
};

/// Images by a sampler over a denoiser. Noise for (image seed, step) is a function of those two, and all images of a
/// batch share the noise level, so that a batch is no more than its images side by side.
class DiffusionSource final : public ImageSource {
 public:
  /// Puts the network into evaluation mode on the device. Throws Error{usage} for a number of steps that the process
  /// cannot take.
  explicit DiffusionSource(DiffusionParts parts);

  torch::Tensor images(std::span<const std::uint64_t> seeds, const torch::Tensor& labels) override;

  /// Images on the way between those of two seeds, one for each weight in [0, 1]: the sampler starts from the spherical
  /// interpolation of their noise. Weight 0 gives the image of `from`, and 1, by a
  /// deterministic sampler, that of `to`; noise that the sampler draws on its way is `from`'s. Shape and scale as
  /// images().
  torch::Tensor between(std::uint64_t from, std::uint64_t to, std::span<const double> weights,
                        const torch::Tensor& labels);

  /// Regions of known images made anew (sample/inpaint.h), by ancestral steps whatever the sampler. known [1 or N, C,
  /// H, W] in [-1, 1]; region bool, true where new, broadcast against it.
  torch::Tensor inpainted(std::span<const std::uint64_t> seeds, const torch::Tensor& known, const torch::Tensor& region,
                          const InpaintOptions& options, const torch::Tensor& labels);

  /// Network evaluations of the last images(), an image; their mean, rounded, where a sampler takes its own number.
  [[nodiscard]] std::int64_t evaluations() const { return evaluations_an_image_; }

 private:
  [[nodiscard]] torch::Tensor noise(std::span<const std::uint64_t> seeds, std::uint64_t stream) const;
  /// All but x, with the noise of these seeds.
  [[nodiscard]] SamplerInput input_of(std::span<const std::uint64_t> seeds, const torch::Tensor& labels);
  /// What samplers ask, for images of these labels.
  [[nodiscard]] process::Denoiser denoiser(const torch::Tensor& labels);
  torch::Tensor finished(const torch::Tensor& images);

  DiffusionParts parts_;
  std::vector<double> sigmas_;
  std::int64_t evaluations_ = 0;
  std::int64_t evaluations_an_image_ = 0;
};

}  // namespace nodulus::sample
