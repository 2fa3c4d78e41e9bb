#pragma once

#include "nodulus/sample/sampler.h"

namespace nodulus::sample {

/// How a region is made to fit what surrounds it:
///   replacement  at each level the surroundings are the known image with fresh noise of that level (Song et al. 2021,
///                arXiv 2011.13456, appendix I.2; Lugmayr et al. 2022, arXiv 2201.09865, eq. 8);
///   repaint      the same, and the way down goes back up again and again, so that region and surroundings get to know
///                each other (Lugmayr et al., algorithm 1 with the jumps of appendix B).
enum class InpaintMethod { replacement, repaint };

/// The published setting of repaint.
struct InpaintOptions {
  InpaintMethod method = InpaintMethod::repaint;
  int resamplings = 10;  ///< r: how often each stretch is gone down.
  int jump_length = 10;  ///< j: levels that a jump goes back up.
};

/// Makes a region of a known image anew. known: clean images, as input.x [N, C, H, W]; region: bool, true where new,
/// broadcast against it. Steps are ancestral ones with the posterior's variance; a jump from level r up to s adds noise
/// of variance s^2 - r^2. Outside the region the result is `known` exactly. on_step counts the way down and the ways
/// back, as inpaint_steps() does. Throws Error{usage} for options < 1.
torch::Tensor inpaint(const SamplerInput& input, const torch::Tensor& known, const torch::Tensor& region,
                      const InpaintOptions& options);

/// Downward steps, which are evaluations an image, for `levels` noise levels above 0.
std::int64_t inpaint_steps(std::int64_t levels, const InpaintOptions& options);

}  // namespace nodulus::sample
