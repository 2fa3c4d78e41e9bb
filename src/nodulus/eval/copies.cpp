#include "nodulus/eval/copies.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "nodulus/traits/statistics.h"

namespace nodulus::eval {
namespace {

using torch::Tensor;

constexpr std::int64_t rows_at_a_time = 256;

double log_choose(double n, double k) { return std::lgamma(n + 1) - std::lgamma(k + 1) - std::lgamma(n - k + 1); }

/// Fisher's exact test, one-sided: `a` of `n` here and `b` of `m` there, the chance of a or more here.
double fisher_upper(double a, double n, double b, double m) {
  double p = 0;
  for (double k = a; k <= std::min(n, a + b); ++k)
    p += std::exp(log_choose(n, k) + log_choose(m, a + b - k) - log_choose(n + m, a + b));
  return std::min(1.0, p);
}

}  // namespace

Tensor turned(const Tensor& x, int turn) { return torch::rot90(turn >= 4 ? x.flip({3}) : x, turn % 4, {2, 3}); }

std::string turn_text(int turn) {
  std::string text = turn >= 4 ? "flipped" : "";
  if (turn % 4 > 0) text += fmt::format("{}turned by {} degrees", text.empty() ? "" : ", ", 90 * (turn % 4));
  return text.empty() ? "as it is" : text;
}

Nearest nearest_of(const Tensor& rows, const std::vector<Tensor>& references, bool mean) {
  const std::int64_t n = rows.size(0);
  Nearest nearest{torch::full({n}, std::numeric_limits<double>::infinity(), torch::kDouble),
                  torch::zeros({n}, torch::kLong), torch::zeros({n}, torch::kLong)};
  const Tensor all = rows.to(torch::kDouble);
  for (std::size_t t = 0; t < references.size(); ++t) {
    const Tensor reference = references[t].to(torch::kDouble);
    const Tensor squares = reference.square().sum(1);
    for (std::int64_t at = 0; at < n; at += rows_at_a_time) {
      const Tensor some = all.narrow(0, at, std::min(rows_at_a_time, n - at));
      // |a - b|^2 by a product of matrices finds which; how far is then computed from the difference itself.
      const Tensor which = (squares.unsqueeze(0) - 2 * torch::mm(some, reference.t())).argmin(1);
      const Tensor distance = (some - reference.index_select(0, which)).square().sum(1).sqrt();
      Tensor best = nearest.distance.narrow(0, at, some.size(0));
      const Tensor better = distance < best;
      best.copy_(torch::where(better, distance, best));
      Tensor best_which = nearest.which.narrow(0, at, some.size(0));
      best_which.copy_(torch::where(better, which, best_which));
      Tensor best_turn = nearest.turn.narrow(0, at, some.size(0));
      best_turn.masked_fill_(better, static_cast<std::int64_t>(t));
    }
  }
  if (mean) nearest.distance /= std::sqrt(static_cast<double>(rows.size(1)));
  return nearest;
}

Closeness closeness(Nearest generated, Nearest held_out) {
  Closeness result;
  const double* begin = held_out.distance.data_ptr<double>();
  std::vector<double> known(begin, begin + held_out.distance.numel());
  std::sort(known.begin(), known.end());
  result.first_percentile = traits::quantile(known, 0.01);
  result.threshold = result.first_percentile / 2;
  const Tensor closer = generated.distance < result.first_percentile;
  const auto n = static_cast<double>(generated.distance.numel());
  const auto m = static_cast<double>(known.size());
  const auto count = closer.sum().item<double>();
  const auto below = static_cast<double>(
      std::count_if(known.begin(), known.end(), [&](double d) { return d < result.first_percentile; }));
  result.share = count / n;
  result.p = fisher_upper(count, n, below, m);
  result.generated = std::move(generated);
  result.held_out = std::move(held_out);
  return result;
}

}  // namespace nodulus::eval
