#include "nodulus/eval/segmentation.h"

#include <gmock/gmock.h>
#include <torch/types.h>

#include "tests/eval/made_images.h"
#include "tests/support/expect_error.h"

namespace nodulus::eval {
namespace {

constexpr auto no_news = [](int, int) {};

TEST(Outlines, AreLearntFromTheTrainingImages) {
  const OutlineNetwork network(made_images(96, 1), 8, 1, no_news);
  Images others = made_images(24, 2);
  const OutlineQuality quality = network.quality(others);
  EXPECT_GT(quality.dice, 0.85);
  EXPECT_EQ(quality.images, 24);
  EXPECT_EQ(quality.trained_on, 96);
  const std::vector<std::uint8_t> known = others.masks;
  others.masks.clear();
  const auto found = network.outlines(others);
  ASSERT_EQ(found.size(), known.size());
  EXPECT_GT(std::count(found.begin(), found.end(), 1), 0);
}

TEST(Outlines, FollowFromTheSeed) {
  const Images images = made_images(32, 1);
  const auto found = [&](std::uint64_t seed) { return OutlineNetwork(images, 2, seed, no_news).outlines(images); };
  EXPECT_EQ(found(1), found(1));
  EXPECT_NE(found(1), found(2));
}

TEST(Outlines, AreOfOnePartInTheMiddle) {
  const OutlineNetwork network(made_images(96, 1), 8, 1, no_news);
  Images two = made_images(1, 3);
  const auto count = [](const std::vector<std::uint8_t>& mask) { return std::count(mask.begin(), mask.end(), 1); };
  const auto alone = count(network.outlines(two));
  ASSERT_GT(alone, 20);
  // The nodule once more, in the corner of the same image: it is no part of the outline.
  const std::vector<std::int16_t> hu = two.hu;
  for (int y = 0; y < 14; ++y)
    for (int x = 0; x < 14; ++x)
      two.hu[static_cast<std::size_t>(y * 48 + x)] = hu[static_cast<std::size_t>((y + 17) * 48 + x + 17)];
  const auto found = network.outlines(two);
  EXPECT_NEAR(static_cast<double>(count(found)), static_cast<double>(alone), 0.2 * static_cast<double>(alone));
  for (int y = 0; y < 10; ++y)
    for (int x = 0; x < 10; ++x) EXPECT_EQ(found[static_cast<std::size_t>(y * 48 + x)], 0);
}

TEST(Outlines, NeedOutlinesToLearnFrom) {
  Images without = made_images(8, 1);
  without.masks.clear();
  test::expect_error([&] { OutlineNetwork(without, 1, 1, no_news); }, ErrorCode::usage, {"none"});
}

}  // namespace
}  // namespace nodulus::eval
