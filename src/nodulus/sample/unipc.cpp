#include "nodulus/sample/unipc.h"

#include <algorithm>
#include <cmath>
#include <deque>

#include "nodulus/sample/levels.h"

namespace nodulus::sample {

using torch::Tensor;

namespace {

/// phi_k(x) = sum_j x^j / (j + k)!: phi_0 = e^x, phi_{k+1} = (phi_k - 1/k!) / x, which cancels for small x.
double phi(int k, double x) {
  double factorial = 1;
  if (std::abs(x) > 1) {
    double value = std::exp(x);
    for (int i = 0; i < k; ++i) {
      value = (value - 1 / factorial) / x;
      factorial *= i + 1;
    }
    return value;
  }
  for (int i = 2; i <= k; ++i) factorial *= i;
  double term = 1 / factorial;
  double sum = term;
  for (int j = 1; j < 20; ++j) {
    term *= x / (j + k);
    sum += term;
  }
  return sum;
}

/// Solves sum_m r_m^(k-1) rho_m = b_k, k = 1 .. n, by elimination; at most 3 unknowns, all r different.
std::vector<double> solve(const std::vector<double>& r, std::vector<double> b) {
  const std::size_t n = r.size();
  std::vector<std::vector<double>> rows(n, std::vector<double>(n));
  for (std::size_t k = 0; k < n; ++k)
    for (std::size_t m = 0; m < n; ++m) rows[k][m] = std::pow(r[m], static_cast<double>(k));
  for (std::size_t pivot = 0; pivot < n; ++pivot)
    for (std::size_t k = pivot + 1; k < n; ++k) {
      const double factor = rows[k][pivot] / rows[pivot][pivot];
      for (std::size_t m = pivot; m < n; ++m) rows[k][m] -= factor * rows[pivot][m];
      b[k] -= factor * b[pivot];
    }
  for (std::size_t k = n; k-- > 0;) {
    for (std::size_t m = k + 1; m < n; ++m) b[k] -= rows[k][m] * b[m];
    b[k] /= rows[k][k];
  }
  return b;
}

/// What the denoiser answered at a level.
struct Answer {
  Tensor clean;
  double sigma;
};

/// A step that was begun: all that predictor and corrector share.
struct Begun {
  Tensor x;
  double from;
  double to;
  int order;
};

class UnipcSolver {
 public:
  explicit UnipcSolver(const UnipcOptions& options) : options_(options) {}

  /// The predictor's x at level begun.to; answers_ hold D at begun.from and before it.
  Tensor predict(const Begun& begun) const {
    Tensor x = linear(begun);
    if (begun.order == 1) return x;
    std::vector<double> r = ratios(begun);
    const std::vector<double> rho = r.size() == 1 ? std::vector{0.5} : solve(r, right_side(begun, r.size()));
    return x - free_function(-h_of(begun)) * differences(r, rho);
  }

  /// x at level begun.to again, by `clean` = D(predicted x; begun.to).
  Tensor correct(const Begun& begun, const Tensor& clean) const {
    std::vector<double> r = ratios(begun);
    std::vector<double> with_end = r;
    with_end.push_back(1);
    const std::vector<double> rho = r.empty() ? std::vector{0.5} : solve(with_end, right_side(begun, with_end.size()));
    Tensor sum = rho.back() * (clean - answers_[0].clean);
    if (!r.empty()) sum = sum + differences(r, rho);
    return linear(begun) - free_function(-h_of(begun)) * sum;
  }

  void remember(const Tensor& clean, double sigma) {
    answers_.push_front({clean, sigma});
    if (answers_.size() > static_cast<std::size_t>(options_.order)) answers_.pop_back();
  }

 private:
  static double h_of(const Begun& begun) { return std::log(begun.from / begun.to); }
  /// B(h)
  [[nodiscard]] double free_function(double h) const {
    return options_.variant == UnipcVariant::bh1 ? h : std::expm1(h);
  }

  [[nodiscard]] Tensor linear(const Begun& begun) const {
    return (begun.to / begun.from) * begun.x - std::expm1(-h_of(begun)) * answers_[0].clean;
  }

  /// r_1 .. r_{p-1}
  [[nodiscard]] std::vector<double> ratios(const Begun& begun) const {
    std::vector<double> r;
    for (std::size_t m = 1; m < static_cast<std::size_t>(begun.order); ++m)
      r.push_back(std::log(begun.from / answers_[m].sigma) / h_of(begun));
    return r;
  }

  [[nodiscard]] std::vector<double> right_side(const Begun& begun, std::size_t count) const {
    const double h = -h_of(begun);
    std::vector<double> b;
    double factorial = 1;
    for (int k = 1; k <= static_cast<int>(count); ++k) {
      factorial *= k;
      b.push_back(factorial * h * phi(k + 1, h) / free_function(h));
    }
    return b;
  }

  /// sum_m rho_m (D_m - D_0) / r_m
  [[nodiscard]] Tensor differences(const std::vector<double>& r, const std::vector<double>& rho) const {
    Tensor sum;
    for (std::size_t m = 0; m < r.size(); ++m) {
      const Tensor term = (rho[m] / r[m]) * (answers_[m + 1].clean - answers_[0].clean);
      sum = m == 0 ? term : sum + term;
    }
    return sum;
  }

  UnipcOptions options_;
  std::deque<Answer> answers_;  // D_0, D_1, ...
};

}  // namespace

Tensor unipc(const SamplerInput& input, const UnipcOptions& options) {
  UnipcSolver solver(options);
  Begun begun{};
  const auto steps = static_cast<std::int64_t>(input.sigmas.size()) - 1;
  return through_levels(input, [&](const LevelStep& step) {
    const Tensor x = step.number == 0 ? step.x : solver.correct(begun, step.clean);
    solver.remember(step.clean, step.from);
    const auto order = std::min<std::int64_t>({options.order, step.number + 1, steps - step.number});
    begun = {x, step.from, step.to, static_cast<int>(order)};
    return solver.predict(begun);
  });
}

}  // namespace nodulus::sample
