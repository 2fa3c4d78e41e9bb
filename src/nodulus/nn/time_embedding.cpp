#include "nodulus/nn/time_embedding.h"

#include <cmath>
#include <numbers>

#include "nodulus/core/seed.h"

namespace nodulus::nn {

torch::Tensor sinusoidal_embedding(const torch::Tensor& t, std::int64_t dim) {
  TORCH_CHECK(t.dim() == 1 && dim >= 4 && dim % 2 == 0,
              "[sinusoidal_embedding] t must be [N] and dim even and >= 4. Received ", t.sizes(), " and ", dim, ".");
  const std::int64_t half = dim / 2;
  const double step = -std::log(10000.0) / static_cast<double>(half - 1);
  const auto options = torch::TensorOptions().dtype(torch::kFloat).device(t.device());
  // type_as changes nothing here; in an exported graph, which keeps the device of arange, it goes to that of t.
  const torch::Tensor numbers = t.to(torch::kFloat);
  const torch::Tensor frequencies = torch::exp(torch::arange(half, options).type_as(numbers) * step);
  const torch::Tensor angles = numbers.unsqueeze(1) * frequencies.unsqueeze(0);
  return torch::cat({torch::sin(angles), torch::cos(angles)}, 1);
}

torch::Tensor cosine_first_embedding(const torch::Tensor& t, std::int64_t dim) {
  TORCH_CHECK(t.dim() == 1 && dim >= 2 && dim % 2 == 0,
              "[cosine_first_embedding] t must be [N] and dim even and >= 2. Received ", t.sizes(), " and ", dim, ".");
  const std::int64_t half = dim / 2;
  const auto options = torch::TensorOptions().dtype(torch::kFloat).device(t.device());
  const torch::Tensor numbers = t.to(torch::kFloat);
  const torch::Tensor frequencies =
      torch::exp(torch::arange(half, options).type_as(numbers) * -std::log(10000.0) / static_cast<double>(half));
  const torch::Tensor angles = numbers.unsqueeze(1) * frequencies.unsqueeze(0);
  return torch::cat({torch::cos(angles), torch::sin(angles)}, 1);
}

FourierFeaturesImpl::FourierFeaturesImpl(std::int64_t dim, double scale, const std::vector<double>& given) {
  TORCH_CHECK(dim >= 2 && dim % 2 == 0, "[FourierFeatures] dim must be even and >= 2. Received ", dim, ".");
  if (!given.empty()) {
    TORCH_CHECK(static_cast<std::int64_t>(given.size()) == dim / 2, "[FourierFeatures] expected ", dim / 2,
                " frequencies. Received ", given.size(), ".");
    frequencies_ = register_buffer("frequencies", torch::tensor(given, torch::kDouble).to(torch::kFloat));
    return;
  }
  // Box-Muller in float64: on every machine the same floats, whatever its float32 logarithm.
  std::vector<float> uniform(static_cast<std::size_t>((dim / 2 + 1) / 2 * 2));
  RandomStream(derive_seed(0, "fourier frequencies")).fill_uniform(uniform);
  frequencies_ = torch::empty({dim / 2});
  auto* const frequencies = frequencies_.data_ptr<float>();
  for (std::int64_t i = 0; i < dim / 2; ++i) {
    const std::size_t pair = static_cast<std::size_t>(i) / 2 * 2;
    const double radius = std::sqrt(-2 * std::log(1.0 - uniform[pair]));
    const double angle = 2 * std::numbers::pi * uniform[pair + 1];
    frequencies[i] = static_cast<float>(scale * radius * (i % 2 == 0 ? std::cos(angle) : std::sin(angle)));
  }
  register_buffer("frequencies", frequencies_);
}

torch::Tensor FourierFeaturesImpl::forward(const torch::Tensor& t) {
  TORCH_CHECK(t.dim() == 1, "[FourierFeatures] t must be [N]. Received ", t.sizes(), ".");
  // float32 in this order, as the authors' code has it: at the largest angles, some 1000, another order would differ
  // by 1e-4 from what their weights were trained on.
  const torch::Tensor angles = t.to(torch::kFloat).unsqueeze(1) * frequencies_.unsqueeze(0) * (2 * std::numbers::pi);
  return torch::cat({torch::sin(angles), torch::cos(angles)}, 1);
}

}  // namespace nodulus::nn
