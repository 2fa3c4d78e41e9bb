#pragma once

#include <torch/types.h>

#include <cstdint>
#include <functional>
#include <string>

namespace nodulus::sample {

/// dy/dt of some rows of a state: t [n] float64 on the CPU, y [n, D] float64, rows [n] int64 on the CPU, which of the
/// state's rows they are. Returns [n, D] float64. Row i of the result must depend on row i of the arguments alone.
using VectorField =
    std::function<torch::Tensor(const torch::Tensor& t, const torch::Tensor& y, const torch::Tensor& rows)>;

struct OdeTolerance {
  double rtol = 1e-5;
  double atol = 1e-5;
  std::int64_t most_evaluations = 20000;  ///< Of a row, before it is given up.
};

/// How an integration is told to the user.
struct OdeReport {
  /// Names a time in the message of a failure, such as "sigma 3.2".
  std::function<std::string(double t)> name_time;
  /// Called after each round of steps with the time that all rows have reached.
  std::function<void(double t)> on_reached = [](double) {};
};

/// Integrates dy/dt from t_from to t_to, which may be the lower, by the embedded Runge-Kutta pair of orders 5 and 4 of
/// Dormand & Prince 1980 ("A family of embedded Runge-Kutta formulae", table 2), each row of y [N, D] with steps of
/// its own: the rows that are on their way are evaluated together, and the result of one does not depend on the
/// others. A step is taken when the root mean square of error / (atol + rtol max(|y|, |y'|)) is below 1, and the next
/// one's size follows from it by the elementary controller (Hairer, Norsett, Wanner 1993, "Solving Ordinary
/// Differential Equations I", section II.4; the first step as there). Constants of the controller, and so the steps,
/// are those of SciPy's RK45.
/// Throws Error{bad_input} naming row, time, tolerance and evaluations where a row's step becomes as small as the
/// spacing of numbers, or it has used most_evaluations.
torch::Tensor dormand_prince(const VectorField& field, const torch::Tensor& y, double t_from, double t_to,
                             const OdeTolerance& tolerance, const OdeReport& report);

}  // namespace nodulus::sample
