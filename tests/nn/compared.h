#pragma once

#include <torch/types.h>

#include <cmath>

namespace nodulus::nn {

/// |found - expected| / |expected|, of all numbers together.
inline double relative(const torch::Tensor& found, const torch::Tensor& expected) {
  const torch::Tensor truth = expected.to(torch::kDouble);
  return ((found.to(torch::kDouble) - truth).norm() / (truth.norm() + 1e-30)).item<double>();
}

/// [1, 2, 3]: turned by `angle`, scaled by `scale`, moved by (x, y) pixels: where pixels come from.
inline torch::Tensor inverse_of(double angle, double scale, double x, double y) {
  return torch::tensor({std::cos(angle) / scale, std::sin(angle) / scale, -x, -std::sin(angle) / scale,
                        std::cos(angle) / scale, -y},
                       torch::kDouble)
      .view({1, 2, 3});
}

}  // namespace nodulus::nn
