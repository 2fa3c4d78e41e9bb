#pragma once

#include <string_view>
#include <vector>

#include "nodulus/process/process.h"

namespace nodulus::sample {

/// How a sampler's noise levels are spread over the process's range:
///   own      as the process itself has them: evenly in its time;
///   karras   evenly in sigma^(1/rho) (Karras et al. 2022, arXiv 2206.00364, eq. 5);
///   log_snr  evenly in ln(sigma), the signal-to-noise ratio being 1 / sigma^2 (Lu et al. 2022, arXiv 2206.00927);
///   cosine   evenly in atan(sigma), which is time in the process of Nichol & Dhariwal 2021 (arXiv 2102.09672, eq. 17).
enum class Schedule { own, karras, log_snr, cosine };

/// "own", "karras", "log-snr", "cosine". Throws Error{usage} for another.
Schedule schedule(std::string_view name);
std::string_view name_of(Schedule schedule);

struct ScheduleOptions {
  Schedule schedule = Schedule::own;
  double rho = 7;  ///< Of karras.
};

/// steps + 1 descending levels, the first the highest of the process's range, the last 0, the one before it the lowest
/// of the range (where steps > 1). Throws Error{usage} for steps < 1 or, with `own`,
/// more than the process has.
std::vector<double> noise_levels(const ScheduleOptions& options, const process::Process& process, int steps);

}  // namespace nodulus::sample
