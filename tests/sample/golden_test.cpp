// Every evaluation of the published programs on a mixture of two Gaussians, beside ours. See sampler_golden.py.
#include <gmock/gmock.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "nodulus/sample/ode.h"
#include "tests/sample/closed_forms.h"

namespace nodulus::sample {
namespace {

using nlohmann::json;
using torch::Tensor;

constexpr double tolerance = 1e-8;  // of the largest number in play; the golden ones have 11 digits

json read_golden() {
  std::ifstream file(std::string(NODULUS_SOURCE_DIR) + "/tests/sample/sampler_golden.json");
  return json::parse(file);
}

std::unique_ptr<process::Sde> sde_of_case(const json& sde) {
  if (sde.is_null()) return nullptr;
  const double first = sde.at("arguments").at(0);
  const double second = sde.at("arguments").at(1);
  if (sde.at("kind") == "vp") return process::make_vp_sde(first, second);
  if (sde.at("kind") == "sub-vp") return process::make_sub_vp_sde(first, second);
  return process::make_ve_sde(first, second);
}

Tensor row(const json& values) {
  const auto numbers = values.get<std::vector<double>>();
  return torch::tensor(numbers, torch::kDouble).view({1, 1, 1, -1});
}

/// The largest difference over a case, relative to 1 + the size of the number.
double difference(const json& golden, const json& entry) {
  const process::Denoiser denoiser = closed_forms::mixture(closed_forms::two_gaussians());
  const std::unique_ptr<process::Sde> sde = sde_of_case(entry.at("sde"));
  const auto sigmas = entry.at("sigmas").get<std::vector<double>>();
  const json& calls = entry.at("calls");
  double most = 0;
  auto compare = [&](const Tensor& ours, const Tensor& theirs) {
    most = std::max(most, ((ours - theirs).abs() / (1 + theirs.abs())).max().item<double>());
  };
  std::size_t call = 0;
  SamplerInput input;
  input.denoiser = [&](const Tensor& x, const Tensor& sigma) {
    if (call < calls.size()) compare(torch::cat({sigma, x.flatten()}), row(calls[call]).flatten());
    ++call;
    return denoiser(x, sigma);
  };
  input.x = row(golden.at("start"));
  input.sigmas = sigmas;
  input.sde = sde.get();
  input.noise = [&](std::int64_t number) { return row(golden.at("noise").at(static_cast<std::size_t>(number))); };
  const auto sampler = closed_forms::made(entry.at("sampler").get<std::string>(), entry.at("options"));
  compare(sampler->run(input), row(entry.at("result")));
  EXPECT_EQ(call, calls.size());
  EXPECT_EQ(sampler->evaluations(static_cast<std::int64_t>(sigmas.size()) - 1), static_cast<std::int64_t>(call));
  return most;
}

TEST(Golden, EveryStepIsThatOfThePublishedPrograms) {
  const json golden = read_golden();
  ASSERT_GE(golden.at("cases").size(), 26U);
  for (const json& entry : golden.at("cases")) {
    const std::string name = entry.at("sampler").get<std::string>() + " " + entry.at("options").dump() +
                             (entry.at("sde").is_null() ? "" : " " + entry.at("sde").at("kind").get<std::string>());
    SCOPED_TRACE(name);
    EXPECT_LT(difference(golden, entry), tolerance);
  }
}

// The same steps, so the same evaluations, and the same end.
TEST(Golden, TheOdesStepsAreThoseOfScipy) {
  const json golden = read_golden();
  const auto sigmas = golden.at("cases").at(0).at("sigmas").get<std::vector<double>>();
  for (const json& entry : golden.at("ode")) {
    std::int64_t evaluations = 0;
    Tensor last;
    const process::Denoiser denoiser = closed_forms::mixture(closed_forms::two_gaussians());
    SamplerInput input;
    input.denoiser = process::counted(
        [&](const Tensor& x, const Tensor& sigma) {
          last = x;
          return denoiser(x, sigma);
        },
        evaluations);
    input.x = row(entry.at("start"));
    input.sigmas = sigmas;
    (void)ode(input, {.rtol = entry.at("rtol"), .atol = entry.at("atol")});
    EXPECT_EQ(evaluations - 1, entry.at("evaluations").get<std::int64_t>());  // and the D of the end
    const double apart = (last - row(entry.at("result"))).abs().max().item<double>();
    EXPECT_LT(apart, 1e-9) << entry.dump();
  }
}

}  // namespace
}  // namespace nodulus::sample
