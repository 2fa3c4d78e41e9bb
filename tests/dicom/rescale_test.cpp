#include <gtest/gtest.h>

#include "nodulus/dicom/slice_header.h"

namespace nodulus::dicom {
namespace {

TEST(Rescale, RoundsToNearestAwayFromZero) {
  const Rescale half{0.5, 0.0};
  EXPECT_EQ(half.to_hu(3), 2);
  EXPECT_EQ(half.to_hu(-3), -2);
  EXPECT_EQ(half.to_hu(2), 1);
  EXPECT_EQ((Rescale{1.0, -0.4}).to_hu(1), 1);
  EXPECT_EQ((Rescale{1.0, -0.6}).to_hu(1), 0);
}

TEST(Rescale, SaturatesAtInt16) {
  EXPECT_EQ((Rescale{1.0, 0.0}).to_hu(40000), 32767);
  EXPECT_EQ((Rescale{-1.0, 0.0}).to_hu(40000), -32768);
  EXPECT_EQ((Rescale{1e30, 0.0}).to_hu(1), 32767);
}

TEST(Rescale, DefaultLeavesValuesAlone) { EXPECT_EQ(Rescale{}.to_hu(-1024), -1024); }

}  // namespace
}  // namespace nodulus::dicom
