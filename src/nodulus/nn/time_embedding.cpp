#include "nodulus/nn/time_embedding.h"

#include <cmath>

namespace nodulus::nn {

torch::Tensor sinusoidal_embedding(const torch::Tensor& t, std::int64_t dim) {
  TORCH_CHECK(t.dim() == 1 && dim >= 4 && dim % 2 == 0,
              "[sinusoidal_embedding] t must be [N] and dim even and >= 4. Received ", t.sizes(), " and ", dim, ".");
  const std::int64_t half = dim / 2;
  const double step = -std::log(10000.0) / static_cast<double>(half - 1);
  const auto options = torch::TensorOptions().dtype(torch::kFloat).device(t.device());
  const torch::Tensor frequencies = torch::exp(torch::arange(half, options) * step);
  const torch::Tensor angles = t.to(torch::kFloat).unsqueeze(1) * frequencies.unsqueeze(0);
  return torch::cat({torch::sin(angles), torch::cos(angles)}, 1);
}

}  // namespace nodulus::nn
