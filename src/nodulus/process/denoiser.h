#pragma once

#include <torch/types.h>

#include <cstdint>
#include <functional>
#include <limits>

namespace nodulus::process {

/// D(x; sigma): the expected clean image given x = clean + sigma * noise (Karras et al. 2022, arXiv 2206.00364,
/// section 2). x [N, C, H, W] in float64, not scaled down as VP processes do it; sigma [1] or [N] in float64.
/// Returns [N, C, H, W] in float64.
using Denoiser = std::function<torch::Tensor(const torch::Tensor& x, const torch::Tensor& sigma)>;

/// F(x, c_noise): a network, float32 in and out; c_noise [1] or [N].
using NetworkFunction = std::function<torch::Tensor(const torch::Tensor& x, const torch::Tensor& c_noise)>;

/// The same denoiser, adding to `evaluations` the number of images each time it is asked. The counter must outlive the
/// result.
Denoiser counted(Denoiser denoiser, std::int64_t& evaluations);

/// Classifier-free guidance (Ho and Salimans 2022, arXiv 2207.12598, equation 6, in terms of D): any + weight (asked -
/// any), where `asked` knows the labels and `any` none. Between the noise levels low and high alone, beyond them
/// `asked` as it is (Kynkaanniemi et al. 2024, arXiv 2404.07724).
struct Guidance {
  double weight = 1;  ///< 1: none; above, what is asked for counts more.
  double low = 0;
  double high = std::numeric_limits<double>::infinity();
};
Denoiser guided(Denoiser asked, Denoiser any, const Guidance& guidance);

/// The same denoiser with its answer clamped to [-1, 1], where every clean image lies (Ho et al. 2020 clip so when
/// they sample). What is not finite stays, to be found.
Denoiser clamped(Denoiser denoiser);

}  // namespace nodulus::process
