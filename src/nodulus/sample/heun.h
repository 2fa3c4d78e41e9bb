#pragma once

#include "nodulus/sample/sampler.h"

namespace nodulus::sample {

/// The settings of Karras et al. 2022's algorithm 2.
struct HeunOptions {
  double S_churn = 0;    ///< How much noise is added on the way, over all steps; 0: deterministic.
  double S_tmin = 0;     ///< Noise is added at levels from here
  double S_tmax = 1e10;  ///< to here: at first, everywhere.
  double S_noise = 1;    ///< Deviation of what is added, against what its level asks for.
};

/// Heun's rule with churn (Karras et al. 2022, arXiv 2206.00364, algorithm 2; algorithm 1 for S_churn = 0). From level
/// s to r < s, in n steps:
///   g = min(S_churn / n, sqrt(2) - 1) for S_tmin <= s <= S_tmax, else 0      line 4
///   s^ = s + g s                                                             line 5
///   x^ = x + sqrt(s^^2 - s^2) S_noise z                                      line 6
///   d = (x^ - D(x^; s^)) / s^,  x' = x^ + (r - s^) d                         lines 7, 8
///   d' = (x' - D(x'; r)) / r,   x' = x^ + (r - s^) (d + d') / 2              lines 10, 11
/// The last two where r > 0; the step to 0 is D(x^; s^).
torch::Tensor heun(const SamplerInput& input, const HeunOptions& options);

}  // namespace nodulus::sample
