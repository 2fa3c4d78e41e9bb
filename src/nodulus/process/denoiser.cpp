#include "nodulus/process/denoiser.h"

namespace nodulus::process {

Denoiser counted(Denoiser denoiser, std::int64_t& evaluations) {
  return [denoiser = std::move(denoiser), &evaluations](const torch::Tensor& x, const torch::Tensor& sigma) {
    evaluations += x.size(0);
    return denoiser(x, sigma);
  };
}

Denoiser clamped(Denoiser denoiser) {
  return [denoiser = std::move(denoiser)](const torch::Tensor& x, const torch::Tensor& sigma) {
    const torch::Tensor clean = denoiser(x, sigma);
    return torch::where(clean.isfinite(), clean.clamp(-1.0, 1.0), clean);
  };
}

}  // namespace nodulus::process
