#include "nodulus/train/gan_step.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>

#include "nodulus/core/safetensors.h"
#include "nodulus/train/gan_learner.h"

#include "tests/support/expect_error.h"
#include "tests/train/tiny_training.h"

namespace nodulus::train {
namespace {

using torch::Tensor;

models::StyleGan2Options tiny_networks() {
  models::StyleGan2Options o;
  o.resolution = 8;
  o.image_channels = 1;
  o.z = o.w = 16;
  o.channel_base = 128;
  o.channel_max = 16;
  return o;
}

/// Sixteen 8x8 images of two modes: bright on the left, or on the right.
void write_two_modes(const std::filesystem::path& folder) {
  ArtifactWriter artifact(folder, "dataset", false);
  data::DatasetInfo info;
  info.height = info.width = 8;
  info.labels = {{"side", "number", "", {}}};
  data::DatasetWriter writer(artifact.path(), info, {"patient", "nodule"});
  for (int i = 0; i < 16; ++i) {
    std::vector<float> noise(64);
    RandomStream(static_cast<std::uint64_t>(i)).fill_normal(noise);
    std::vector<std::int16_t> image(64);
    for (int at = 0; at < 64; ++at) {
      const bool bright = (at % 8 < 4) == (i % 2 == 0);
      image[static_cast<std::size_t>(at)] =
          static_cast<std::int16_t>((bright ? 100 : -800) + 30 * noise[static_cast<std::size_t>(at)]);
    }
    data::Item item;
    item.patient = "P" + std::to_string(i);
    item.nodule = "1";
    item.labels = {std::to_string(i % 2 == 0 ? 3 : 5)};  // the side that is bright
    item.split = data::Split::train;
    writer.append(item, image, {});
  }
  writer.close({});
  Manifest manifest;
  manifest.kind = "dataset";
  manifest.command = "test";
  write_manifest(artifact.path(), manifest);
  artifact.commit();
}

class GanTraining : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = scratch();
    write_two_modes(folder_ / "dataset");
    dataset_.emplace(data::Dataset::open(folder_ / "dataset"));
    loader_.emplace(*dataset_, data::LoaderOptions{});
    options_.batch = 8;
    options_.seed = 4;
    options_.gamma = 0.05;
    options_.augment = augment_pipeline("bgc");
  }

  /// Samples 0 to 7.
  Tensor first_images() const {
    std::vector<std::uint64_t> numbers(8);
    std::iota(numbers.begin(), numbers.end(), 0);
    Tensor real = torch::empty({8, 1, 8, 8});
    loader_->batch(numbers, {real.data_ptr<float>(), static_cast<std::size_t>(real.numel())});
    return real;
  }

  struct Pair {
    std::shared_ptr<models::StyleGan2Generator> generator;
    std::unique_ptr<GanStep> step;
    std::vector<Tensor> tensors;  // of both networks, buffers too
  };
  Pair new_pair() {
    torch::manual_seed(1);
    Pair pair;
    pair.generator = models::make_generator(networks_);
    auto discriminator = models::make_discriminator(networks_);
    pair.step = std::make_unique<GanStep>(pair.generator, discriminator, *loader_, options_);
    for (const auto& all : {pair.generator->parameters(), pair.generator->buffers(), discriminator->parameters()})
      pair.tensors.insert(pair.tensors.end(), all.begin(), all.end());
    return pair;
  }

  std::filesystem::path folder_;
  std::optional<data::Dataset> dataset_;
  std::optional<data::Loader> loader_;
  GanStepOptions options_;
  models::StyleGan2Options networks_ = tiny_networks();
};

TEST_F(GanTraining, TheSameSeedGivesTheSameNetworks) {
  options_.p = 0.5;
  Pair a = new_pair();
  Pair b = new_pair();
  for (std::int64_t step = 0; step < 5; ++step) {
    a.step->run(step);
    b.step->run(step);
  }
  for (std::size_t i = 0; i < a.tensors.size(); ++i) EXPECT_TRUE(a.tensors[i].equal(b.tensors[i])) << i;
  EXPECT_TRUE(a.step->state().equal(b.step->state()));
}

TEST_F(GanTraining, AnInterruptedRunEndsBitIdenticalToAnUninterruptedOne) {
  // 17 steps: the second R1 phase and the fifth of the path lengths lie behind the interruption.
  auto training_of = [&](std::int64_t steps) {
    Training training;
    training.family = "stylegan2-ada";
    training.dataset = &*dataset_;
    training.options.steps = steps;
    training.options.batch = options_.batch;
    training.options.sample_minutes = 0;
    options_.p = 0.5;
    training.make_learner = [this](const data::Loader& loader) {
      return std::make_unique<GanLearner>(tiny_networks(), loader, options_);
    };
    return training;
  };
  SilentMonitor silent;
  const RunFolder whole = RunFolder::create(folder_ / "runs", "whole", "", {});
  train(training_of(17), whole, silent);
  const RunFolder parts = RunFolder::create(folder_ / "runs", "parts", "", {});
  train(training_of(6), parts, silent);
  train(training_of(17), parts, silent);
  const SafetensorsFile a(whole.latest_checkpoint());
  const SafetensorsFile b(parts.latest_checkpoint());
  ASSERT_EQ(a.tensors().size(), b.tensors().size());
  for (const auto& [name, view] : a.tensors())
    EXPECT_TRUE(std::equal(view.bytes.begin(), view.bytes.end(), b.at(name).bytes.begin())) << name;
}

TEST_F(GanTraining, BeginsWithAnothersWeightsWhereTheyFit) {
  const GanLearner from(tiny_networks(), *loader_, options_);
  CheckpointInfo info;
  info.family = "stylegan2-ada";
  info.resolution = 8;
  save_checkpoint(folder_ / "from.safetensors", info, from.state());
  options_.seed = 99;
  models::StyleGan2Options larger = tiny_networks();
  larger.resolution = 16;  // has all layers of the smaller and more
  larger.channel_base = 256;
  const GanLearner to(larger, *loader_, options_);
  const auto weights = to.weights();
  const std::size_t fitting = load_fitting(folder_ / "from.safetensors", weights);
  EXPECT_GT(fitting, weights.size() / 2);
  EXPECT_LT(fitting, weights.size());
  const SafetensorsFile file(folder_ / "from.safetensors");
  std::size_t same = 0;
  for (const StateTensor& slot : weights) {
    const auto found = file.tensors().find(slot.name);
    if (found == file.tensors().end() || !slot.tensor.sizes().equals(found->second.shape)) continue;
    const Tensor flat = slot.tensor.detach().contiguous();
    EXPECT_EQ(std::memcmp(flat.data_ptr(), found->second.bytes.data(), found->second.bytes.size()), 0) << slot.name;
    ++same;
  }
  EXPECT_EQ(same, fitting);
  const auto none = std::vector<StateTensor>{{"model/conv_in.weight", torch::zeros({3})}};
  test::expect_error([&] { load_fitting(folder_ / "from.safetensors", none); }, ErrorCode::bad_input,
                     {"stylegan2-ada of 8x8"});
}

TEST_F(GanTraining, TheDiscriminatorSeesBothKindsAsItWouldSeeEach) {
  // Scores at the first step, by one pass over generated and real images, against passes of their own.
  options_.augment = {};
  torch::manual_seed(1);
  auto generator = models::make_generator(tiny_networks());
  auto discriminator = models::make_discriminator(tiny_networks());
  const Tensor real = first_images();
  const torch::NoGradGuard no_grad;
  const double expected = discriminator->forward(real, {}).mean().item<double>();
  const torch::AutoGradMode grad(true);
  GanStep step(generator, discriminator, *loader_, options_);
  step.discriminator_phase(0);
  EXPECT_NEAR(step.result().real_score, expected, 1e-5);
}

TEST_F(GanTraining, RecoversBothModes) {
  options_.learning_rate = 0.005;
  options_.gamma = 0.1;
  options_.batch = 16;
  options_.ema_kimg = 0.5;
  options_.adapts = false;
  Pair pair = new_pair();
  for (std::int64_t step = 0; step < 900; ++step) pair.step->run(step);
  const torch::NoGradGuard no_grad;
  pair.step->generator_adam().copy_averages_to(*pair.generator);
  const Tensor w = pair.generator->map(torch::randn({200, 16}), {});
  const Tensor images = pair.generator->synthesize(pair.generator->broadcast(w), models::LayerNoise::constant);
  const Tensor difference = images.slice(3, 0, 4).mean({1, 2, 3}) - images.slice(3, 4, 8).mean({1, 2, 3});
  // In the window [-1000, 400] HU the halves of a real image differ by 900 / 700.
  const double left = (difference > 0.6).to(torch::kDouble).mean().item<double>();
  const double right = (difference < -0.6).to(torch::kDouble).mean().item<double>();
  // Training is chaotic: on another processor the shares differ, but neither mode is lost.
  EXPECT_GT(left, 0.1);
  EXPECT_GT(right, 0.1);
  EXPECT_GT(left + right, 0.6);
}

TEST_F(GanTraining, DrawsTheClassThatIsAskedFor) {
  options_.learning_rate = 0.005;
  options_.gamma = 0.1;
  options_.batch = 16;
  options_.ema_kimg = 0.5;
  options_.adapts = false;
  loader_.emplace(*dataset_, data::LoaderOptions{.conditions = {"side"}});
  ASSERT_EQ(loader_->conditions().width(), 2);
  networks_.labels = 2;
  Pair pair = new_pair();
  for (std::int64_t step = 0; step < 500; ++step) pair.step->run(step);
  const torch::NoGradGuard no_grad;
  pair.step->generator_adam().copy_averages_to(*pair.generator);
  const Tensor labels = torch::eye(2).repeat_interleave(100, 0);
  const Tensor w = pair.generator->map(torch::randn({200, 16}), labels);
  const Tensor images = pair.generator->synthesize(pair.generator->broadcast(w), models::LayerNoise::constant);
  const Tensor difference = images.slice(3, 0, 4).mean({1, 2, 3}) - images.slice(3, 4, 8).mean({1, 2, 3});
  EXPECT_GT((difference.narrow(0, 0, 100) > 0.3).to(torch::kDouble).mean().item<double>(), 0.8);
  EXPECT_GT((difference.narrow(0, 100, 100) < -0.3).to(torch::kDouble).mean().item<double>(), 0.8);
}

TEST_F(GanTraining, TheAverageFollowsEveryParameter) {
  options_.ema_rampup = 0;
  options_.ema_kimg = 0.02;
  Pair pair = new_pair();
  const auto parameters = pair.generator->parameters();
  std::vector<Tensor> expected;
  for (const Tensor& parameter : parameters) expected.push_back(parameter.detach().clone());
  const double decay = GanStep::ema_decay_at(options_, 0);
  for (std::int64_t step = 0; step < 5; ++step) {  // with and without path lengths
    pair.step->run(step);
    for (std::size_t i = 0; i < expected.size(); ++i)
      expected[i] = decay * expected[i] + (1 - decay) * parameters[i].detach();
  }
  const auto& averages = pair.step->generator_adam().averages();
  for (std::size_t i = 0; i < expected.size(); ++i)
    EXPECT_TRUE(torch::allclose(averages[i], expected[i], 1e-4, 1e-6)) << i;
}

TEST_F(GanTraining, TheSignIsThatOfRealScores) {
  options_.augment = {};
  options_.adapt_interval = 1;
  Pair pair = new_pair();
  torch::manual_seed(1);
  models::make_generator(networks_);  // as new_pair() draws them
  auto same = models::make_discriminator(networks_);
  const Tensor real = first_images();
  const double expected = same->forward(real, {}).sign().mean().item<double>();
  EXPECT_NEAR(pair.step->run(0).sign, expected, 1e-6);
  EXPECT_NE(expected, 0);
}

TEST_F(GanTraining, PFollowsTheSignOfTheScores) {
  options_.adapt_kimg = 1;
  options_.target = -2;  // below any mean sign: p must rise
  Pair pair = new_pair();
  for (std::int64_t step = 0; step < 8; ++step) pair.step->run(step);
  EXPECT_NEAR(pair.step->p(), 2 * 8 * 4 / 1000.0, 1e-6);
  options_.target = 2;  // above any: p must fall, but not below 0
  options_.p = 0.05;
  Pair falling = new_pair();
  const GanResult first = falling.step->run(0);
  EXPECT_NEAR(first.p, 0.05, 1e-7);
  for (std::int64_t step = 1; step < 8; ++step) falling.step->run(step);
  EXPECT_EQ(falling.step->p(), 0);
}

TEST_F(GanTraining, R1AloneFlattensTheDiscriminator) {
  options_.gamma = 10;
  options_.learning_rate = 0.01;
  Pair pair = new_pair();
  const double before = pair.step->run(0).r1_penalty;
  for (std::int64_t step = 0; step < 100; ++step) pair.step->r1_phase(step);
  EXPECT_LT(pair.step->run(16).r1_penalty, before / 4);
}

// Images that are linear in their styles: J is the same everywhere.
TEST(GanStep, PathLengthsAreThoseOfTheJacobian) {
  torch::manual_seed(2);
  const Tensor map = torch::randn({3 * 5, 2 * 4 * 6});  // [layers w, C H W]
  const Tensor ws = torch::randn({7, 3, 5}).requires_grad_();
  const Tensor images = ws.flatten(1).matmul(map).view({7, 2, 4, 6});
  const Tensor y = torch::randn({7, 2, 4, 6});
  const Tensor moved = (y.flatten(1) / std::sqrt(24.0)).matmul(map.t()).view({7, 3, 5});  // J^T y, H W = 24
  const Tensor expected = (moved.square().sum({1, 2}) / 3).sqrt();                        // 3 layers
  EXPECT_TRUE(torch::allclose(path_lengths(images, ws, y), expected, 1e-5, 1e-6));
}

TEST(GanStep, ScoreGradientsAreThoseOfTheScores) {
  torch::manual_seed(2);
  const Tensor slope = torch::randn({1, 2, 4, 4});
  const Tensor x = torch::randn({5, 2, 4, 4}).requires_grad_();
  const Tensor scores = (x.square() * slope).sum({1, 2, 3}).unsqueeze(1);  // gradient 2 x slope
  const Tensor found = squared_score_gradients(scores, x);
  EXPECT_TRUE(torch::allclose(found, (2 * x * slope).square().sum({1, 2, 3}), 1e-5, 1e-6));
  // And its own gradient, which is what R1 learns by: 8 x slope^2.
  const Tensor second = torch::autograd::grad({found.sum()}, {x})[0];
  EXPECT_TRUE(torch::allclose(second, 8 * x * slope.square(), 1e-5, 1e-6));
}

TEST(GanStep, LazyRegularisationRescalesAdam) {
  const AdamOptions adam = GanStep::lazy_adam(16);
  EXPECT_EQ(adam.beta1, 0);
  EXPECT_NEAR(adam.beta2, std::pow(0.99, 16.0 / 17), 1e-12);
}

TEST(GanStep, TheAverageForgetsHalfInItsHalfLife) {
  GanStepOptions options;
  options.batch = 50;
  options.ema_kimg = 1;
  options.ema_rampup = 0.05;
  EXPECT_NEAR(std::pow(GanStep::ema_decay_at(options, 1'000'000), 20), 0.5, 1e-9);
  EXPECT_NEAR(std::pow(GanStep::ema_decay_at(options, 2000), 2), 0.5, 1e-9);  // a twentieth of 2,000 images
  EXPECT_EQ(GanStep::ema_decay_at(options, 0), 0);
}

TEST(GanOptions, TheLimitOfActivationsIsThatOfHalfPrecisionUnlessItIsGiven) {
  GanOptions options;
  const auto clamp = [&](bool bfloat16) { return options.networks(1, 64, 0, 4, bfloat16).clamp; };
  EXPECT_EQ(clamp(true), 256);
  EXPECT_EQ(clamp(false), 0);
  options.clamp = 256;  // as a model has it that goes on without bfloat16
  EXPECT_EQ(clamp(false), 256);
  options.clamp = 0;
  EXPECT_EQ(clamp(true), 0);
  options.clamp = -0.5;
  EXPECT_THROW(clamp(false), Error);
}

}  // namespace
}  // namespace nodulus::train
