#pragma once

#include <torch/types.h>

#include <cmath>
#include <vector>

#include "nodulus/core/seed.h"
#include "nodulus/eval/copies.h"
#include "nodulus/eval/image_set.h"

namespace nodulus::eval {

inline std::vector<std::int64_t> numbers_of(const torch::Tensor& t) {
  const torch::Tensor c = t.to(torch::kLong).contiguous();
  return {c.data_ptr<std::int64_t>(), c.data_ptr<std::int64_t>() + c.numel()};
}

inline double made_uniform(std::uint64_t seed, std::uint64_t index) {
  return static_cast<double>(RandomStream(seed).below(index, 1 << 20)) / (1 << 20);
}

/// One made-up nodule of 48x48: a soft disc of its own place, size and density on a noisy, shaded ground, and its
/// outline.
inline void put_nodule(Images& images, std::uint64_t seed, double radius, double density) {
  const int side = 48;
  const double cx = 20 + 8 * made_uniform(seed, 2);
  const double cy = 20 + 8 * made_uniform(seed, 3);
  const double slope_x = 8 * (made_uniform(seed, 4) - 0.5);
  const double slope_y = 8 * (made_uniform(seed, 5) - 0.5);
  std::vector<float> noise(side * side);
  RandomStream(derive_seed(seed, "noise")).fill_normal(noise);
  images.height = images.width = side;
  for (int y = 0; y < side; ++y)
    for (int x = 0; x < side; ++x) {
      const double r = std::hypot(x - cx, y - cy);
      const double inside = 1 / (1 + std::exp((r - radius) / 0.7));
      const double hu = -800 + slope_x * x + slope_y * y + (density + 800) * inside +
                        40 * noise[static_cast<std::size_t>(y * side + x)];
      images.hu.push_back(static_cast<std::int16_t>(std::lround(std::min(400.0, std::max(-1000.0, hu)))));
      images.masks.push_back(r < radius ? 1 : 0);
    }
  images.patient.push_back("patient " + std::to_string(seed));
  images.row.push_back(images.count++);
}

inline Images made_images(std::int64_t count, std::uint64_t seed) {
  Images images;
  for (std::int64_t i = 0; i < count; ++i) {
    const std::uint64_t own = derive_seed(seed, static_cast<std::uint64_t>(i));
    put_nodule(images, own, 4 + 8 * made_uniform(own, 0), -300 + 400 * made_uniform(own, 1));
  }
  return images;
}

/// Image i becomes training image `which`, turned, with noise of that deviation in HU.
inline void put_copy(Images& images, std::int64_t i, const Images& training, std::int64_t which, int turn,
                     double noise_hu) {
  const torch::Tensor copy = turned(training.scaled(which, 1), turn).contiguous();
  std::vector<float> noise(static_cast<std::size_t>(copy.numel()));
  RandomStream(derive_seed(99, static_cast<std::uint64_t>(i))).fill_normal(noise);
  const WindowHu w = images.window_hu;
  for (std::size_t k = 0; k < noise.size(); ++k) {
    const double hu = w.lo + (copy.data_ptr<float>()[k] + 1) / 2 * (w.hi - w.lo) + noise_hu * noise[k];
    images.hu[static_cast<std::size_t>(i) * noise.size() + k] = static_cast<std::int16_t>(std::lround(hu));
  }
}

}  // namespace nodulus::eval
