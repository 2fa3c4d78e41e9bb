#include "nodulus/eval/frechet.h"

#include <torch/linalg.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "nodulus/core/error.h"
#include "nodulus/core/seed.h"

namespace nodulus::eval {
namespace {

using torch::Tensor;

/// Mean and a matrix A of at most D rows, A^T A the covariance.
struct FrechetSide {
  Tensor mean;
  Tensor root;
};

/// Rows that count more than once have their weight under the root.
FrechetSide side_of(const Tensor& rows, const Tensor& weights) {
  const Tensor kept = weights.nonzero().flatten();
  const Tensor w = weights.index_select(0, kept).unsqueeze(1);
  const Tensor x = rows.index_select(0, kept);
  const double total = w.sum().item<double>();
  FrechetSide side;
  side.mean = (x * w).sum(0) / total;
  side.root = (x - side.mean) * (w / (total - 1)).sqrt();
  return side;
}

/// The sum of the singular values of m: by those of its own if it is small, else of the triangular parts of both.
double nuclear_norm(const Tensor& a_root, const Tensor& b_root) {
  // More rows than columns: the triangle of the QR decomposition has the same A^T A.
  auto fewer_rows = [](const Tensor& root) {
    return root.size(0) > root.size(1) ? std::get<1>(torch::linalg_qr(root, "r")) : root;
  };
  const Tensor product = torch::mm(fewer_rows(a_root), fewer_rows(b_root).t());
  return torch::linalg_svdvals(product).sum().item<double>();
}

double distance(const FrechetSide& a, const FrechetSide& b) {
  const double means = (a.mean - b.mean).square().sum().item<double>();
  const double traces = (a.root.square().sum() + b.root.square().sum()).item<double>();
  return std::max(0.0, means + traces - 2 * nuclear_norm(a.root, b.root));
}

/// A with A^T A = c, through the eigenvalues of the symmetric c; those below 0, of rounding, are 0.
Tensor root_of(const Tensor& c) {
  const auto [values, vectors] = torch::linalg_eigh((c + c.t()) / 2, "L");
  return (vectors * values.clamp_min(0).sqrt()).t();
}

bool usable(const Tensor& rows, const Tensor& weights) {
  return weights.sum().item<double>() > 1 && rows.isfinite().all().item<bool>();
}

}  // namespace

double frechet_distance(const Tensor& a, const Tensor& b) {
  return frechet_distance(a, torch::ones({a.size(0)}, torch::kDouble), b, torch::ones({b.size(0)}, torch::kDouble));
}

double frechet_distance(const Tensor& a, const Tensor& weights_a, const Tensor& b, const Tensor& weights_b) {
  if (a.dim() != 2 || b.dim() != 2 || a.size(1) != b.size(1))
    throw Error(ErrorCode::internal, "[frechet_distance] expected two matrices of as many columns");
  const Tensor rows_a = a.to(torch::kDouble);
  const Tensor rows_b = b.to(torch::kDouble);
  if (!usable(rows_a, weights_a) || !usable(rows_b, weights_b)) return std::numeric_limits<double>::quiet_NaN();
  return distance(side_of(rows_a, weights_a), side_of(rows_b, weights_b));
}

double frechet_distance_of_moments(const Tensor& mean_a, const Tensor& covariance_a, const Tensor& mean_b,
                                   const Tensor& covariance_b) {
  return distance({mean_a, root_of(covariance_a)}, {mean_b, root_of(covariance_b)});
}

FrechetLimit frechet_limit(const Tensor& a, const Tensor& b, std::uint64_t seed) {
  constexpr int sizes = 8;
  constexpr int draws = 4;  // of each size but the largest
  FrechetLimit result;
  auto count_of = [](const Tensor& rows, double share) {
    return std::llround(share * static_cast<double>(rows.size(0)));
  };
  auto some = [&](const Tensor& rows, double share, std::uint64_t own) {
    const auto count = count_of(rows, share);
    return rows.index_select(0, torch::tensor(subset(rows.size(0), count, own), torch::kLong));
  };
  for (int i = 0; i < sizes; ++i) {
    const double inverse = 2 - static_cast<double>(i) / (sizes - 1);  // 1/share, evenly: the line's own axis
    const int times = i == sizes - 1 ? 1 : draws;
    double sum = 0;
    for (int t = 0; t < times; ++t) {
      const std::uint64_t own =
          derive_seed(seed, static_cast<std::uint64_t>(i) * draws + static_cast<std::uint64_t>(t));
      sum += frechet_distance(some(a, 1 / inverse, derive_seed(own, "a")), some(b, 1 / inverse, derive_seed(own, "b")));
    }
    result.points.emplace_back(1 / static_cast<double>(std::max<std::int64_t>(1, count_of(a, 1 / inverse))),
                               sum / times);
  }
  // Least squares.
  double mean_x = 0;
  double mean_y = 0;
  for (const auto& [x, y] : result.points) {
    mean_x += x / sizes;
    mean_y += y / sizes;
  }
  double xx = 0;
  double xy = 0;
  for (const auto& [x, y] : result.points) {
    xx += (x - mean_x) * (x - mean_x);
    xy += (x - mean_x) * (y - mean_y);
  }
  result.slope = xy / xx;
  result.limit = mean_y - result.slope * mean_x;
  double residual = 0;
  for (const auto& [x, y] : result.points) {
    const double off = y - result.limit - result.slope * x;
    residual += off * off / (sizes - 2);
  }
  result.standard_error = std::sqrt(residual * (1.0 / sizes + mean_x * mean_x / xx));
  return result;
}

}  // namespace nodulus::eval
