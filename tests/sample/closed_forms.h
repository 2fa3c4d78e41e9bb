#pragma once

#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <vector>

#include "nodulus/core/seed.h"
#include "nodulus/process/denoiser.h"
#include "nodulus/sample/sampler.h"

/// Data whose denoiser is known, for the tests of the samplers.
namespace nodulus::sample::closed_forms {

/// D(x; sigma) = m + s^2 / (s^2 + sigma^2) (x - m): independent pixels N(m, s^2).
inline process::Denoiser gaussian(double mean, double deviation) {
  return [=](const torch::Tensor& x, const torch::Tensor& sigma) {
    const torch::Tensor s2 = torch::full({1}, deviation * deviation, torch::kDouble);
    return mean + s2 / (s2 + sigma.square()).view({-1, 1, 1, 1}) * (x - mean);
  };
}

/// N(m, Q diag(lambda) Q^T) of whole images of D pixels: m [D], lambda [D], Q [D, D].
inline process::Denoiser gaussian(const torch::Tensor& mean, const torch::Tensor& lambda, const torch::Tensor& Q) {
  return [=](const torch::Tensor& x, const torch::Tensor& sigma) {
    const torch::Tensor shrink = lambda / (lambda + sigma.square().view({-1, 1}));
    const torch::Tensor apart = (x.flatten(1) - mean).matmul(Q);
    return (mean + (apart * shrink).matmul(Q.t())).view(x.sizes());
  };
}

/// Isotropic Gaussians in D dimensions, an image of D pixels each.
struct Mixture {
  std::vector<double> weights;
  std::vector<std::vector<double>> means;
  std::vector<double> variances;
};

/// The mixture's D, image by image in plain loops, so that an image's answer cannot depend on its batch:
/// D = sum_k w_k (m_k + v_k / (v_k + sigma^2) (x - m_k)), w_k the posterior weights.
inline process::Denoiser mixture(const Mixture& of) {
  return [of](const torch::Tensor& x, const torch::Tensor& sigma) {
    const torch::Tensor rows = x.flatten(1).contiguous();
    torch::Tensor clean = torch::zeros_like(rows);
    const auto D = static_cast<std::size_t>(rows.size(1));
    for (std::int64_t i = 0; i < rows.size(0); ++i) {
      const double* at = rows.data_ptr<double>() + i * rows.size(1);
      const double s = sigma.data_ptr<double>()[sigma.numel() == 1 ? 0 : i];
      std::vector<double> logs;
      for (std::size_t k = 0; k < of.weights.size(); ++k) {
        double square = 0;
        for (std::size_t d = 0; d < D; ++d) square += std::pow(at[d] - of.means[k][d], 2);
        const double total = of.variances[k] + s * s;
        logs.push_back(std::log(of.weights[k]) - static_cast<double>(D) / 2 * std::log(total) - square / (2 * total));
      }
      const double largest = *std::max_element(logs.begin(), logs.end());
      double sum = 0;
      for (const double value : logs) sum += std::exp(value - largest);
      for (std::size_t k = 0; k < logs.size(); ++k) {
        const double weight = std::exp(logs[k] - largest) / sum;
        const double shrink = of.variances[k] / (of.variances[k] + s * s);
        for (std::size_t d = 0; d < D; ++d)
          clean.data_ptr<double>()[i * rows.size(1) + static_cast<std::int64_t>(d)] +=
              weight * (of.means[k][d] + shrink * (at[d] - of.means[k][d]));
      }
    }
    return clean.view(x.sizes());
  };
}

/// That of sampler_golden.py.
inline Mixture two_gaussians() { return {{0.4, 0.6}, {{0.5, -0.2}, {-0.6, 0.3}}, {0.05, 0.1}}; }

/// n + 1 levels, evenly spread in ln(sigma) from `highest` to `lowest`, then 0.
inline std::vector<double> log_levels(int n, double highest, double lowest) {
  std::vector<double> levels;
  for (int i = 0; i < n; ++i) levels.push_back(highest * std::pow(lowest / highest, static_cast<double>(i) / (n - 1)));
  levels.push_back(0);
  return levels;
}

inline torch::Tensor normal(std::vector<std::int64_t> shape, std::uint64_t stream) {
  torch::Tensor z = torch::empty(shape);
  RandomStream(42, stream).fill_normal({z.data_ptr<float>(), static_cast<std::size_t>(z.numel())});
  return z.to(torch::kDouble);
}

/// A sampler of the catalog with these settings, {"heun.s_churn": 2}.
inline std::unique_ptr<Sampler> made(std::string_view name, const nlohmann::json& settings = nlohmann::json::object()) {
  std::unique_ptr<Sampler> result = sampler(name).make();
  Options options;
  result->describe(options);
  options.read_json(settings, "test");
  return result;
}

}  // namespace nodulus::sample::closed_forms
