#include "nodulus/sample/heun.h"

#include <algorithm>
#include <cmath>

#include "nodulus/sample/levels.h"

namespace nodulus::sample {

using torch::Tensor;

Tensor heun(const SamplerInput& input, const HeunOptions& options) {
  const double most = options.S_churn / static_cast<double>(input.sigmas.size() - 1);
  return down_levels(input, [&](const Tensor& x, const Level& level) {
    const double s = level.from;
    const double r = level.to;
    const bool churns = options.S_tmin <= s && s <= options.S_tmax;
    const double g = churns ? std::min(most, std::sqrt(2.0) - 1) : 0;  // line 4
    const double raised = s + g * s;                                   // line 5
    const double added = std::sqrt(raised * raised - s * s) * options.S_noise;
    const Tensor x_raised = g > 0 ? x + added * input.noise(level.number) : x;  // line 6
    Tensor clean = denoised(input, x_raised, raised, level.number);
    if (r == 0) return clean;
    const Tensor d = (x_raised - clean) / raised;                                      // line 7
    const Tensor x_euler = x_raised + (r - raised) * d;                                // line 8
    const Tensor d_euler = (x_euler - denoised(input, x_euler, r, level.number)) / r;  // line 10
    return x_raised + ((r - raised) / 2) * (d + d_euler);                              // line 11
  });
}

}  // namespace nodulus::sample
