#include "nodulus/sample/inpaint.h"

#include <fmt/format.h>

#include <cmath>

#include "nodulus/core/error.h"
#include "nodulus/sample/ancestral.h"

namespace nodulus::sample {

using torch::Tensor;

namespace {

/// The levels in the order in which they are visited, as indices into input.sigmas: 0 first, the last level last. It
/// jumps back when it has come to the level that lies 1, 1 + j, 1 + 2j, ... above the last, r - 1 times each.
std::vector<std::int64_t> visits(std::int64_t levels, const InpaintOptions& options) {
  if (options.resamplings < 1 || options.jump_length < 1)
    throw Error(ErrorCode::usage, fmt::format("inpaint: expected resamplings and jump length >= 1, found {} and {}",
                                              options.resamplings, options.jump_length));
  const std::int64_t j = options.jump_length;
  if (options.method == InpaintMethod::repaint && options.resamplings > 1 && 1 + j > levels)
    throw Error(
        ErrorCode::usage,
        fmt::format("inpaint: expected more than {} steps, for jumps of {} (--jump-length); found {}", j, j, levels));
  std::vector<std::int64_t> left(static_cast<std::size_t>(levels) + 1, 0);  // jumps, by levels above the last
  if (options.method == InpaintMethod::repaint)
    for (std::int64_t above = 1; above + j <= levels; above += j)
      left[static_cast<std::size_t>(above)] = options.resamplings - 1;
  std::vector<std::int64_t> order{0};
  for (std::int64_t above = levels; above > 0;) {
    order.push_back(levels - --above);
    auto& jumps = left[static_cast<std::size_t>(above)];
    if (jumps == 0) continue;
    --jumps;
    above += j;
    order.push_back(levels - above);
  }
  return order;
}

}  // namespace

std::int64_t inpaint_steps(std::int64_t levels, const InpaintOptions& options) {
  const std::vector<std::int64_t> order = visits(levels, options);
  std::int64_t steps = 0;
  for (std::size_t i = 1; i < order.size(); ++i) steps += order[i] > order[i - 1] ? 1 : 0;
  return steps;
}

Tensor inpaint(const SamplerInput& input, const Tensor& known, const Tensor& region, const InpaintOptions& options) {
  const auto levels = static_cast<std::int64_t>(input.sigmas.size()) - 1;
  const std::vector<std::int64_t> order = visits(levels, options);
  const std::int64_t steps = inpaint_steps(levels, options);
  std::int64_t draws = 0;
  // eq. 8a outside the region, x within.
  auto with_known = [&](const Tensor& x, double sigma) {
    return torch::where(region, x, sigma > 0 ? known + sigma * input.noise(draws++) : known);
  };
  Tensor x = with_known(input.x, input.sigmas.front());
  std::int64_t done = 0;
  for (std::size_t i = 1; i < order.size(); ++i) {
    const double from = input.sigmas[static_cast<std::size_t>(order[i - 1])];
    const double to = input.sigmas[static_cast<std::size_t>(order[i])];
    if (order[i] < order[i - 1]) {  // algorithm 1, line 10, for all levels of the jump at once
      x = x + std::sqrt(to * to - from * from) * input.noise(draws++);
      continue;
    }
    const Tensor clean = denoised(input, x, from, order[i - 1]);
    if (to == 0) {
      x = clean;
    } else {
      const double c = std::sqrt(posterior_variance(from, to));
      x = ancestral_step({x, clean, from, to, order[i - 1]}, c, input.noise(draws++));  // eq. 8b
    }
    x = with_known(x, to);  // eq. 8c
    input.on_step(++done, steps);
  }
  return x;
}

}  // namespace nodulus::sample
