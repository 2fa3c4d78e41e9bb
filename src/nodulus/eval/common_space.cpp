#include "nodulus/eval/common_space.h"

#include <fmt/format.h>
#include <torch/utils.h>

#include <algorithm>

#include "nodulus/core/error.h"

namespace nodulus::eval {
namespace {

constexpr double kept_variance = 0.9;

/// Normal scores of a column among its fitted values: the normal quantile of the mean rank over the number of values
/// (Blom 1958 has other constants; any do where values are many).
torch::Tensor normal_scores(const torch::Tensor& column, const torch::Tensor& fit_rows) {
  torch::Tensor fitted = column.index_select(0, fit_rows);
  fitted = std::get<0>(fitted.masked_select(fitted.isfinite()).sort());
  if (fitted.numel() == 0) return torch::zeros_like(column);
  const auto known = column.isfinite();
  const torch::Tensor values = torch::where(known, column, fitted.select(0, 0)).contiguous();
  const torch::Tensor below = torch::searchsorted(fitted, values, false, false);
  const torch::Tensor to = torch::searchsorted(fitted, values, false, true);
  const auto n = static_cast<double>(fitted.numel());
  const torch::Tensor rank = (below + to).to(torch::kFloat64) / 2;
  const torch::Tensor share = (rank / n).clamp(0.5 / n, 1 - 0.5 / n);
  return torch::where(known, torch::special_ndtri(share), torch::zeros_like(column));
}

torch::Tensor scored(const Description& description, const torch::Tensor& fit_rows) {
  if (!description.by_rank) return torch::nan_to_num(description.values);
  std::vector<torch::Tensor> columns;
  for (std::int64_t j = 0; j < description.values.size(1); ++j)
    columns.push_back(normal_scores(description.values.select(1, j), fit_rows));
  return torch::stack(columns, 1);
}

torch::Tensor components(const torch::Tensor& values, const torch::Tensor& fit_rows) {
  const torch::Tensor fitted = values.index_select(0, fit_rows);
  const torch::Tensor mean = fitted.mean(0, true);
  const auto [u, spread, axes] = torch::linalg_svd(fitted - mean, false);
  const torch::Tensor share = spread.square().cumsum(0) / spread.square().sum();
  const std::int64_t kept =
      std::min<std::int64_t>(spread.numel(), (share < kept_variance).sum().item<std::int64_t>() + 1);
  const torch::Tensor points = (values - mean).matmul(axes.slice(0, 0, kept).t());
  const double variance = points.index_select(0, fit_rows).square().sum(1).mean().item<double>();
  if (!(variance > 0)) return torch::zeros({values.size(0), 1}, values.options());  // all the same
  return points / std::sqrt(variance);
}

}  // namespace

torch::Tensor common_space(const std::vector<Description>& descriptions, const std::vector<std::int64_t>& fit) {
  if (descriptions.empty() || fit.size() < 2)
    throw Error(ErrorCode::usage, fmt::format("expected two training nodules or more, found {}", fit.size()));
  const torch::NoGradGuard no_gradients;
  const torch::Tensor fit_rows = torch::tensor(fit);
  std::vector<torch::Tensor> parts;
  for (const Description& description : descriptions) {
    if (description.values.size(0) != descriptions.front().values.size(0))
      throw Error(ErrorCode::internal, "common_space: descriptions of different images");
    parts.push_back(components(scored(description, fit_rows), fit_rows));
  }
  return torch::cat(parts, 1).contiguous();
}

}  // namespace nodulus::eval
