#pragma once

#include <torch/types.h>

#include "nodulus/sample/levels.h"

namespace nodulus::sample {

/// A step between two noise levels in the time and the scale of an SDE, where x_t = s(t) x.
struct OwnScale {
  double t_from;
  double t_to;
  double s_from;  ///< s(t_from)
  double s_to;    ///< s(t_to)
};

/// The SDE of `input`. Throws Error{internal} where there is none.
const process::Sde& sde_of(const SamplerInput& input);

OwnScale own_scale(const process::Sde& sde, double sigma_from, double sigma_to);

/// The gradient of ln p_t at x_t = s x, from D at x: (s D - x_t) / (s sigma)^2. The posterior mean and the score are
/// the same thing (Karras et al. 2022, arXiv 2206.00364, eq. 3, here with a scale).
torch::Tensor score(const torch::Tensor& x_t, const torch::Tensor& clean, double s, double sigma);

}  // namespace nodulus::sample
