#include "nodulus/sample/schedule.h"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <utility>

#include "nodulus/core/error.h"
#include "nodulus/core/nearest.h"

namespace nodulus::sample {
namespace {

constexpr std::array names{std::pair{"own", Schedule::own}, std::pair{"karras", Schedule::karras},
                           std::pair{"log-snr", Schedule::log_snr}, std::pair{"cosine", Schedule::cosine}};

/// Levels evenly spread in f(sigma), `inverse` its inverse.
template <class Function, class Inverse>
std::vector<double> evenly(process::NoiseRange range, int steps, Function f, Inverse inverse) {
  std::vector<double> levels{range.highest};
  const double first = f(range.highest);
  const double last = f(range.lowest);
  for (int i = 1; i < steps; ++i) levels.push_back(inverse(first + (last - first) * i / (steps - 1)));
  levels.push_back(0);
  return levels;
}

}  // namespace

Schedule schedule(std::string_view name) {
  std::vector<std::string> known;
  for (const auto& [known_name, value] : names) {
    if (name == known_name) return value;
    known.emplace_back(known_name);
  }
  throw Error(ErrorCode::usage, fmt::format("expected a schedule, one of {}; found '{}'{}", fmt::join(known, ", "),
                                            name, did_you_mean(name, known)));
}

std::string_view name_of(Schedule schedule) {
  for (const auto& [name, value] : names)
    if (value == schedule) return name;
  return "";
}

std::vector<double> noise_levels(const ScheduleOptions& options, const process::Process& process, int steps) {
  if (steps < 1) throw Error(ErrorCode::usage, fmt::format("expected 1 step or more, found {}", steps));
  const process::NoiseRange range = process.noise_range();
  switch (options.schedule) {
    case Schedule::karras:
      return evenly(
          range, steps, [&](double sigma) { return std::pow(sigma, 1 / options.rho); },
          [&](double y) { return std::pow(y, options.rho); });
    case Schedule::log_snr:
      return evenly(
          range, steps, [](double sigma) { return std::log(sigma); }, [](double y) { return std::exp(y); });
    case Schedule::cosine:
      return evenly(
          range, steps, [](double sigma) { return std::atan(sigma); }, [](double y) { return std::tan(y); });
    case Schedule::own: break;
  }
  return process.noise_levels(steps);
}

}  // namespace nodulus::sample
