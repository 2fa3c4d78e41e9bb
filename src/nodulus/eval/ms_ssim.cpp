#include "nodulus/eval/ms_ssim.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>
#include <vector>

#include "nodulus/core/error.h"
#include "nodulus/core/seed.h"
#include "nodulus/eval/sample.h"

namespace nodulus::eval {
namespace {

using torch::Tensor;

constexpr std::int64_t ssim_window = 11;
constexpr std::array<double, 5> ssim_weights = {0.0448, 0.2856, 0.3001, 0.2363, 0.1333};
constexpr std::int64_t pairs_at_a_time = 64;

/// Gaussian average of each plane, where the window fits: [N, 1, H, W] -> [N, 1, H - 10, W - 10].
Tensor ssim_blurred(const Tensor& x) {
  const Tensor at = torch::arange(ssim_window, torch::kFloat) - (ssim_window - 1) / 2.0;
  Tensor kernel = torch::exp(-at.square() / (2 * 1.5 * 1.5));
  kernel /= kernel.sum();
  return torch::conv2d(torch::conv2d(x, kernel.view({1, 1, -1, 1})), kernel.view({1, 1, 1, -1}));
}

/// Means over the image of luminance * structure, and of contrast and structure alone.
std::pair<Tensor, Tensor> ssim_terms(const Tensor& x, const Tensor& y) {
  constexpr double c1 = 0.01 * 0.01;
  constexpr double c2 = 0.03 * 0.03;
  const Tensor mean_x = ssim_blurred(x);
  const Tensor mean_y = ssim_blurred(y);
  const Tensor variance_x = ssim_blurred(x * x) - mean_x * mean_x;
  const Tensor variance_y = ssim_blurred(y * y) - mean_y * mean_y;
  const Tensor covariance = ssim_blurred(x * y) - mean_x * mean_y;
  const Tensor structure = (2 * covariance + c2) / (variance_x + variance_y + c2);
  const Tensor luminance = (2 * mean_x * mean_y + c1) / (mean_x * mean_x + mean_y * mean_y + c1);
  return {(luminance * structure).mean({1, 2, 3}), structure.mean({1, 2, 3})};
}

/// Of many pairs a few, where one drawn twice does not matter; of few pairs different ones.
std::vector<std::int64_t> pair_numbers(std::int64_t all, std::int64_t pairs, std::uint64_t seed) {
  constexpr std::int64_t many = 1'000'000;
  if (all <= many) return subset(all, pairs, seed);
  std::vector<std::int64_t> numbers(static_cast<std::size_t>(pairs));
  const RandomStream random(seed);
  for (std::size_t i = 0; i < numbers.size(); ++i)
    numbers[i] = static_cast<std::int64_t>(random.below(i, static_cast<std::uint64_t>(all)));
  return numbers;
}

}  // namespace

Tensor ms_ssim(const Tensor& x, const Tensor& y) {
  const std::int64_t side = std::min(x.size(1), x.size(2));
  if (side < ssim_window) throw Error(ErrorCode::usage, "MS-SSIM: expected images of 11x11 pixels or more");
  std::size_t scales = 1;
  while (scales < ssim_weights.size() && side >> scales >= ssim_window) ++scales;
  double total = 0;
  for (std::size_t i = 0; i < scales; ++i) total += ssim_weights.at(i);
  Tensor a = x.unsqueeze(1);
  Tensor b = y.unsqueeze(1);
  Tensor product = torch::ones({x.size(0)}, torch::kDouble);
  for (std::size_t i = 0; i < scales; ++i) {
    const auto [whole, structure] = ssim_terms(a, b);
    const Tensor term = (i + 1 == scales ? whole : structure).to(torch::kDouble).clamp_min(0);
    product = product * term.pow(ssim_weights.at(i) / total);
    a = torch::avg_pool2d(a, 2);
    b = torch::avg_pool2d(b, 2);
  }
  return product;
}

Tensor ms_ssim_of_pairs(const Tensor& x, std::int64_t pairs, std::uint64_t seed) {
  const std::int64_t n = x.size(0);
  if (n < 2) return torch::empty({0}, torch::kDouble);
  std::vector<std::int64_t> first;
  std::vector<std::int64_t> second;
  for (const std::int64_t pair : pair_numbers(n * (n - 1) / 2, pairs, seed)) {
    // Pair number to (i, j), i > j: i (i - 1) / 2 pairs come before row i.
    auto i = static_cast<std::int64_t>((1 + std::sqrt(1 + 8 * static_cast<double>(pair))) / 2);
    while (i * (i - 1) / 2 > pair) --i;
    while (i * (i + 1) / 2 <= pair) ++i;
    first.push_back(i);
    second.push_back(pair - i * (i - 1) / 2);
  }
  const torch::NoGradGuard no_grad;
  std::vector<Tensor> parts;
  const Tensor a = torch::tensor(first, torch::kLong);
  const Tensor b = torch::tensor(second, torch::kLong);
  parts.reserve(static_cast<std::size_t>(a.size(0) / pairs_at_a_time + 1));
  for (std::int64_t at = 0; at < a.size(0); at += pairs_at_a_time) {
    const std::int64_t count = std::min(pairs_at_a_time, a.size(0) - at);
    parts.push_back(ms_ssim(x.index_select(0, a.narrow(0, at, count)), x.index_select(0, b.narrow(0, at, count))));
  }
  return torch::cat(parts);
}

}  // namespace nodulus::eval
