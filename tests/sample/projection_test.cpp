#include "nodulus/sample/projection.h"

#include <gtest/gtest.h>

#include "nodulus/nn/squeezenet.h"

namespace nodulus::sample {
namespace {

using torch::Tensor;

class ProjectionTest : public ::testing::Test {
 protected:
  void SetUp() override {
    torch::manual_seed(3);
    models::StyleGan2Options networks;
    networks.resolution = 16;
    networks.image_channels = 2;
    networks.z = networks.w = 16;
    networks.channel_base = 256;
    networks.channel_max = 16;
    generator_ = models::make_generator(networks);
    generator_->eval();
    const torch::NoGradGuard no_grad;
    const Tensor w = generator_->map(torch::randn({1, 16}), {});
    target_ = generator_->synthesize(generator_->broadcast(w), models::LayerNoise::none).clamp(-1, 1);
    options_.steps = 60;
    options_.mean_samples = 500;
  }
  Projection found() {
    return project(*generator_, target_, options_, [](std::int64_t, double) {});
  }

  std::shared_ptr<models::StyleGan2Generator> generator_;
  Tensor target_;
  ProjectionOptions options_;
};

TEST_F(ProjectionTest, ComesNearAnImageOfTheModelsOwn) {
  std::int64_t told = 0;
  const Projection p = project(*generator_, target_, options_, [&](std::int64_t done, double) { told = done; });
  EXPECT_EQ(told, 60);
  EXPECT_LT(p.distance, 0.5 * p.first_distance);
  // What is said is true of what is returned.
  const torch::NoGradGuard no_grad;
  EXPECT_TRUE(image_of(*generator_, p.styles, p.noise).equal(p.image));
  EXPECT_NEAR(nn::PerceptualDistance(target_)(p.image).item<double>(), p.distance, 1e-4 * p.distance);
  for (std::int64_t i = 1; i < p.styles.size(0); ++i) EXPECT_TRUE(p.styles[i].equal(p.styles[0]));
}

TEST_F(ProjectionTest, AStyleALayerComesNearer) {
  const double with_one = found().distance;
  options_.style_a_layer = true;
  EXPECT_LT(found().distance, with_one);
}

TEST_F(ProjectionTest, TheSameSeedFindsTheSame) {
  options_.steps = 5;
  const Projection a = found();
  EXPECT_TRUE(a.styles.equal(found().styles));
  options_.seed = 1;
  EXPECT_FALSE(a.styles.equal(found().styles));
}

TEST_F(ProjectionTest, TakesATargetWithoutTheMask) {
  target_ = target_.narrow(1, 0, 1);
  const Projection p = found();
  EXPECT_EQ(p.image.size(1), 2);
  EXPECT_LT(p.distance, 0.7 * p.first_distance);
}

}  // namespace
}  // namespace nodulus::sample
