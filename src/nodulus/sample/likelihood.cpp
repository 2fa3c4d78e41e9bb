#include "nodulus/sample/likelihood.h"

#include <fmt/format.h>
#include <torch/autograd.h>

#include <cmath>
#include <numbers>
#include <numeric>

#include "nodulus/core/error.h"
#include "nodulus/core/seed.h"

namespace nodulus::sample {

using torch::Tensor;

namespace {

/// U[0, 1) for each number of the images, image i by seeds[i].
Tensor uniform_like(const Tensor& images, std::span<const std::uint64_t> seeds, std::uint64_t stream) {
  Tensor u = torch::empty(images.sizes(), torch::kFloat);
  const auto one = static_cast<std::size_t>(images.numel() / std::max<std::int64_t>(images.size(0), 1));
  for (std::size_t i = 0; i < seeds.size(); ++i)
    RandomStream(seeds[i], stream).fill_uniform({u.data_ptr<float>() + i * one, one});
  return u.to(images.device(), torch::kDouble);
}

/// Sum of each row, in the order of its numbers: a sum of many may be cut otherwise on another number of threads.
Tensor row_sums(const Tensor& x) {
  const Tensor rows = x.cpu().contiguous();
  Tensor sums = torch::zeros({rows.size(0)}, torch::kDouble);
  for (std::int64_t i = 0; i < rows.size(0); ++i) {
    const double* const row = rows.data_ptr<double>() + i * rows.size(1);
    sums.data_ptr<double>()[i] = std::accumulate(row, row + rows.size(1), 0.0);
  }
  return sums.to(x.device());
}

/// Directions of independent signs, [N, D].
std::vector<Tensor> directions(const Tensor& images, std::span<const std::uint64_t> seeds, int probes) {
  std::vector<Tensor> signs;
  for (int k = 0; k < probes; ++k) {
    const Tensor u = uniform_like(images, seeds, static_cast<std::uint64_t>(k) + 1);
    signs.push_back(torch::where(u < 0.5, -torch::ones_like(u), torch::ones_like(u)).flatten(1));
  }
  return signs;
}

void require_finite_at(const Tensor& clean, double sigma) {
  if (!clean.isfinite().all().item<bool>())
    throw Error(
        ErrorCode::bad_input,
        fmt::format("the network answered with what is no number at sigma {:.4g}; expected finite values", sigma));
}

}  // namespace

Likelihoods log_likelihood(const process::Denoiser& denoiser, const Tensor& images, process::NoiseRange range,
                           double prior_deviation, std::span<const std::uint64_t> seeds,
                           const LikelihoodOptions& options, const std::function<void(double share)>& on_progress) {
  const std::int64_t count = images.size(0);
  const std::int64_t dimensions = images.numel() / std::max<std::int64_t>(count, 1);
  const std::vector<Tensor> signs = directions(images, seeds, options.probes);
  Likelihoods result;
  result.evaluations.resize(static_cast<std::size_t>(count));

  // The state is the image and, in a last column, the integral of the divergence so far.
  const VectorField field = [&](const Tensor& u, const Tensor& y, const Tensor& rows) {
    const torch::AutoGradMode with_graph(true);
    std::vector<std::int64_t> shape = images.sizes().vec();
    shape[0] = y.size(0);
    const Tensor x = y.slice(1, 0, dimensions).reshape(shape).detach().requires_grad_();
    Tensor sigma = torch::empty_like(u);  // by std::exp, which is the same wherever a number stands in a row of them
    for (std::int64_t i = 0; i < u.numel(); ++i) sigma.data_ptr<double>()[i] = std::exp(u.data_ptr<double>()[i]);
    const Tensor clean = denoiser(x, sigma);
    for (std::int64_t i = 0; i < clean.size(0); ++i) require_finite_at(clean[i], sigma.data_ptr<double>()[i]);
    const Tensor flow = (x - clean).flatten(1);
    Tensor divergence = torch::zeros({y.size(0)}, y.options());
    const Tensor index = rows.to(y.device());
    for (std::size_t k = 0; k < signs.size(); ++k) {
      const Tensor e = signs[k].index_select(0, index);
      const bool again = k + 1 < signs.size();
      const Tensor gradient = torch::autograd::grad({flow}, {x}, {e}, again)[0].flatten(1);
      divergence = divergence + row_sums(gradient * e) / options.probes;
    }
    for (std::int64_t i = 0; i < rows.numel(); ++i)
      ++result.evaluations[static_cast<std::size_t>(rows.data_ptr<std::int64_t>()[i])];
    return torch::cat({flow.detach(), divergence.unsqueeze(1)}, 1);
  };

  const double low = std::log(range.lowest);
  const double high = std::log(range.highest);
  OdeReport report;
  report.name_time = [](double u) { return fmt::format("sigma {:.4g}", std::exp(u)); };
  report.on_reached = [&](double u) { on_progress((u - low) / (high - low)); };
  const Tensor start = torch::cat({images.flatten(1), torch::zeros({count, 1}, images.options())}, 1);
  const Tensor end = dormand_prince(field, start, low, high, options.tolerance, report);
  const Tensor noise = end.slice(1, 0, dimensions) / prior_deviation;
  const double log_normal = std::log(2 * std::numbers::pi) / 2 + std::log(prior_deviation);
  const Tensor log_prior = -row_sums(noise.square()) / 2 - static_cast<double>(dimensions) * log_normal;
  const Tensor log_density = (log_prior + end.select(1, dimensions)).cpu();
  result.log_density.assign(log_density.data_ptr<double>(), log_density.data_ptr<double>() + count);
  return result;
}

Tensor dequantized(const Tensor& images, std::span<const std::uint64_t> seeds) {
  const Tensor level = ((images.to(torch::kDouble) + 1) * 128).floor().clamp(0, 255);
  return (level + uniform_like(images, seeds, 0)) / 128 - 1;
}

double bits_per_dimension(double log_density, std::int64_t dimensions) {
  return -log_density / (static_cast<double>(dimensions) * std::numbers::ln2) + 7;
}

}  // namespace nodulus::sample
