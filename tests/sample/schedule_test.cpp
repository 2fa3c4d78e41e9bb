#include "nodulus/sample/schedule.h"

#include <gmock/gmock.h>

#include <cmath>

#include "nodulus/core/error.h"

namespace nodulus::sample {
namespace {

std::vector<double> levels(Schedule kind, int steps, const char* name = "edm") {
  const auto process = process::make_process(name);
  process->prepare(NoiseLabels::index);
  return noise_levels({kind, 7}, *process, steps);
}

TEST(Schedule, EveryOneDescendsFromTheHighestLevelThroughTheLowestToZero) {
  for (const auto& row : process::processes()) {
    const auto process = process::make_process(row.name);
    process->prepare(NoiseLabels::index);
    const process::NoiseRange range = process->noise_range();
    for (const Schedule kind : {Schedule::own, Schedule::karras, Schedule::log_snr, Schedule::cosine}) {
      for (const int steps : {1, 2, 20}) {
        const auto found = noise_levels({kind, 7}, *process, steps);
        ASSERT_EQ(found.size(), static_cast<std::size_t>(steps) + 1);
        EXPECT_NEAR(found.front(), range.highest, 1e-9 * range.highest) << row.name << " " << name_of(kind);
        EXPECT_EQ(found.back(), 0);
        if (steps > 1) {
          EXPECT_NEAR(found[found.size() - 2], range.lowest, 1e-6 * range.lowest);
        }
        for (std::size_t i = 1; i < found.size(); ++i) EXPECT_LT(found[i], found[i - 1]);
      }
    }
  }
}

// Each is even in its own variable.
TEST(Schedule, StepsAreEvenInTheirOwnVariable) {
  auto expect_even = [](const std::vector<double>& found, auto f) {
    const double step = f(found[1]) - f(found[0]);
    for (std::size_t i = 1; i + 2 < found.size(); ++i)
      EXPECT_NEAR(f(found[i + 1]) - f(found[i]), step, 1e-9 * std::abs(step)) << i;
  };
  expect_even(levels(Schedule::karras, 18), [](double s) { return std::pow(s, 1 / 7.0); });
  expect_even(levels(Schedule::log_snr, 18), [](double s) { return std::log(s); });
  expect_even(levels(Schedule::cosine, 18, "vp"), [](double s) { return std::atan(s); });
  const auto vp = process::make_process("vp");
  vp->prepare(NoiseLabels::index);
  expect_even(noise_levels({Schedule::own, 7}, *vp, 18), [&](double s) { return vp->sde().time_of(s); });
}

TEST(Schedule, NamesGoBothWaysAndOthersAreUsageErrors) {
  for (const Schedule kind : {Schedule::own, Schedule::karras, Schedule::log_snr, Schedule::cosine})
    EXPECT_EQ(schedule(name_of(kind)), kind);
  EXPECT_THROW((void)schedule("karas"), Error);
  EXPECT_THROW((void)levels(Schedule::karras, 0), Error);
}

}  // namespace
}  // namespace nodulus::sample
