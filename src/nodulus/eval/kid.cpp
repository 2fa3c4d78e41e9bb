#include "nodulus/eval/kid.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "nodulus/core/seed.h"
#include "nodulus/eval/sample.h"

namespace nodulus::eval {
namespace {

using torch::Tensor;

Tensor kernel(const Tensor& x, const Tensor& y) {
  const Tensor base = torch::mm(x, y.t()) / static_cast<double>(x.size(1)) + 1;
  return base * base * base;
}

Tensor ones(std::int64_t n) { return torch::ones({n}, torch::kDouble); }

/// The weighted mean of a kernel over pairs of different rows.
double mean_within(const Tensor& k, const Tensor& w) {
  const double sum = w.sum().item<double>();
  return (torch::dot(w, torch::mv(k, w)) / (sum * sum - w.square().sum().item<double>())).item<double>();
}

}  // namespace

KernelDistance::KernelDistance(const Tensor& a, const Tensor& b) {
  const Tensor rows_a = a.to(torch::kDouble);
  const Tensor rows_b = b.to(torch::kDouble);
  aa_ = kernel(rows_a, rows_a).fill_diagonal_(0);
  bb_ = kernel(rows_b, rows_b).fill_diagonal_(0);
  ab_ = kernel(rows_a, rows_b);
}

double KernelDistance::value() const { return value(ones(aa_.size(0)), ones(bb_.size(0))); }

double KernelDistance::value(const Tensor& weights_a, const Tensor& weights_b) const {
  if (aa_.size(0) < 2 || bb_.size(0) < 2) return std::numeric_limits<double>::quiet_NaN();
  const Tensor between = torch::dot(weights_a, torch::mv(ab_, weights_b)) / (weights_a.sum() * weights_b.sum());
  return mean_within(aa_, weights_a) + mean_within(bb_, weights_b) - 2 * between.item<double>();
}

KernelDistance::Blocks KernelDistance::blocks(std::int64_t size, int count, std::uint64_t seed) const {
  Blocks result{std::min({size, aa_.size(0) / 2, bb_.size(0) / 2}), count, 0, 0};
  std::vector<double> values;
  values.reserve(static_cast<std::size_t>(count));
  for (int i = 0; i < count; ++i) {
    const std::uint64_t own = derive_seed(seed, static_cast<std::uint64_t>(i));
    auto weights = [&](std::int64_t n, const char* purpose) {
      return torch::zeros({n}, torch::kDouble)
          .index_fill(0, torch::tensor(subset(n, result.size, derive_seed(own, purpose)), torch::kLong), 1);
    };
    values.push_back(value(weights(aa_.size(0), "a"), weights(bb_.size(0), "b")));
  }
  for (const double v : values) result.mean += v / count;
  for (const double v : values) result.deviation += (v - result.mean) * (v - result.mean) / count;
  result.deviation = std::sqrt(result.deviation);
  return result;
}

}  // namespace nodulus::eval
