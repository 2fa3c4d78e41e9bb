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

int undone(int turn) { return turn >= 4 ? turn : (4 - turn) % 4; }

std::string turn_text(int turn) {
  std::string text = turn >= 4 ? "flipped" : "";
  if (turn % 4 > 0) text += fmt::format("{}turned by {} degrees", text.empty() ? "" : ", ", 90 * (turn % 4));
  return text.empty() ? "as it is" : text;
}

Nearest nothing_near(std::int64_t count) {
  return {torch::full({count}, std::numeric_limits<double>::infinity(), torch::kDouble),
          torch::zeros({count}, torch::kLong), torch::zeros({count}, torch::kLong)};
}

void take_nearer(Nearest& nearest, const Tensor& rows, const Tensor& training, int turn) {
  const Tensor references = training.to(torch::kFloat);
  const Tensor squares = references.square().sum(1);
  for (std::int64_t at = 0; at < rows.size(0); at += rows_at_a_time) {
    const std::int64_t n = std::min(rows_at_a_time, rows.size(0) - at);
    const Tensor some = rows.narrow(0, at, n);
    // |a - b|^2 by a product of matrices finds which; how far is then computed from the difference itself.
    const Tensor which = (squares.unsqueeze(0) - 2 * torch::mm(some.to(torch::kFloat), references.t())).argmin(1);
    const Tensor distance =
        (some.to(torch::kDouble) - training.index_select(0, which).to(torch::kDouble)).square().sum(1).sqrt();
    Tensor best = nearest.distance.narrow(0, at, n);
    const Tensor better = distance < best;
    best.copy_(torch::where(better, distance, best));
    Tensor best_which = nearest.which.narrow(0, at, n);
    best_which.copy_(torch::where(better, which, best_which));
    nearest.turn.narrow(0, at, n).masked_fill_(better, static_cast<std::int64_t>(turn));
  }
}

Closeness closeness(Nearest generated, Nearest held_out) {
  Closeness result;
  const double* begin = held_out.distance.data_ptr<double>();
  std::vector<double> known(begin, begin + held_out.distance.numel());
  std::sort(known.begin(), known.end());
  result.first_percentile = traits::quantile(known, 0.01);
  result.threshold = result.first_percentile / 2;
  const Tensor closer = generated.distance <= result.first_percentile;
  const auto n = static_cast<double>(generated.distance.numel());
  const auto m = static_cast<double>(known.size());
  const auto count = closer.sum().item<double>();
  const auto below = static_cast<double>(
      std::count_if(known.begin(), known.end(), [&](double d) { return d <= result.first_percentile; }));
  result.share = count / n;
  result.share_interval = traits::wilson_interval(static_cast<std::int64_t>(count), generated.distance.numel());
  result.p = fisher_upper(count, n, below, m);
  result.generated = std::move(generated);
  result.held_out = std::move(held_out);
  return result;
}

}  // namespace nodulus::eval
