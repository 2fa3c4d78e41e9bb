#include "nodulus/sample/dormand_prince.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <vector>

#include "nodulus/core/error.h"
#include "nodulus/sample/image_norms.h"

namespace nodulus::sample {

using torch::Tensor;

namespace {

namespace tableau {

constexpr int stages = 6;  // and a seventh, which is the first of the next step

// Dormand & Prince 1980, table 2: nodes c, matrix a. Row 7 of a is b of order 5.
constexpr std::array<double, stages + 1> c{0, 1.0 / 5, 3.0 / 10, 4.0 / 5, 8.0 / 9, 1, 1};
constexpr std::array<std::array<double, stages>, stages + 1> a{{
    {},
    {1.0 / 5},
    {3.0 / 40, 9.0 / 40},
    {44.0 / 45, -56.0 / 15, 32.0 / 9},
    {19372.0 / 6561, -25360.0 / 2187, 64448.0 / 6561, -212.0 / 729},
    {9017.0 / 3168, -355.0 / 33, 46732.0 / 5247, 49.0 / 176, -5103.0 / 18656},
    {35.0 / 384, 0, 500.0 / 1113, 125.0 / 192, -2187.0 / 6784, 11.0 / 84},
}};
// b of order 5 less b of order 4.
constexpr std::array<double, stages + 1> e{71.0 / 57600,      0,          -71.0 / 16695, 71.0 / 1920,
                                           -17253.0 / 339200, 22.0 / 525, -1.0 / 40};

}  // namespace tableau

using tableau::stages;

// The controller: a step changes by at most these factors, and aims a little below what the error allows.
constexpr double least_factor = 0.2;
constexpr double most_factor = 10;
constexpr double safety = 0.9;
constexpr double exponent = 1.0 / 5;  // of the error: that of the order 4 formula is of order h^5

struct Row {
  double t = 0;
  double h = 0;     // of the next attempt; > 0, whatever the direction
  double goal = 0;  // where the attempt under way leads
  bool rejected = false;
  std::int64_t evaluations = 0;
};

class Integration {
 public:
  Integration(const VectorField& field, const Tensor& y, double t_from, double t_to, const OdeTolerance& tolerance,
              const OdeReport& report)
      : field_(field),
        tolerance_(tolerance),
        report_(report),
        y_(y.clone()),
        rows_(static_cast<std::size_t>(y.size(0)), Row{.t = t_from}),
        t_to_(t_to),
        direction_(t_to > t_from ? 1 : -1) {}

  Tensor run() {
    if (rows_.empty() || rows_.front().t == t_to_) return y_;
    begin();
    while (true) {
      std::vector<std::int64_t> active;
      for (std::size_t i = 0; i < rows_.size(); ++i)
        if (rows_[i].t != t_to_) active.push_back(static_cast<std::int64_t>(i));
      if (active.empty()) return y_;
      step(active);
      report_.on_reached(slowest());
    }
  }

 private:
  Row& row(std::int64_t i) { return rows_[static_cast<std::size_t>(i)]; }

  Tensor evaluate(const std::vector<double>& t, const Tensor& y, const std::vector<std::int64_t>& active) {
    for (const std::int64_t i : active) ++row(i).evaluations;
    return field_(torch::tensor(t, torch::kDouble), y, torch::tensor(active, torch::kLong));
  }

  /// sqrt(mean((x / scale)^2)) of each row.
  static std::vector<double> weighed(const Tensor& x, const Tensor& scale) {
    std::vector<double> norms = image_norms(x / scale);
    for (double& norm : norms) norm /= std::sqrt(static_cast<double>(x.size(1)));
    return norms;
  }

  /// The first step of each row (Hairer, Norsett, Wanner, section II.4, "starting step size").
  void begin() {
    std::vector<std::int64_t> all(rows_.size());
    for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<std::int64_t>(i);
    std::vector<double> t(rows_.size(), rows_.front().t);
    const double whole = std::abs(t_to_ - t.front());
    f_ = evaluate(t, y_, all).clone();
    const Tensor scale = tolerance_.atol + y_.abs() * tolerance_.rtol;
    const std::vector<double> d0 = weighed(y_, scale);
    const std::vector<double> d1 = weighed(f_, scale);
    std::vector<double> h0(rows_.size());
    std::vector<double> signed_h0(rows_.size());
    for (std::size_t i = 0; i < h0.size(); ++i) {
      h0[i] = std::min(whole, d0[i] < 1e-5 || d1[i] < 1e-5 ? 1e-6 : 0.01 * d0[i] / d1[i]);
      signed_h0[i] = direction_ * h0[i];
      t[i] += signed_h0[i];
    }
    const Tensor f1 = evaluate(t, y_ + by_image(signed_h0, y_) * f_, all);
    const std::vector<double> change = weighed(f1 - f_, scale);
    for (std::size_t i = 0; i < h0.size(); ++i) {
      const double d2 = change[i] / h0[i];
      const bool still = d1[i] <= 1e-15 && d2 <= 1e-15;
      const double h1 = still ? std::max(1e-6, h0[i] * 1e-3) : std::pow(0.01 / std::max(d1[i], d2), exponent);
      rows_[i].h = std::min(100 * h0[i], h1);
    }
  }

  /// One attempt of a step for each active row.
  void step(const std::vector<std::int64_t>& active) {
    std::vector<double> t(active.size());
    std::vector<double> h(active.size());
    for (std::size_t n = 0; n < active.size(); ++n) {
      Row& r = row(active[n]);
      if (!r.rejected) r.h = std::max(r.h, 10 * spacing(r.t));
      require_possible(active[n]);
      r.goal = r.t + direction_ * r.h;
      if (direction_ * (r.goal - t_to_) > 0) r.goal = t_to_;
      t[n] = r.t;
      h[n] = r.goal - r.t;
      r.h = std::abs(h[n]);
    }
    const Tensor index = torch::tensor(active, torch::kLong).to(y_.device());
    const Tensor y = y_.index_select(0, index);
    std::array<Tensor, stages + 1> k;
    k[0] = f_.index_select(0, index);
    Tensor y_new;
    const Tensor step_size = by_image(h, y);
    for (std::size_t s = 1; s <= stages; ++s) {
      y_new = y + step_size * combined(k, tableau::a[s].data(), s);
      std::vector<double> stage_t(t.size());
      for (std::size_t n = 0; n < t.size(); ++n) stage_t[n] = t[n] + tableau::c[s] * h[n];
      k[s] = evaluate(stage_t, y_new, active);
    }
    const Tensor scale = tolerance_.atol + torch::maximum(y.abs(), y_new.abs()) * tolerance_.rtol;
    decide(active, weighed(step_size * combined(k, tableau::e.data(), stages + 1), scale), y_new, k[stages]);
  }

  /// Sum of weights[j] k[j], j < count. Written out, since a fused multiply-add may round otherwise at the end of a
  /// tensor than within it, and where a row lies must not show.
  static Tensor combined(const std::array<Tensor, stages + 1>& k, const double* weights, std::size_t count) {
    Tensor sum = weights[0] * k[0];
    for (std::size_t j = 1; j < count; ++j)
      if (weights[j] != 0) sum = sum + weights[j] * k[j];
    return sum;
  }

  /// Takes the steps whose error is small enough, and sets the size of each row's next attempt.
  void decide(const std::vector<std::int64_t>& active, const std::vector<double>& errors, const Tensor& y_new,
              const Tensor& f_new) {
    std::vector<std::int64_t> taken;
    std::vector<std::int64_t> taken_rows;
    for (std::size_t n = 0; n < active.size(); ++n) {
      Row& r = row(active[n]);
      const double factor = errors[n] == 0 ? most_factor : safety * std::pow(errors[n], -exponent);
      if (errors[n] < 1) {
        r.t = r.goal;
        r.h *= std::min(r.rejected ? 1 : most_factor, factor);
        r.rejected = false;
        taken.push_back(static_cast<std::int64_t>(n));
        taken_rows.push_back(active[n]);
      } else {
        r.h *= std::max(least_factor, factor);
        r.rejected = true;
      }
    }
    if (taken.empty()) return;
    const Tensor from = torch::tensor(taken, torch::kLong).to(y_.device());
    const Tensor into = torch::tensor(taken_rows, torch::kLong).to(y_.device());
    y_.index_copy_(0, into, y_new.index_select(0, from));
    f_.index_copy_(0, into, f_new.index_select(0, from));
  }

  /// The distance from t to the next number.
  [[nodiscard]] double spacing(double t) const {
    return std::abs(std::nextafter(t, direction_ * std::numeric_limits<double>::infinity()) - t);
  }

  void require_possible(std::int64_t i) {
    const Row& r = row(i);
    const bool small = r.rejected && r.h < 10 * spacing(r.t);
    if (!small && r.evaluations + stages <= tolerance_.most_evaluations) return;
    throw Error(ErrorCode::bad_input,
                fmt::format("image {} of the batch: the ODE cannot be followed to rtol {}, atol {} at {}: {} after {} "
                            "evaluations; expected a larger tolerance{}",
                            i, tolerance_.rtol, tolerance_.atol, report_.name_time(r.t),
                            small ? fmt::format("a step of {:.2g}", r.h) : "not there", r.evaluations,
                            small ? "" : " or more evaluations"));
  }

  [[nodiscard]] double slowest() const {
    double t = t_to_;
    for (const Row& r : rows_) t = direction_ > 0 ? std::min(t, r.t) : std::max(t, r.t);
    return t;
  }

  const VectorField& field_;
  const OdeTolerance& tolerance_;
  const OdeReport& report_;
  Tensor y_;
  Tensor f_;
  std::vector<Row> rows_;
  double t_to_;
  double direction_;
};

}  // namespace

Tensor dormand_prince(const VectorField& field, const Tensor& y, double t_from, double t_to,
                      const OdeTolerance& tolerance, const OdeReport& report) {
  return Integration(field, y, t_from, t_to, tolerance, report).run();
}

}  // namespace nodulus::sample
