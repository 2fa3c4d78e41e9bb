#include "nodulus/sample/diffusion_source.h"

#include <gmock/gmock.h>

#include <numeric>

#include "nodulus/core/error.h"
#include "nodulus/models/unet.h"

// The contract of every sampler: a new row is tested unasked.
namespace nodulus::sample {
namespace {

using torch::Tensor;

class SamplerContract : public ::testing::TestWithParam<SamplerRow> {
 protected:
  /// The row's sampler; where it chooses its own steps, by a tolerance that suits a network of random weights.
  static std::shared_ptr<const Sampler> coarse(const SamplerRow& row) {
    std::shared_ptr<Sampler> made = row.make();
    Options options;
    made->describe(options);
    if (row.name == "ode") options.read_json({{"ode.rtol", 1e-2}, {"ode.atol", 1e-2}}, "test");
    return made;
  }

  static DiffusionParts parts(const SamplerRow& row) {
    models::UnetOptions unet;
    unet.image_channels = 2;
    unet.labels = 3;
    unet.resolution = 16;
    unet.channels = 16;
    unet.multipliers = {1, 2};
    unet.attention_resolutions = {8};
    torch::manual_seed(1);
    DiffusionParts made;
    made.network = models::make_unet(unet);
    const torch::NoGradGuard no_grad;
    for (Tensor& p : made.network->parameters()) p.copy_(torch::randn_like(p) * 0.1);
    made.process = process::make_process("ddpm");
    made.sampler = coarse(row);
    made.steps = 6;
    made.channels = 2;
    made.resolution = 16;
    return made;
  }
};

TEST_P(SamplerContract, AnImageDependsOnItsSeedAlone) {
  DiffusionSource source(parts(GetParam()));
  const std::vector<std::uint64_t> seeds{7, 8, 9, 10, 11};
  const Tensor together = source.images(seeds, {});
  ASSERT_EQ(together.sizes(), (std::vector<std::int64_t>{5, 2, 16, 16}));
  EXPECT_TRUE(together.isfinite().all().item<bool>());
  for (std::size_t i = 0; i < seeds.size(); ++i) {
    const Tensor alone = source.images({&seeds[i], 1}, {});
    EXPECT_TRUE(alone[0].equal(together[static_cast<std::int64_t>(i)])) << "seed " << seeds[i];
  }
  EXPECT_FALSE(together[0].equal(together[1]));
}

TEST_P(SamplerContract, AnImageDependsOnItsOwnLabelsAlone) {
  auto guided = parts(GetParam());
  guided.guidance = {1.5, 0.1, 5};
  DiffusionSource source(guided);
  const std::vector<std::uint64_t> seeds{7, 8, 7};
  const Tensor labels = torch::eye(3);
  const Tensor together = source.images(seeds, labels);
  for (std::size_t i = 0; i < seeds.size(); ++i) {
    const auto row = static_cast<std::int64_t>(i);
    const Tensor alone = source.images({&seeds[i], 1}, labels.narrow(0, row, 1));
    EXPECT_TRUE(alone[0].equal(together[row])) << "seed " << seeds[i];
  }
  EXPECT_FALSE(together[0].equal(together[2]));  // the same seed, asked for otherwise
  EXPECT_FALSE(together[0].equal(source.images(seeds, {})[0]));
}

TEST_P(SamplerContract, CountsItsEvaluations) {
  DiffusionSource source(parts(GetParam()));
  const std::vector<std::uint64_t> seeds{1};
  std::int64_t steps_seen = 0;
  (void)source.images(seeds, {});
  if (const std::int64_t known = GetParam().make()->evaluations(6); known > 0) {
    EXPECT_EQ(source.evaluations(), known);
  } else {
    EXPECT_GT(source.evaluations(), 6);
  }
  auto watched = parts(GetParam());
  watched.on_step = [&](std::int64_t done, std::int64_t total) {
    EXPECT_EQ(done, ++steps_seen);
    EXPECT_EQ(total, 6);
  };
  (void)DiffusionSource(watched).images(seeds, {});
  EXPECT_EQ(steps_seen, 6);
}

TEST_P(SamplerContract, NamesItsOptionsInItsOwnSection) {
  const auto made = GetParam().make();
  Options options;
  made->describe(options);
  for (const Option& option : options.all()) EXPECT_EQ(option.section(), GetParam().name);
}

// Sections have '-' in their names: in flags, in TOML and back.
TEST_P(SamplerContract, ReadsItsOptionsAsTheyAreWritten) {
  const auto made = GetParam().make();
  Options options;
  made->describe(options);
  options.read_toml(options.to_toml(), "test.toml");
  std::vector<std::string> words;
  for (const Option& option : options.all()) {
    const auto value = option.value();
    words.insert(words.end(), {option.flag(), value.is_string() ? value.get<std::string>() : value.dump()});
  }
  const auto before = options.to_json();
  options.parse(words);
  EXPECT_EQ(options.to_json(), before);
}

TEST_F(SamplerContract, TheWayBetweenTwoSeedsBeginsAndEndsWithTheirImages) {
  DiffusionSource source(parts(sampler("dpmpp-2m")));
  const std::vector<std::uint64_t> seeds{4, 9};
  const Tensor ends = source.images(seeds, {});
  const std::vector<double> weights{0, 0.5, 1};
  const Tensor way = source.between(4, 9, weights, {});
  EXPECT_TRUE(way[0].equal(ends[0]));
  EXPECT_LT((way[2] - ends[1]).abs().max().item<double>(), 1e-6);  // sin(theta) / sin(theta), and the other's 0
  EXPECT_FALSE(way[1].allclose(ends[0], 1e-2, 1e-2));
  EXPECT_TRUE(source.between(4, 9, std::vector<double>{0.5}, {})[0].equal(way[1]));
}

TEST_F(SamplerContract, InpaintedImagesAreTheKnownOneButForTheRegion) {
  DiffusionSource source(parts(sampler("ddim")));
  const std::vector<std::uint64_t> seeds{4, 9};
  const Tensor known = torch::rand({1, 2, 16, 16}) * 2 - 1;
  const Tensor region = torch::zeros({1, 1, 16, 16}, torch::kBool);
  region.slice(2, 3, 9).slice(3, 4, 12).fill_(true);
  const Tensor made = source.inpainted(seeds, known, region, {InpaintMethod::repaint, 2, 2}, {});
  EXPECT_TRUE(torch::where(region, known, made).equal(known.expand_as(made)));
  EXPECT_FALSE(made[0].equal(made[1]));
  EXPECT_TRUE(source.inpainted({&seeds[1], 1}, known, region, {InpaintMethod::repaint, 2, 2}, {})[0].equal(made[1]));
  EXPECT_THROW((void)source.inpainted(seeds, known, region, {InpaintMethod::repaint, 2, 6}, {}), Error);
}

INSTANTIATE_TEST_SUITE_P(Catalog, SamplerContract, ::testing::ValuesIn(samplers().begin(), samplers().end()),
                         [](const auto& row) {
                           std::string name(row.param.name);
                           std::replace_if(
                               name.begin(), name.end(), [](char c) { return !std::isalnum(c); }, '_');
                           return name;
                         });

TEST(DiffusionSource, RefusesLabelsItWasNotTrainedWith) {
  models::UnetOptions unet;
  unet.image_channels = 1;
  unet.resolution = 8;
  unet.channels = 8;
  unet.multipliers = {1};
  DiffusionParts parts;
  parts.network = models::make_unet(unet);
  parts.process = process::make_process("ddpm");
  parts.sampler = sampler("ddim").make();
  parts.resolution = 8;
  DiffusionSource source(parts);
  const std::vector<std::uint64_t> seeds{1};
  EXPECT_THROW((void)source.images(seeds, torch::ones({1, 3})), c10::Error);
}

}  // namespace
}  // namespace nodulus::sample
