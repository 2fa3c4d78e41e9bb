#include "nodulus/eval/copies.h"

#include <gmock/gmock.h>
#include <torch/types.h>

#include <set>

#include "nodulus/core/monitor.h"
#include "nodulus/eval/copy_report.h"
#include "nodulus/eval/feature_store.h"
#include "tests/eval/made_images.h"

namespace nodulus::eval {
namespace {

using torch::Tensor;

TEST(Turns, AreTheEightOfASquare) {
  const Tensor x = torch::arange(9, torch::kFloat).view({1, 1, 3, 3});
  std::set<std::vector<float>> seen;
  for (int turn = 0; turn < 8; ++turn) {
    const Tensor t = turned(x, turn).contiguous();
    seen.insert({t.data_ptr<float>(), t.data_ptr<float>() + 9});
  }
  EXPECT_EQ(seen.size(), 8U);
  EXPECT_EQ(turn_text(0), "as it is");
  EXPECT_EQ(turn_text(6), "flipped, turned by 180 degrees");
}

TEST(Turns, AreUndone) {
  const Tensor x = torch::arange(9, torch::kFloat).view({1, 1, 3, 3});
  for (int turn = 0; turn < 8; ++turn) EXPECT_TRUE(torch::equal(turned(turned(x, turn), undone(turn)), x)) << turn;
}

TEST(Nearest, FindsRowTurnAndDistance) {
  const Tensor rows = torch::tensor({{9.0, 0.0}, {0.0, 5.0}, {7.0, 4.0}});
  Nearest found = nothing_near(3);
  take_nearer(found, rows, torch::tensor({{0.0, 0.0}, {10.0, 0.0}}), 0);
  take_nearer(found, rows, torch::tensor({{0.0, 5.0}, {7.0, 7.0}}), 1);
  EXPECT_THAT(numbers_of(found.which), testing::ElementsAre(1, 0, 1));
  EXPECT_THAT(numbers_of(found.turn), testing::ElementsAre(0, 1, 1));
  EXPECT_NEAR(found.distance[0].item<double>(), 1, 1e-12);
  EXPECT_EQ(found.distance[1].item<double>(), 0);
  EXPECT_NEAR(found.distance[2].item<double>(), 3, 1e-12);
}

class Copies : public ::testing::Test {
 protected:
  Images training_ = made_images(120, 1);
  Images held_out_ = made_images(60, 2);
  std::unique_ptr<FeatureExtractor> extractor_ = open_extractor("");
  SilentMonitor monitor_;
  FeatureStore store_{*extractor_, "", monitor_};
};

TEST_F(Copies, EveryPlantedCopyIsNamedAndNoOther) {
  // 40 images of their own; every fourth is replaced by a training image, turned, with noise of 5 HU.
  Images images = made_images(40, 3);
  std::vector<std::int64_t> planted;
  for (std::int64_t i = 0; i < 40; i += 4) {
    planted.push_back(i);
    put_copy(images, i, training_, 3 * i % 120, static_cast<int>(i / 4 % 8), 5);
  }
  CopySearch search(training_, held_out_, store_);
  const Json report = search.report(images, "images");
  EXPECT_EQ(report["named"].get<std::vector<std::int64_t>>(), planted);
  EXPECT_THAT(report["verdict"].get<std::string>(), testing::HasSubstr("10 of 40 images are copies"));
  for (const Json& pair : report["pairs"]) {
    const auto i = pair["generated"].get<std::int64_t>();
    EXPECT_EQ(pair["item"].get<std::int64_t>(), 3 * i % 120);
    EXPECT_TRUE(pair["named"].get<bool>());
    EXPECT_LT(pair["pixel_hu"].get<double>(), 8);
  }
}

TEST_F(Copies, ACleanSetIsNotAccused) {
  CopySearch search(training_, held_out_, store_);
  for (const std::uint64_t seed : {4, 5, 6}) {
    const Json report = search.report(made_images(80, seed), "images");
    EXPECT_TRUE(report["named"].empty()) << report["named"].dump();
    EXPECT_EQ(report["verdict"], "no sign of copying");
  }
}

TEST(Closeness, TellsASetThatCrowdsTheTrainingImages) {
  Nearest held_out{torch::arange(1, 101, torch::kDouble), {}, {}};
  const Closeness same = closeness({torch::arange(1, 101, torch::kDouble), {}, {}}, held_out);
  EXPECT_NEAR(same.first_percentile, 1.99, 1e-12);
  EXPECT_NEAR(same.share, 0.01, 1e-12);
  EXPECT_GT(same.p, 0.5);
  const Closeness near = closeness({torch::arange(1, 101, torch::kDouble) / 50, {}, {}}, held_out);
  EXPECT_NEAR(near.share, 0.99, 1e-12);
  EXPECT_LT(near.p, 1e-6);
  EXPECT_LT(near.share_interval.low, 0.99);
  EXPECT_GT(near.share_interval.low, 0.9);
}

TEST(Closeness, AnExactCopyIsNamedEvenWhereHeldOutImagesRepeatTrainingImages) {
  const Nearest repeats{torch::tensor({0.0, 0.0, 0.0, 5.0, 6.0}, torch::kDouble), {}, {}};
  const Closeness found = closeness({torch::tensor({0.0, 4.0}, torch::kDouble), {}, {}}, repeats);
  EXPECT_EQ(found.threshold, 0);
  EXPECT_TRUE(found.copied()[0].item<bool>());
  EXPECT_FALSE(found.copied()[1].item<bool>());
  EXPECT_NEAR(found.share, 0.5, 1e-12);
  EXPECT_GT(found.p, 0.5);  // as common as among held-out images
}

}  // namespace
}  // namespace nodulus::eval
