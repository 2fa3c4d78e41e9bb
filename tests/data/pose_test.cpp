#include "nodulus/data/pose.h"

#include <gtest/gtest.h>

#include <vector>

namespace nodulus::data {
namespace {

using Values = std::vector<float>;

Values placed(const Values& image, int height, int width, const Pose& pose) {
  Values out(image.size());
  place(image, height, width, pose, out);
  return out;
}

TEST(Pose, AQuarterTurnBringsTheLastColumnToTheTop) {
  const Values square{1, 2,  //
                      3, 4};
  EXPECT_EQ(placed(square, 2, 2, {}), square);
  EXPECT_EQ(placed(square, 2, 2, {.turns = 1}), (Values{2, 4, 1, 3}));
  EXPECT_EQ(placed(square, 2, 2, {.turns = 2}), (Values{4, 3, 2, 1}));
  EXPECT_EQ(placed(square, 2, 2, {.turns = 3}), (Values{3, 1, 4, 2}));
}

TEST(Pose, TheMirrorComesBeforeTheTurn) {
  const Values square{1, 2,  //
                      3, 4};
  const Values mirrored = placed(square, 2, 2, {.left_right = true});
  EXPECT_EQ(mirrored, (Values{2, 1, 4, 3}));
  EXPECT_EQ(placed(square, 2, 2, {.left_right = true, .turns = 1}), placed(mirrored, 2, 2, {.turns = 1}));
  EXPECT_EQ(placed(square, 2, 2, {.up_down = true}), (Values{3, 4, 1, 2}));
}

TEST(Pose, HalfATurnTakesAnyRectangle) {
  const Values wide{1, 2, 3,  //
                    4, 5, 6};
  EXPECT_EQ(placed(wide, 2, 3, {.turns = 2}), (Values{6, 5, 4, 3, 2, 1}));
  EXPECT_EQ(placed(wide, 2, 3, {.left_right = true, .up_down = true}), (Values{6, 5, 4, 3, 2, 1}));
}

}  // namespace
}  // namespace nodulus::data
