#include "nodulus/app/record.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <cmath>
#include <span>

#include "nodulus/core/base64.h"

namespace nodulus::app {
namespace {

const WindowHu window{-1000, 400};

torch::Tensor grey(double value) { return torch::full({2, 1, 2, 2}, value); }

/// Pictures of one grey each, as a file has them.
std::string greys(const std::vector<int>& hu) {
  std::vector<std::int16_t> pixels;
  for (const int value : hu) pixels.insert(pixels.end(), 4, static_cast<std::int16_t>(value));
  return base64(std::as_bytes(std::span(pixels)));
}

TEST(PathRecorder, ShowsWhatTheDenoiserWasAskedFromNoiseToImage) {
  PathRecorder path;
  EXPECT_TRUE(path.strips(grey(0)[0], window, 1).is_null());
  path.see(grey(0.5 * std::sqrt(101)), 10);
  path.see(grey(-0.5 * std::sqrt(2)), 1);
  path.see(grey(9), 1);                    // a corrector asks at the same level again
  path.see(grey(0.25 * std::sqrt(5)), 2);  // and a second-order step may go back: neither is a step on
  path.see(grey(0), 0);
  path.see(grey(7), 10);  // the next image's path
  path.see(grey(7), 0.5);
  const Json strips = path.strips(grey(1)[0], window, 1);
  const Json& backward = strips["backward"];
  EXPECT_EQ(backward["captions"], (Json{"sigma 10", "sigma 1", "sigma 0", "the image"}));
  // -1 is -1000 HU and 1 is 400, after the noise's part of the variance is taken out.
  EXPECT_EQ(backward["pictures"]["hu"], greys({50, -650, -300, 400}));
  const Json& forward = strips["forward"];
  EXPECT_EQ(forward["captions"], (Json{"the image", "sigma 0", "sigma 1", "sigma 10"}));
  EXPECT_EQ(forward["pictures"]["count"], 4);
  EXPECT_EQ(strips, path.strips(grey(1)[0], window, 1));
  EXPECT_NE(strips["forward"], path.strips(grey(1)[0], window, 2)["forward"]);
}

}  // namespace
}  // namespace nodulus::app
