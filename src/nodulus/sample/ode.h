#pragma once

#include "nodulus/sample/dormand_prince.h"
#include "nodulus/sample/sampler.h"

namespace nodulus::sample {

/// The probability-flow ODE (Song et al. 2021, arXiv 2011.13456, eq. 13) in Karras et al.'s unscaled form (arXiv
/// 2206.00364, eq. 1), over u = ln(sigma):
///   dx/du = x - D(x; e^u)
/// from the highest level of input.sigmas to the lowest above 0, then D. The SDE's time and scale drop out: all SDEs
/// with the same noise levels have this one ODE. ln(sigma) is chosen because x - D has no singularity there and its
/// features are about as wide at every level, so that steps differ little in size. A relative tolerance means the same
/// in every scale; atol is that of images in [-1, 1]. Each image has steps of its own.
/// Throws what dormand_prince() throws.
torch::Tensor ode(const SamplerInput& input, const OdeTolerance& tolerance);

}  // namespace nodulus::sample
