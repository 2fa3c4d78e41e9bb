// Errors against the size of the steps: the order that a sampler's row states, on data whose answer is known.
#include <gmock/gmock.h>

#include <map>

#include "nodulus/sample/ode.h"
#include "tests/sample/closed_forms.h"

namespace nodulus::sample {
namespace {

using closed_forms::log_levels;
using closed_forms::made;
using nlohmann::json;
using torch::Tensor;

constexpr double highest = 12;
constexpr double lowest = 0.08;

Tensor starts() {
  return torch::tensor({8.0, -3.0, 0.7, 11.0, -9.0, 2.0, -6.0, 4.0}, torch::kDouble).view({4, 1, 1, 2});
}

Tensor mixture_by(const Sampler& sampler, const std::vector<double>& sigmas) {
  SamplerInput input;
  input.denoiser = closed_forms::mixture(closed_forms::two_gaussians());
  input.x = starts();
  input.sigmas = sigmas;
  return sampler.run(input);
}

/// -d ln(error) / d ln(steps) between n and 2n, for a nonlinear denoiser; the exact answer by the adaptive ODE.
double slope(const Sampler& sampler, int n) {
  const Tensor exact =
      mixture_by(*made("ode", {{"ode.rtol", 1e-12}, {"ode.atol", 1e-12}}), log_levels(9, highest, lowest));
  auto error = [&](int steps) {
    return (mixture_by(sampler, log_levels(steps + 1, highest, lowest)) - exact).norm().item<double>();
  };
  return std::log2(error(n) / error(2 * n));
}

struct OrderCase {
  std::string name;
  json settings;
  int steps;
  double order;
};

TEST(Convergence, DeterministicSamplersHaveTheirOrder) {
  const std::vector<OrderCase> cases{
      {"ddim", {}, 800, 1},
      {"heun", {}, 200, 2},
      {"dpmpp-2m", {}, 400, 2},
      {"dpmpp-2s", {}, 200, 2},
      {"dpmpp-2m-sde", {{"dpmpp-2m-sde.eta", 0.0}}, 400, 2},
      {"dpmpp-sde", {{"dpmpp-sde.eta", 0.0}}, 200, 2},
      {"unipc", {{"unipc.order", 1}}, 400, 2},
      {"unipc", {{"unipc.order", 2}}, 400, 3},
      {"unipc", {{"unipc.order", 2}, {"unipc.variant", "bh1"}}, 400, 3},
      {"unipc", {{"unipc.order", 3}}, 400, 3},
  };
  for (const OrderCase& entry : cases) {
    const json settings = entry.settings.is_null() ? json::object() : entry.settings;
    EXPECT_NEAR(slope(*made(entry.name, settings), entry.steps), entry.order, 0.2) << entry.name << settings.dump();
  }
}

/// Mean and variance of what a sampler makes on Gaussian data, without chance: its steps are affine in x and in each
/// of its noises, so unit vectors put in for them, one image each, give all coefficients. x starts with the exact
/// distribution of the highest level.
struct Moments {
  double mean;
  double variance;
};

constexpr double data_mean = 0.3;
constexpr double data_deviation = 0.5;

Moments exact_moments(const Sampler& sampler, const process::Sde& sde, const std::vector<double>& sigmas) {
  const std::int64_t draws = 2 * static_cast<std::int64_t>(sigmas.size());
  std::map<std::int64_t, std::int64_t> rows;
  SamplerInput input;
  input.denoiser = closed_forms::gaussian(data_mean, data_deviation);
  input.x = torch::full({draws + 2, 1, 1, 1}, data_mean, torch::kDouble);
  input.x[1] += 1;
  input.sigmas = sigmas;
  input.sde = &sde;
  input.noise = [&](std::int64_t number) {
    Tensor z = torch::zeros({draws + 2, 1, 1, 1}, torch::kDouble);
    z[rows.emplace(number, static_cast<std::int64_t>(rows.size()) + 2).first->second] = 1;
    return z;
  };
  const Tensor out = sampler.run(input).flatten();
  const Tensor effect = (out - out[0]).square();
  const double start = data_deviation * data_deviation + sigmas[0] * sigmas[0];
  return {out[0].item<double>(), start * effect[1].item<double>() + effect.slice(0, 2).sum().item<double>()};
}

/// -d ln(error) / d ln(steps) between n and 2n steps of even length in the SDE's time.
double weak_slope(const Sampler& sampler, const process::Sde& sde, int n) {
  auto error = [&](int steps) {
    std::vector<double> sigmas;
    const double first = sde.time_of(highest);
    for (int i = 0; i <= steps; ++i)
      sigmas.push_back(i == steps ? lowest : sde.sigma(first + (sde.time_of(lowest) - first) * i / steps));
    sigmas.push_back(0);
    const Moments found = exact_moments(sampler, sde, sigmas);
    const double v = data_deviation * data_deviation;
    return std::abs(found.mean - data_mean) + std::abs(found.variance - v * v / (v + lowest * lowest));
  };
  return std::log2(error(n) / error(2 * n));
}

TEST(Convergence, StochasticSamplersHaveTheirWeakOrder) {
  const auto vp = process::make_vp_sde(0.1, 20);
  const auto sub_vp = process::make_sub_vp_sde(0.1, 20);
  const auto ve = process::make_ve_sde(0.01, 50);
  struct Case {
    std::string name;
    json settings;
    double order;
  };
  const json no_corrector{{"predictor-corrector.corrector", "none"}};
  const std::vector<Case> cases{
      {"euler-maruyama", json::object(), 1},
      {"reverse-diffusion", json::object(), 1},
      {"ancestral", json::object(), 1},
      {"ancestral", {{"ancestral.variance", "small"}}, 1},
      {"ddim", {{"ddim.eta", 0.7}}, 1},
      {"predictor-corrector", no_corrector, 1},
      {"dpmpp-2m-sde", json::object(), 2},
      {"dpmpp-sde", json::object(), 2},
      {"heun", {{"heun.s_churn", 20.0}, {"heun.s_tmin", 0.1}}, 2},
  };
  for (const Case& entry : cases)
    for (const process::Sde* sde : {vp.get(), sub_vp.get(), ve.get()}) {
      EXPECT_NEAR(weak_slope(*made(entry.name, entry.settings), *sde, 600), entry.order, 0.1)
          << entry.name << entry.settings.dump();
    }
}

// A local error in proportion to the tolerance: the error at the end goes with it, and evaluations with its fifth root.
TEST(Convergence, TheOdesErrorFollowsItsTolerance) {
  const std::vector<double> sigmas = log_levels(9, highest, lowest);
  auto run = [&](double tolerance) {
    return mixture_by(*made("ode", {{"ode.rtol", tolerance}, {"ode.atol", tolerance}}), sigmas);
  };
  const Tensor exact = run(1e-13);
  double last = 1;
  for (const double tolerance : {1e-3, 1e-5, 1e-7, 1e-9}) {
    const double error = (run(tolerance) - exact).abs().max().item<double>();
    EXPECT_LT(error, 30 * tolerance);
    EXPECT_LT(error, last / 10);
    last = error;
  }
}

}  // namespace
}  // namespace nodulus::sample
