// The figures against NumPy and SciPy, and against what is known of them.

#include <gmock/gmock.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <cmath>

#include "nodulus/eval/catalog.h"
#include "nodulus/eval/ms_ssim.h"
#include "tests/eval/figure_golden.h"

namespace nodulus::eval {
namespace {

using torch::Tensor;

constexpr double agreement = 1e-4;

#define EXPECT_RELATIVE(found, expected) EXPECT_NEAR(found, expected, agreement* std::abs(expected))

/// As features() of make_figure_goldens.py.
Tensor golden_features(std::int64_t n, std::int64_t d, double phase, double spread, double shift) {
  const Tensor i = torch::arange(n, torch::kDouble).unsqueeze(1);
  const Tensor j = torch::arange(d, torch::kDouble).unsqueeze(0);
  return shift + torch::sin(1.7 * i + 0.9 * j + phase) + spread * torch::cos(0.37 * i * (j + 1) + phase * j);
}

Tensor golden_a() { return golden_features(120, 12, 0, 0.6, 0); }
Tensor golden_b() { return golden_features(90, 12, 0.4, 1.1, 0.3); }

/// As pictures() there.
Tensor golden_pictures(double phase) {
  const Tensor i = torch::arange(4, torch::kDouble).view({-1, 1, 1});
  const Tensor y = torch::arange(64, torch::kDouble).view({1, -1, 1});
  const Tensor x = torch::arange(64, torch::kDouble).view({1, 1, -1});
  return (0.5 + 0.3 * torch::sin(0.21 * x * (i + 1) + phase) * torch::cos(0.13 * y + i) +
          0.2 * torch::sin(1.9 * x * y + i))
      .to(torch::kFloat);
}

Sample sample_of(const Tensor& features) {
  Sample sample{features, torch::rand({features.size(0), 16, 16}), {}};
  for (std::int64_t i = 0; i < features.size(0); ++i) sample.groups.push_back(i);
  return sample;
}

Tensor normals(std::int64_t n, std::int64_t d, std::uint64_t seed) {
  torch::manual_seed(seed);
  return torch::randn({n, d}, torch::kDouble);
}

TEST(Frechet, AgreesWithScipy) {
  EXPECT_RELATIVE(frechet_distance(golden_a(), golden_b()), golden::fd[0]);
  EXPECT_RELATIVE(frechet_distance(golden_a(), golden_a().narrow(0, 0, 60)), golden::fd[1]);
  EXPECT_RELATIVE(frechet_distance(golden_a().narrow(0, 0, 40), golden_b()), golden::fd[2]);
}

TEST(Frechet, OfMomentsIsKnownForDiagonalCovariances) {
  // |m|^2 + sum (sqrt c_a - sqrt c_b)^2: commuting covariances.
  const Tensor a = torch::tensor({4.0, 9.0, 1.0}, torch::kDouble);
  const Tensor b = torch::tensor({1.0, 4.0, 16.0}, torch::kDouble);
  const Tensor m = torch::tensor({1.0, 2.0, 3.0}, torch::kDouble);
  EXPECT_NEAR(frechet_distance_of_moments(m, torch::diag(a), torch::zeros(3, torch::kDouble), torch::diag(b)),
              14 + 1 + 1 + 9, 1e-10);
}

TEST(Frechet, OfSamplesIsThatOfTheirMoments) {
  const Tensor a = normals(300, 5, 1) * 2 + 1;
  const Tensor b = normals(200, 5, 2);
  EXPECT_NEAR(frechet_distance(a, b),
              frechet_distance_of_moments(a.mean(0), torch::cov(a.t()), b.mean(0), torch::cov(b.t())), 1e-9);
}

TEST(Frechet, TendsToTheDistanceOfTheDistributions) {
  // N(0, 1) and N(1, 4) in 4 dimensions: 4 (1 + (2 - 1)^2) = 8.
  const Tensor a = normals(60000, 4, 3);
  const Tensor b = normals(60000, 4, 4) * 2 + 1;
  EXPECT_NEAR(frechet_distance(a, b), 8, 0.1);
}

TEST(Frechet, IsZeroForEqualSetsAndNeverNegative) {
  for (const std::int64_t n : {2, 3, 40, 700}) {  // fewer and more rows than features
    const Tensor a = normals(n, 64, 5);
    EXPECT_NEAR(frechet_distance(a, a), 0, 1e-9 * static_cast<double>(n)) << n;
    EXPECT_GE(frechet_distance(a, a), 0);
  }
  EXPECT_EQ(frechet_distance(torch::full({5, 3}, 2.0), torch::full({4, 3}, 2.0)), 0);  // constant images
  EXPECT_NEAR(frechet_distance(torch::full({5, 3}, 2.0), torch::full({4, 3}, 4.0)), 12, 1e-12);
}

TEST(Frechet, IsNoNumberWhereNothingCanBeSaid) {
  EXPECT_TRUE(std::isnan(frechet_distance(normals(1, 3, 1), normals(5, 3, 2))));
  EXPECT_TRUE(std::isnan(frechet_distance(torch::full({5, 3}, std::nan("")), normals(5, 3, 2))));
}

TEST(Frechet, WeightsAreRepetitions) {
  const Tensor a = normals(20, 4, 6);
  const Tensor b = normals(15, 4, 7);
  const Tensor weights = torch::tensor({0, 1, 2, 3, 1, 1, 0, 0, 2, 1, 1, 1, 1, 1, 1, 2, 0, 1, 1, 1}, torch::kDouble);
  const Tensor repeated = torch::repeat_interleave(a, weights.to(torch::kLong), 0);
  EXPECT_NEAR(frechet_distance(a, weights, b, torch::ones({15}, torch::kDouble)), frechet_distance(repeated, b), 1e-10);
}

TEST(Frechet, ExtrapolatedToEndlessSamplesHasNoBias) {
  // Two samples of one distribution: the distance is 0, FD at 400 of 40 dimensions is far from it.
  const Tensor a = normals(400, 40, 8);
  const Tensor b = normals(400, 40, 9);
  const FrechetLimit limit = frechet_limit(a, b, 1);
  const double at_all = frechet_distance(a, b);
  EXPECT_GT(at_all, 1.5);
  EXPECT_LT(std::abs(limit.limit), at_all / 5);
  EXPECT_NEAR(limit.points.back().second, at_all, 1e-9);
}

TEST(KernelDistance, AgreesWithNumpy) {
  EXPECT_RELATIVE(KernelDistance(golden_a(), golden_b()).value(), golden::kid[0]);
  EXPECT_RELATIVE(KernelDistance(golden_a(), golden_a().narrow(0, 0, 60)).value(), golden::kid[1]);
}

TEST(KernelDistance, HasNoBias) {
  double sum = 0;
  for (std::uint64_t i = 0; i < 60; ++i)
    sum += KernelDistance(normals(20, 6, 2 * i), normals(25, 6, 2 * i + 1)).value() / 60;
  EXPECT_NEAR(sum, 0, 0.1);  // single values lie up to 0.8 away
  EXPECT_GT(KernelDistance(normals(20, 6, 1), normals(25, 6, 2) + 1).value(), 1);
}

TEST(KernelDistance, RepetitionsMakeNoPairs) {
  // An image drawn twice is no pair of images: with weights of one kind for all, nothing changes.
  const KernelDistance distance(golden_a(), golden_b());
  EXPECT_NEAR(distance.value(torch::full({120}, 3.0, torch::kDouble), torch::full({90}, 2.0, torch::kDouble)),
              distance.value(), 1e-10);
}

TEST(KernelDistance, BlocksLieAboutTheWhole) {
  const KernelDistance distance(golden_a(), golden_b());
  const auto blocks = distance.blocks(50, 200, 1);
  EXPECT_EQ(blocks.size, 45);  // half of the 90
  EXPECT_NEAR(blocks.mean, distance.value(), 4 * blocks.deviation / std::sqrt(200.0));
  EXPECT_GT(blocks.deviation, 0);
  EXPECT_EQ(distance.blocks(20, 3, 1).size, 20);
  EXPECT_GT(distance.blocks(1000, 20, 1).deviation, 1e-3);  // no block is the whole
}

TEST(Neighbours, AgreeWithNumpy) {
  const auto all = neighbourhoods(golden_a(), golden_b(), {3, 5});
  const double* expected[] = {golden::prdc_3, golden::prdc_5};
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_NEAR(all[i].precision.mean().item<double>(), expected[i][0], 1e-12);
    EXPECT_NEAR(all[i].recall.mean().item<double>(), expected[i][1], 1e-12);
    EXPECT_NEAR(all[i].density.mean().item<double>(), expected[i][2], 1e-12);
    EXPECT_NEAR(all[i].coverage.mean().item<double>(), expected[i][3], 1e-12);
  }
}

TEST(Neighbours, OfDisjointSetsShareNothing) {
  const auto found = neighbourhoods(normals(50, 4, 1), normals(40, 4, 2) + 1000, {3}).front();
  EXPECT_EQ(found.precision.sum().item<double>(), 0);
  EXPECT_EQ(found.recall.sum().item<double>(), 0);
  EXPECT_EQ(found.density.sum().item<double>(), 0);
  EXPECT_EQ(found.coverage.sum().item<double>(), 0);
}

TEST(Neighbours, OfEqualSetsShareAll) {
  const Tensor x = normals(50, 4, 1);
  const auto found = neighbourhoods(x, x, {3}).front();
  EXPECT_EQ(found.precision.mean().item<double>(), 1);
  EXPECT_EQ(found.recall.mean().item<double>(), 1);
  EXPECT_EQ(found.coverage.mean().item<double>(), 1);
}

TEST(MsSsim, AgreesWithNumpy) {
  const Tensor found = ms_ssim(golden_pictures(0), golden_pictures(0.8));
  for (std::int64_t i = 0; i < 4; ++i) EXPECT_RELATIVE(found[i].item<double>(), golden::ms_ssim[i]);
}

TEST(MsSsim, OfOneImageWithItselfIsOne) {
  const Tensor x = golden_pictures(0);
  EXPECT_NEAR((ms_ssim(x, x) - 1).abs().max().item<double>(), 0, 1e-5);
}

TEST(MsSsim, PairsAreOfDifferentImages) {
  // Three equal images and a different one: of the six pairs three are equal.
  Tensor x = golden_pictures(0).narrow(0, 0, 1).repeat({4, 1, 1});
  x[2] = golden_pictures(0)[3];
  const Tensor pairs = ms_ssim_of_pairs(x, 100, 1);
  ASSERT_EQ(pairs.numel(), 6);
  EXPECT_EQ((pairs > 0.999).sum().item<int>(), 3);
  EXPECT_EQ(ms_ssim_of_pairs(x.narrow(0, 0, 1), 100, 1).numel(), 0);
}

TEST(Figures, AuthenticityAgreesWithNumpy) {
  const Sample a = sample_of(golden_a());
  const Sample b = sample_of(golden_b());
  Comparison comparison(a, b, 1);
  for (const FigureRow& row : figures())
    if (row.name == "authenticity") {
      EXPECT_NEAR(row.compute(comparison, 0).value, golden::authenticity[0], 1e-12);
    }
}

TEST(Figures, OfEqualSetsAreTheBest) {
  const Sample a = sample_of(golden_a());
  Comparison comparison(a, a, 1);
  for (const FigureRow& row : figures()) {
    const double value = row.compute(comparison, 0).value;
    if (row.name == "fd") {
      EXPECT_NEAR(value, 0, 1e-9);
    }
    if (row.name.starts_with("precision") || row.name.starts_with("recall") || row.name.starts_with("coverage")) {
      EXPECT_EQ(value, 1) << row.name;
    }
    if (row.name == "authenticity") {
      EXPECT_EQ(value, 0);
    }
  }
}

TEST(Figures, EachIsANumberWithAnIntervalThatHoldsIt) {
  const Sample a = sample_of(golden_a());
  const Sample b = sample_of(golden_b());
  for (const FigureRow& row : figures()) {
    Comparison comparison(a, b, 1);
    const FigureValue found = row.compute(comparison, 40);
    EXPECT_TRUE(std::isfinite(found.value)) << row.name;
    EXPECT_LE(found.interval.low, found.value + 1e-9) << row.name;
    EXPECT_GE(found.interval.high, found.value - 1e-9) << row.name;
    EXPECT_THAT(row.better, testing::AnyOf("lower", "higher", "none")) << row.name;
    EXPECT_FALSE(row.meaning.empty()) << row.name;
    Comparison again(a, b, 1);
    EXPECT_EQ(row.compute(again, 40).interval.low, found.interval.low) << row.name;  // seeded
  }
}

TEST(Figures, AreFiniteForTheSmallestSets) {
  for (const std::int64_t n : {2, 3}) {
    const Sample a = sample_of(normals(n, 12, 1));
    const Sample b = sample_of(normals(n, 12, 2));
    for (const FigureRow& row : figures()) {
      Comparison comparison(a, b, 1);
      const double value = row.compute(comparison, 10).value;
      // Of k images or fewer there is no k-th neighbour.
      const bool known = row.name.find('_') == std::string::npos || row.name == "ms_ssim" || row.name == "fd_infinity";
      EXPECT_FALSE(std::isinf(value)) << row.name << " of " << n;
      if (known && n > 2) {
        EXPECT_TRUE(std::isfinite(value)) << row.name << " of " << n;
      }
      if (row.name.ends_with("_3") || row.name.ends_with("_5")) {
        EXPECT_TRUE(std::isnan(value)) << row.name << " of " << n;
      }
    }
  }
}

TEST(Figures, OfPairsTakeSomeOfManyImages) {
  const Sample many = sample_of(normals(5001, 2, 1));
  const Sample few = sample_of(normals(40, 2, 2));
  const Comparison comparison(few, many, 1);
  EXPECT_EQ(comparison.some_other().count(), 5000);
  EXPECT_EQ(comparison.some_other().groups.size(), 5000U);
  EXPECT_EQ(comparison.some_reference().count(), 40);
}

TEST(Figures, IntervalsNarrowWithMoreImages) {
  auto width = [](std::int64_t n) {
    const Sample a = sample_of(normals(n, 3, 1));
    const Sample b = sample_of(normals(n, 3, 2) + 1);
    Comparison comparison(a, b, 1);
    const FigureValue fd = figures().front().compute(comparison, 60);
    return fd.interval.high - fd.interval.low;
  };
  EXPECT_LT(width(1600), 0.5 * width(100));  // as 1 over the root of n: a quarter
}

TEST(Intervals, OfSharesOfAllOrNoneAreWilsons) {
  const std::vector<std::int64_t> each{1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
  const Interval all = interval_of_mean(torch::ones({10}), each, 50, 1);
  EXPECT_NEAR(all.low, 0.7225, 1e-4);  // 10 of 10: z^2 = 3.8415, 10 / (10 + z^2)
  EXPECT_NEAR(all.high, 1, 1e-12);
  EXPECT_NEAR(interval_of_mean(torch::zeros({10}), each, 50, 1).high, 1 - 0.7225, 1e-4);
  EXPECT_NEAR(interval_of_mean(torch::zeros({10}), std::vector<std::int64_t>(10, 1), 50, 1).high, 0.7935, 1e-4);
}

TEST(Intervals, OfMeansAreAsWideAsTheirDeviation) {
  std::vector<std::int64_t> each;
  for (std::int64_t i = 0; i < 400; ++i) each.push_back(i);
  const Interval found = interval_of_mean(normals(400, 1, 3).flatten(), each, 400, 1);
  EXPECT_NEAR((found.high - found.low) / 2, 1.96 / 20, 0.015);
}

TEST(Intervals, AreCentredOnTheValue) {
  const Interval found = centred_interval(10, {20, 21, 22, 23, 24});
  EXPECT_NEAR(found.low, 8.1, 1e-9);
  EXPECT_NEAR(found.high, 11.9, 1e-9);
  EXPECT_TRUE(std::isnan(centred_interval(10, {20}).low));
}

TEST(Resampling, DrawsWholePatients) {
  const Tensor weights = resampled({7, 7, 7, 2, 2, 9}, 3);
  EXPECT_EQ(weights[0].item<double>(), weights[1].item<double>());
  EXPECT_EQ(weights[0].item<double>(), weights[2].item<double>());
  EXPECT_EQ(weights[3].item<double>(), weights[4].item<double>());
  EXPECT_EQ((weights[0] + weights[3] + weights[5]).item<double>(), 3);
}

TEST(Resampling, SubsetsAreDifferentRows) {
  const auto rows = subset(50, 20, 4);
  EXPECT_EQ(rows.size(), 20U);
  EXPECT_THAT(rows, testing::WhenSorted(testing::ElementsAreArray(rows)));
  EXPECT_EQ(std::set<std::int64_t>(rows.begin(), rows.end()).size(), 20U);
  EXPECT_EQ(subset(5, 20, 4).size(), 5U);
}

}  // namespace
}  // namespace nodulus::eval
