#pragma once

#include "nodulus/sample/sampler.h"

namespace nodulus::sample {

/// The function B(h) of UniPC: h, or e^h - 1.
enum class UnipcVariant { bh1, bh2 };

struct UnipcOptions {
  int order = 3;  ///< p of UniPC-p, 1 to 3.
  UnipcVariant variant = UnipcVariant::bh2;
};

/// UniPC-p, Zhao et al. 2023 (arXiv 2302.04867), algorithms 1 and 2 with data prediction, in the unscaled form
/// of Denoiser, where lambda = -ln sigma. From level s to r < s, with h = lambda_r - lambda_s, D_m the denoiser's
/// answer m levels before s and r_m = (lambda_m - lambda_s) / h:
///   linear    l = (r / s) x + (1 - e^-h) D_0
///   predictor x' = l - B(-h) sum_{m=1}^{p-1} rho_m (D_m - D_0) / r_m
///   corrector x~ = l - B(-h) (sum_{m=1}^{p-1} rho~_m (D_m - D_0) / r_m + rho~_p (D(x'; r) - D_0))
/// where rho solves sum_m r_m^(k-1) rho_m = k! (-h) phi_{k+1}(-h) / B(-h), k = 1 .. p (with r_p = 1 for the corrector,
/// k < p for the predictor); with one unknown it is 1/2. The corrector takes the D that the next step needs anyway: one
/// evaluation a step. p grows from 1 in the first steps and falls back to 1 towards the last, as published.
/// The step to 0 returns D.
torch::Tensor unipc(const SamplerInput& input, const UnipcOptions& options);

}  // namespace nodulus::sample
