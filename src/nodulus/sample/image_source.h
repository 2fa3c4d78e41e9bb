#pragma once

#include <torch/types.h>

#include <cstdint>
#include <span>

namespace nodulus::sample {

/// Where generated images come from, whatever the family.
struct ImageSource {
  ImageSource() = default;
  ImageSource(const ImageSource&) = delete;
  ImageSource& operator=(const ImageSource&) = delete;
  virtual ~ImageSource() = default;

  /// The images for these seeds, [seeds.size(), C, H, W] float32 on the CPU, in [-1, 1] as far as the model keeps to
  /// it; image i depends on seeds[i] and row i of the labels alone, not on the batch it is drawn in. labels [N, D] as
  /// encode() makes them (core/condition.h); undefined: nothing is asked for.
  virtual torch::Tensor images(std::span<const std::uint64_t> seeds, const torch::Tensor& labels) = 0;
};

}  // namespace nodulus::sample
