// Every row of the catalog on Gaussian data with a full covariance, where D is known: a new row is tested unasked.
#include <gmock/gmock.h>

#include "nodulus/process/ddpm.h"
#include "nodulus/sample/ancestral.h"
#include "nodulus/sample/own_scale.h"
#include "nodulus/sample/predictor_corrector.h"
#include "tests/sample/closed_forms.h"
#include "tests/support/expect_error.h"

namespace nodulus::sample {
namespace {

using torch::Tensor;

constexpr std::int64_t side = 4;
constexpr std::int64_t pixels = side * side;

/// N(mean, C) with C_ij = 0.3^2 / 2^|i - j|, pixels in reading order.
struct Data {
  Tensor mean = torch::linspace(-0.5, 0.5, pixels, torch::kDouble);
  Tensor covariance = torch::empty({pixels, pixels}, torch::kDouble);
  process::Denoiser denoiser;

  Data() {
    for (std::int64_t i = 0; i < pixels; ++i)
      for (std::int64_t j = 0; j < pixels; ++j)
        covariance[i][j] = 0.09 * std::pow(0.5, static_cast<double>(std::abs(i - j)));
    const auto [lambda, Q] = torch::linalg_eigh(covariance);
    denoiser = closed_forms::gaussian(mean, lambda, Q);
  }
};

class Catalog : public ::testing::TestWithParam<SamplerRow> {
 protected:
  static SamplerInput input(const process::Process& process, std::span<const double> sigmas, std::int64_t count) {
    SamplerInput made;
    made.x = closed_forms::normal({count, 1, side, side}, 0) * process.prior_deviation();
    made.sigmas = sigmas;
    made.sde = &process.sde();
    made.noise = [count](std::int64_t number) {
      return closed_forms::normal({count, 1, side, side}, static_cast<std::uint64_t>(number) + 1);
    };
    return made;
  }
};

TEST_P(Catalog, ReachesMeanAndCovariance) {
  const Data data;
  const process::Ddpm process;
  const bool corrects = GetParam().name == "predictor-corrector";
  const std::int64_t count = corrects ? 1000 : 3000;  // its norms, image by image, take their time
  const int steps = GetParam().order == 1 ? 500 : 60;
  const std::vector<double> sigmas = noise_levels({GetParam().schedule}, process, steps);
  SamplerInput in = input(process, sigmas, count);
  in.denoiser = data.denoiser;
  nlohmann::json settings = nlohmann::json::object();
  // At its usual 0.16 the corrector's steps are so long that they add 3 % to the variance by themselves.
  if (corrects) settings["predictor-corrector.snr"] = 0.05;
  const Tensor samples = closed_forms::made(GetParam().name, settings)->run(in).flatten(1);
  const Tensor mean = samples.mean(0);
  const Tensor apart = samples - mean;
  const Tensor covariance = apart.t().matmul(apart) / static_cast<double>(count - 1);
  // Five standard errors, and what a finite number of steps leaves: 2 % of the variance, 1 % of the deviation.
  const Tensor variance = data.covariance.diagonal();
  const Tensor mean_error = (variance / static_cast<double>(count)).sqrt();
  const Tensor covariance_error =
      ((torch::outer(variance, variance) + data.covariance.square()) / static_cast<double>(count)).sqrt();
  EXPECT_LT(((mean - data.mean).abs() - 5 * mean_error).max().item<double>(), 0.01 * 0.3);
  EXPECT_LT(((covariance - data.covariance).abs() - 5 * covariance_error).max().item<double>(), 0.02 * 0.09);
}

TEST_P(Catalog, StopsWhereTheNetworkAnswersWithNaN) {
  const process::Ddpm process;
  const std::vector<double> sigmas = noise_levels({}, process, 12);
  SamplerInput in = input(process, sigmas, 3);
  // NaN in one pixel of each image, from the seventh level on.
  in.denoiser = [&](const Tensor& x, const Tensor& sigma) {
    const Tensor level = sigma.expand({x.size(0)});
    Tensor clean = x / (1 + level.square()).view({-1, 1, 1, 1});
    clean.select(3, 1).select(2, 1).masked_fill_((level <= sigmas[6] * (1 + 1e-9)).view({-1, 1}), std::nan(""));
    return clean;
  };
  const auto run = [&] { (void)GetParam().make()->run(in); };
  test::expect_error(run, ErrorCode::bad_input, {"the network answered with NaN at step ", " of 12, sigma "});
  try {
    run();
  } catch (const Error& error) {
    // In the seventh step, or at the end of the sixth where a step looks ahead.
    EXPECT_THAT(error.what(), testing::AnyOf(testing::HasSubstr("step 6 of"), testing::HasSubstr("step 7 of")));
  }
}

TEST_P(Catalog, TakesOneStep) {
  const Data data;
  const process::Ddpm process;
  const std::vector<double> sigmas = noise_levels({GetParam().schedule}, process, 1);
  SamplerInput in = input(process, sigmas, 2);
  in.denoiser = data.denoiser;
  EXPECT_TRUE(GetParam().make()->run(in).isfinite().all().item<bool>());
}

INSTANTIATE_TEST_SUITE_P(Rows, Catalog, ::testing::ValuesIn(samplers().begin(), samplers().end()), [](const auto& row) {
  std::string name(row.param.name);
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
});

// The large variance is that of the SDE's own forward step, in the unscaled form: s = 1 / sqrt(1 + sigma^2) for VP.
TEST(Ancestral, TakesTheScaleOfItsSde) {
  const auto vp = process::make_vp_sde(0.1, 20);
  const auto ve = process::make_ve_sde(0.01, 50);
  EXPECT_NEAR(ancestral_variance(vp.get(), StepVariance::large, 3, 2),
              ancestral_variance(nullptr, StepVariance::large, 3, 2), 1e-12);
  EXPECT_DOUBLE_EQ(ancestral_variance(ve.get(), StepVariance::large, 3, 2), 5);
}

TEST(PredictorCorrector, IsNothingWithoutBoth) {
  const process::Ddpm process;
  const std::vector<double> sigmas = process.noise_levels(3);
  SamplerInput in;
  in.x = torch::zeros({1, 1, 2, 2}, torch::kDouble);
  in.sigmas = sigmas;
  in.sde = &process.sde();
  test::expect_error(
      [&] { (void)predictor_corrector(in, {.predictor = Predictor::none, .corrector = Corrector::none}); },
      ErrorCode::usage, {"expected a predictor or a corrector"});
}

// At a level kept still, the corrector alone leaves the distribution N(m, V) of that level as it is, up to the length
// of its steps: the variance becomes V / (1 - e / (2V)). langevin's e goes with |z|^2 / |score|^2 of the same image of
// D pixels, which adds the factor (1 + 2/D) / (1 - 2/D).
TEST(PredictorCorrector, TheCorrectorKeepsTheDistributionOfItsLevel) {
  const std::int64_t count = 400;
  const std::vector<std::int64_t> shape{count, 1, 8, 8};
  const auto ve = process::make_ve_sde(0.01, 50);
  const double v = 0.25 + 1;  // of the data, and of the level sigma = 1
  Tensor seen;
  const process::Denoiser denoiser = closed_forms::gaussian(0.3, 0.5);
  SamplerInput in;
  in.denoiser = [&](const Tensor& x, const Tensor& sigma) {
    seen = x;
    return denoiser(x, sigma);
  };
  in.x = 0.3 + std::sqrt(v) * closed_forms::normal(shape, 0);
  const std::vector<double> sigmas{1, 0};
  in.sigmas = sigmas;
  in.sde = ve.get();
  in.noise = [&](std::int64_t number) { return closed_forms::normal(shape, static_cast<std::uint64_t>(number) + 1); };
  const double D = 64;
  struct Case {
    Corrector corrector;
    double snr;
    double expected;
  };
  for (const Case& entry : {Case{Corrector::langevin, 0.16, v / (1 - 0.16 * 0.16) * (1 + 2 / D) / (1 - 2 / D)},
                            Case{Corrector::annealed_langevin, 0.7, v / (1 - 0.7 * 0.7 / v)}}) {
    (void)predictor_corrector(in, {.corrector = entry.corrector, .snr = entry.snr, .corrector_steps = 100});
    const double n = static_cast<double>(seen.numel());
    EXPECT_NEAR(seen.mean().item<double>(), 0.3, 5 * std::sqrt(entry.expected / n));
    EXPECT_NEAR(seen.var().item<double>(), entry.expected, 5 * entry.expected * std::sqrt(2 / n));
  }
}

}  // namespace
}  // namespace nodulus::sample
