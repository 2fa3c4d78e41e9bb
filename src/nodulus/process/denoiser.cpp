#include "nodulus/process/denoiser.h"

namespace nodulus::process {

Denoiser counted(Denoiser denoiser, std::int64_t& evaluations) {
  return [denoiser = std::move(denoiser), &evaluations](const torch::Tensor& x, const torch::Tensor& sigma) {
    evaluations += x.size(0);
    return denoiser(x, sigma);
  };
}

Denoiser guided(Denoiser asked, Denoiser any, const Guidance& guidance) {
  return [asked = std::move(asked), any = std::move(any), guidance](const torch::Tensor& x,
                                                                    const torch::Tensor& sigma) {
    const torch::Tensor within = (sigma >= guidance.low) & (sigma <= guidance.high);
    torch::Tensor with_labels = asked(x, sigma);
    if (!within.any().item<bool>()) return with_labels;
    const torch::Tensor without = any(x, sigma);
    return torch::where(within.view({-1, 1, 1, 1}), without + guidance.weight * (with_labels - without), with_labels);
  };
}

Denoiser clamped(Denoiser denoiser) {
  return [denoiser = std::move(denoiser)](const torch::Tensor& x, const torch::Tensor& sigma) {
    const torch::Tensor clean = denoiser(x, sigma);
    return torch::where(clean.isfinite(), clean.clamp(-1.0, 1.0), clean);
  };
}

}  // namespace nodulus::process
