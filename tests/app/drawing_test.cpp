#include "nodulus/app/drawing.h"

#include <gtest/gtest.h>
#include <torch/types.h>

namespace nodulus::app {
namespace {

/// Draws the seed itself.
class SeedDrawing final : public Drawing {
 public:
  torch::Tensor images(std::span<const std::uint64_t> seeds, std::int64_t first) override {
    firsts.push_back(first);
    torch::Tensor out = torch::empty({static_cast<std::int64_t>(seeds.size()), 1, 1, 1});
    for (std::size_t i = 0; i < seeds.size(); ++i) out[static_cast<std::int64_t>(i)] = static_cast<double>(seeds[i]);
    return out;
  }
  [[nodiscard]] std::string condition(std::int64_t, std::uint64_t) const override { return ""; }
  [[nodiscard]] std::uint64_t seed(std::uint64_t own) const override { return own; }
  [[nodiscard]] std::string sampler() const override { return ""; }
  [[nodiscard]] int steps() const override { return 1; }
  [[nodiscard]] std::int64_t evaluations() const override { return 1; }
  [[nodiscard]] double evaluation_flop() const override { return 1; }
  [[nodiscard]] std::int64_t parameters() const override { return 1; }

  std::vector<std::int64_t> firsts;
};

TEST(Batches, EveryImageIsDrawnOnceFromItsOwnSeed) {
  SeedDrawing drawing;
  Batches batches{.count = 7, .batch = 3, .seed = 100};
  std::vector<double> drawn;
  batches.draw(drawing, [&](const torch::Tensor& images, std::span<const std::uint64_t> seeds) {
    EXPECT_EQ(batches.done, static_cast<std::int64_t>(drawn.size()));
    EXPECT_EQ(batches.now, images.size(0));
    ASSERT_EQ(images.size(0), static_cast<std::int64_t>(seeds.size()));
    for (std::int64_t i = 0; i < images.size(0); ++i) drawn.push_back(images[i].item<double>());
  });
  EXPECT_EQ(drawn, (std::vector<double>{100, 101, 102, 103, 104, 105, 106}));
  EXPECT_EQ(drawing.firsts, (std::vector<std::int64_t>{0, 3, 6}));
  EXPECT_EQ(batches.done, 7);
}

// Slices of one nodule have one seed.
TEST(Batches, SeedsThatAreGivenAreTaken) {
  SeedDrawing drawing;
  Batches batches{.count = 5, .batch = 2, .seed = 100, .seeds = {8, 8, 8, 9, 9}};
  std::vector<double> drawn;
  batches.draw(drawing, [&](const torch::Tensor& images, std::span<const std::uint64_t> seeds) {
    for (std::size_t i = 0; i < seeds.size(); ++i) {
      drawn.push_back(images[static_cast<std::int64_t>(i)].item<double>());
      EXPECT_EQ(drawn.back(), static_cast<double>(seeds[i]));
    }
  });
  EXPECT_EQ(drawn, (std::vector<double>{8, 8, 8, 9, 9}));
}

}  // namespace
}  // namespace nodulus::app
