// The contract of every process, and what the continuous ones promise: a new row is tested unasked.
#include "nodulus/process/process.h"

#include <gmock/gmock.h>

#include <cmath>

#include "nodulus/core/error.h"
#include "nodulus/process/edm.h"

namespace nodulus::process {

// For the names of the tests.
std::ostream& operator<<(std::ostream& stream, const ProcessRow& row) { return stream << row.name; }

namespace {

using torch::Tensor;

Tensor doubles(const std::vector<double>& values) { return torch::tensor(values, torch::kDouble); }

TrainingDraw draw_of(std::int64_t count, std::int64_t size) {
  torch::manual_seed(4);
  return {torch::randn({count, 1, size, size}), (torch::arange(count, torch::kDouble) + 0.5) / count};
}

class ProcessContract : public ::testing::TestWithParam<ProcessRow> {
 protected:
  std::unique_ptr<Process> make(NoiseLabels labels = NoiseLabels::index, const std::vector<std::string>& words = {}) {
    auto made = GetParam().make();
    Options options;
    made->describe(options);
    options.parse(words);
    made->prepare(labels);
    return made;
  }
};

TEST_P(ProcessContract, LevelsDescendFromTheHighestToZero) {
  const auto process = make();
  const NoiseRange range = process->noise_range();
  for (const int steps : {1, 2, 7, 100}) {
    const auto levels = process->noise_levels(steps);
    ASSERT_EQ(levels.size(), static_cast<std::size_t>(steps) + 1);
    EXPECT_DOUBLE_EQ(levels.front(), range.highest);
    EXPECT_EQ(levels.back(), 0);
    for (std::size_t i = 1; i < levels.size(); ++i) EXPECT_LT(levels[i], levels[i - 1]);
    if (steps > 1) {
      EXPECT_NEAR(levels[levels.size() - 2], range.lowest, 1e-9 * range.lowest);
    }
  }
  EXPECT_THROW((void)process->noise_levels(0), Error);
  // What the sampler starts from has the noise of the highest level, and hardly more than a clean image on top.
  EXPECT_GE(process->prior_deviation(), range.highest * (1 - 1e-9));
  EXPECT_LE(process->prior_deviation(), 1.001 * std::sqrt(1 + range.highest * range.highest));
}

TEST_P(ProcessContract, NamesItsOptionsInItsOwnSection) {
  const auto made = GetParam().make();
  Options options;
  made->describe(options);
  for (const Option& option : options.all()) EXPECT_EQ(option.section(), GetParam().name);
}

// All noise, no image: a network that answers 0 is as wrong as the noise is strong, at every level.
TEST_P(ProcessContract, LossIsFiniteForEveryFormOfLabels) {
  for (const NoiseLabels labels : {NoiseLabels::index, NoiseLabels::logarithm, NoiseLabels::time}) {
    const auto process = make(labels);
    TrainingDraw draw = draw_of(16, 4);
    draw.uniform[0] = 0;
    const Tensor seen = torch::empty({16});
    const NetworkFunction network = [&](const Tensor& x, const Tensor& c_noise) {
      EXPECT_EQ(c_noise.sizes(), (std::vector<std::int64_t>{16}));
      EXPECT_EQ(c_noise.scalar_type(), torch::kFloat);
      seen.copy_(c_noise);
      return torch::zeros_like(x);
    };
    const Tensor loss = process->loss(network, torch::zeros({16, 1, 4, 4}), draw);
    EXPECT_EQ(loss.sizes(), (std::vector<std::int64_t>{16}));
    EXPECT_TRUE(loss.isfinite().all().item<bool>());
    EXPECT_TRUE(seen.isfinite().all().item<bool>());
    EXPECT_GT((seen[15] - seen[0]).item<float>(), 0.1F);  // rising with the noise
  }
}

// What the loss wants the network to answer, found from the loss alone (it is a parabola in the answer), makes the
// denoiser give the clean image back. Scale and noise level follow from what the denoiser hands to the network.
TEST_P(ProcessContract, LossAndDenoiserAgreeOnWhatTheNetworkIsToAnswer) {
  const auto process = make();
  constexpr double clean = 0.6;
  double input = 0;
  double label = 0;
  auto network = [&](double answer) -> NetworkFunction {
    return [&, answer](const Tensor& x, const Tensor& c_noise) {
      EXPECT_EQ(x.scalar_type(), torch::kFloat);
      input = x.item<double>();
      label = c_noise.item<double>();
      return torch::full_like(x, answer);
    };
  };
  auto denoised = [&](double x, double sigma, double answer) {
    const Tensor found =
        process->denoiser(network(answer))(torch::full({1, 1, 1, 1}, x, torch::kDouble), doubles({sigma}));
    EXPECT_EQ(found.scalar_type(), torch::kDouble);
    return found.item<double>();
  };
  for (const double u : {0.2, 0.5, 0.8}) {
    const TrainingDraw draw{torch::full({1, 1, 1, 1}, 1.3), doubles({u})};
    auto loss = [&](double answer) {
      return process->loss(network(answer), torch::full({1, 1, 1, 1}, clean), draw).item<double>();
    };
    const double zero = loss(0);
    const double up = loss(1);
    const double down = loss(-1);
    const double best = (down - up) / (2 * (up + down - 2 * zero));
    EXPECT_NEAR(loss(best), 0, 1e-5 * (1 + zero));
    const double wanted_input = input;
    const double wanted_label = label;
    double low = process->noise_range().lowest;
    double high = process->noise_range().highest;
    for (int i = 0; i < 60; ++i) {
      const double middle = std::sqrt(low * high);
      (void)denoised(1, middle, 0);
      (label < wanted_label ? low : high) = middle;
    }
    (void)denoised(1, high, 0);
    EXPECT_NEAR(denoised(wanted_input / input, high, best), clean, 2e-3 * (1 + high)) << "sigma " << high;
  }
}

// One noise level for all images, or one for each.
TEST_P(ProcessContract, DenoiserTakesOneLevelOrOneForEachImage) {
  const auto process = make();
  torch::manual_seed(3);
  const NetworkFunction network = [](const Tensor& x, const Tensor& c_noise) {
    return torch::tanh(x + 1e-3 * c_noise.view({-1, 1, 1, 1}));
  };
  const double level = std::sqrt(process->noise_range().lowest * process->noise_range().highest);
  const Tensor x = torch::randn({3, 1, 4, 4}, torch::kDouble);
  const Tensor once = process->denoiser(network)(x, doubles({level}));
  EXPECT_TRUE(process->denoiser(network)(x, doubles({level, level, level})).equal(once));
  EXPECT_FALSE(process->denoiser(network)(x, doubles({level, level, 2 * level}))[2].equal(once[2]));
}

INSTANTIATE_TEST_SUITE_P(Catalog, ProcessContract, ::testing::ValuesIn(processes().begin(), processes().end()),
                         [](const auto& row) {
                           std::string name(row.param.name);
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

/// A trained process whose network has seen Gaussian images N(0.2, 0.3^2) for ever: D is known, and so is F.
class ScoreProcesses : public ::testing::TestWithParam<const char*> {
 protected:
  static constexpr double mean = 0.2;
  static constexpr double deviation = 0.3;

  static std::unique_ptr<Process> make(const std::vector<std::string>& words = {}) {
    auto made = make_process(GetParam());
    Options options;
    made->describe(options);
    options.parse(words);
    made->prepare(NoiseLabels::index);
    return made;
  }
  static std::string flag(const std::string& key) { return std::string("--") + GetParam() + "." + key; }
};

// The network learns the noise with the published sign, from s clean + s sigma noise and c_noise = 999 t.
TEST_P(ScoreProcesses, TheNetworkSeesTheScaledImageAndTheTime) {
  const auto process = make();
  const Sde& sde = process->sde();
  const bool exploding = std::string(GetParam()).ends_with("ve");
  const TrainingDraw draw = draw_of(8, 2);
  const Tensor clean = torch::full({8, 1, 2, 2}, 0.5);
  const NetworkFunction oracle = [&](const Tensor& x, const Tensor& c_noise) {
    for (int i = 0; i < 8; ++i) {
      const double t = 1e-5 + (1 - 1e-5) * draw.uniform[i].item<double>();
      EXPECT_NEAR(c_noise[i].item<double>(), 999 * t, 1e-3);
      const Tensor expected = sde.scale(t) * 0.5 + sde.deviation(t) * draw.noise[i];
      EXPECT_LT((x[i] - expected).abs().max().item<double>(), 1e-5 * (1 + sde.deviation(t)));
    }
    return exploding ? -draw.noise : draw.noise;
  };
  EXPECT_EQ(process->loss(oracle, clean, draw).max().item<double>(), 0);
  const NetworkFunction nothing = [](const Tensor& x, const Tensor&) { return torch::zeros_like(x); };
  const Tensor expected = draw.noise.square().flatten(1).mean(1);
  EXPECT_TRUE(process->loss(nothing, clean, draw).allclose(expected));
  EXPECT_TRUE(make({flag("reduction"), "sum"})->loss(nothing, clean, draw).allclose(2 * expected));
}

// Both ways of drawing times estimate the integral of the likelihood weight times the error; the times drawn by
// importance make the product constant where the error is.
TEST_P(ScoreProcesses, ImportanceSamplingKeepsTheExpectation) {
  constexpr std::int64_t count = 200'000;
  TrainingDraw draw{torch::ones({count, 1, 1, 1}), (torch::arange(count, torch::kDouble) + 0.5) / count};
  // An error that fades towards the clean end, where the weight grows without bound.
  const NetworkFunction network = [&](const Tensor& x, const Tensor& c_noise) {
    const double sign = std::string(GetParam()).ends_with("ve") ? -1 : 1;
    return sign * (1 - (c_noise / 999).view({-1, 1, 1, 1})) + torch::zeros_like(x);
  };
  const Tensor clean = torch::zeros({count, 1, 1, 1});
  const auto plain = make({flag("weighting"), "likelihood", std::string("--no-") + GetParam() + ".importance"});
  const auto drawn = make({flag("weighting"), "likelihood"});
  const double expected = plain->loss(network, clean, draw).mean().item<double>();
  EXPECT_NEAR(drawn->loss(network, clean, draw).mean().item<double>(), expected, 1e-3 * expected);
  const NetworkFunction nothing = [](const Tensor& x, const Tensor&) { return torch::zeros_like(x); };
  EXPECT_LT(drawn->loss(nothing, clean, draw).std().item<double>(), 1e-4);
}

TEST_P(ScoreProcesses, DenoiserIsThePosteriorMeanForGaussianImages) {
  const auto process = make();
  const Sde& sde = process->sde();
  const bool exploding = std::string(GetParam()).ends_with("ve");
  const NetworkFunction perfect = [&](const Tensor& x_t, const Tensor& c_noise) {
    Tensor z = torch::empty_like(x_t);
    for (std::int64_t i = 0; i < x_t.size(0); ++i) {
      const double t = c_noise[i].item<double>() / 999;
      const double scale = sde.scale(t);
      const double noise = sde.deviation(t);
      z[i] = noise * (x_t[i] - scale * mean) / (scale * scale * deviation * deviation + noise * noise);
    }
    return exploding ? -z : z;
  };
  const Tensor sigma = doubles({0.05, 0.3, 2.0, 20.0});
  const Tensor x = torch::linspace(-3, 3, 4, torch::kDouble).view({4, 1, 1, 1});
  const Tensor s2 = sigma.square().view({4, 1, 1, 1});
  const Tensor expected = mean + deviation * deviation / (deviation * deviation + s2) * (x - mean);
  const Tensor found = process->denoiser(perfect)(x, sigma);
  EXPECT_LT(((found - expected) / (1 + s2.sqrt())).abs().max().item<double>(), 1e-5);
}

INSTANTIATE_TEST_SUITE_P(All, ScoreProcesses, ::testing::Values("vp", "sub-vp", "ve", "tutorial-ve"),
                         [](const auto& row) {
                           std::string name(row.param);
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

TEST(ScoreProcess, LogarithmicLabelsAreThoseOfThePublishedNetworks) {
  auto seen = [](const char* name, double sigma) {
    const auto process = make_process(name);
    process->prepare(NoiseLabels::logarithm);
    double label = 0;
    const NetworkFunction network = [&](const Tensor& x, const Tensor& c_noise) {
      label = c_noise[0].item<double>();
      return torch::zeros_like(x);
    };
    (void)process->denoiser(network)(torch::zeros({1, 1, 1, 1}, torch::kDouble), doubles({sigma}));
    return label;
  };
  EXPECT_NEAR(seen("ve", 3), std::log(3), 1e-6);
  EXPECT_NEAR(seen("vp", 3), std::log(999 * make_vp_sde(0.1, 20)->time_of(3)), 1e-5);
}

TEST(Edm, DenoiserIsThePosteriorMeanOfItsOwnDeviationWhereFIsNothing) {
  // c_skip alone is the best denoiser of N(0, sigma_data^2), so the best F is 0 there, at every level.
  const Edm edm;
  const NetworkFunction nothing = [](const Tensor& x, const Tensor&) { return torch::zeros_like(x); };
  const Tensor sigma = doubles({0.01, 0.5, 40});
  const Tensor x = torch::ones({3, 1, 1, 1}, torch::kDouble);
  const Tensor found = edm.denoiser(nothing)(x, sigma).flatten();
  EXPECT_TRUE(found.allclose(0.25 / (0.25 + sigma.square()), 1e-12, 1e-15));
}

TEST(Edm, TheNetworkSeesImagesOfUnitVarianceAndTheLogarithmOfTheNoise) {
  const Edm edm;
  constexpr std::int64_t count = 4096;
  torch::manual_seed(1);
  const Tensor clean = 0.5 * torch::randn({count, 1, 4, 4});
  const TrainingDraw draw{torch::randn({count, 1, 4, 4}), (torch::arange(count, torch::kDouble) + 0.5) / count};
  Tensor input;
  Tensor log_sigma;
  const NetworkFunction nothing = [&](const Tensor& x, const Tensor& c_noise) {
    input = x;
    log_sigma = 4 * c_noise;
    return torch::zeros_like(x);
  };
  const Tensor loss = edm.loss(nothing, clean, draw);
  EXPECT_NEAR(log_sigma.mean().item<double>(), -1.2, 1e-3);  // table 1
  EXPECT_NEAR(log_sigma.std().item<double>(), 1.2, 2e-3);
  EXPECT_NEAR(input.square().mean().item<double>(), 1, 0.02);
  // With images of deviation sigma_data and F = 0, the target has unit variance at every level (appendix B.6).
  EXPECT_NEAR(loss.mean().item<double>(), 1, 0.02);
  EXPECT_NEAR(loss.narrow(0, 0, 400).mean().item<double>(), 1, 0.06);
  EXPECT_NEAR(loss.narrow(0, count - 400, 400).mean().item<double>(), 1, 0.06);
}

TEST(Edm, StepsAreThoseOfThePaper) {
  const Edm edm;
  const auto levels = edm.noise_levels(18);
  EXPECT_NEAR(levels[0], 80, 1e-9);
  // (80^(1/7) + 1/17 (0.002^(1/7) - 80^(1/7)))^7
  EXPECT_NEAR(levels[1], std::pow(std::pow(80, 1 / 7.0) * 16 / 17 + std::pow(0.002, 1 / 7.0) / 17, 7), 1e-9);
  EXPECT_NEAR(levels[17], 0.002, 1e-12);
  EXPECT_EQ(levels[18], 0);
}

TEST(Process, AnUnknownNameIsAUsageErrorThatNamesTheNearest) {
  try {
    (void)make_process("sub-pv");
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::usage);
    EXPECT_THAT(error.what(), ::testing::HasSubstr("sub-vp"));
  }
}

}  // namespace
}  // namespace nodulus::process
