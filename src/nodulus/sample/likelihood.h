#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "nodulus/process/process.h"
#include "nodulus/sample/dormand_prince.h"

namespace nodulus::sample {

struct LikelihoodOptions {
  OdeTolerance tolerance;
  int probes = 1;  ///< Random directions an image in which the divergence is measured.
};

struct Likelihoods {
  std::vector<double> log_density;        ///< ln p of each image, nats, in the model's scale.
  std::vector<std::int64_t> evaluations;  ///< Of the network, each image.
};

/// The exact log-likelihood of images under a diffusion model (Song et al. 2021, arXiv 2011.13456, section 4.3 and
/// appendix D.2). The probability-flow ODE in the unscaled form, dx/du = x - D(x; e^u) with u = ln(sigma), takes an
/// image from the lowest level to the highest, and
///   ln p(x_low) = ln N(x_high; 0, prior_deviation^2) + integral of div(x - D) du                     (eq. 39)
/// The divergence is Hutchinson's estimate e^T J e with e of independent signs (Skilling 1989; Hutchinson 1990), e a
/// function of the image's seed and the same all the way, as in the paper. `images` [N, C, H, W] float64 are taken as
/// they are for x_low. The denoiser must be differentiable in x. Throws what dormand_prince() throws, and
/// Error{bad_input} with the noise level where the denoiser answers with what is not finite.
Likelihoods log_likelihood(const process::Denoiser& denoiser, const torch::Tensor& images, process::NoiseRange range,
                           double prior_deviation, std::span<const std::uint64_t> seeds,
                           const LikelihoodOptions& options, const std::function<void(double share)>& on_progress);

/// Images [N, C, H, W] in [-1, 1] as pictures of 256 grey levels, each level spread evenly over its width (uniform
/// dequantisation), by each image's seed.
torch::Tensor dequantized(const torch::Tensor& images, std::span<const std::uint64_t> seeds);

/// Bits a channel and pixel that a picture of 256 grey levels costs under the model, from ln p in the scale [-1, 1],
/// where a level is 1/128 wide: the literature's figure. `dimensions`: C H W.
double bits_per_dimension(double log_density, std::int64_t dimensions);

}  // namespace nodulus::sample
