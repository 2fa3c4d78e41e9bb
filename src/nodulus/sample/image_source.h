#pragma once

#include <torch/types.h>

#include <cstdint>
#include <map>
#include <span>
#include <string>

namespace nodulus::sample {

/// What kind of nodule is asked for: values by label name. Empty: any kind.
struct Condition {
  std::map<std::string, double> labels;
};

/// Where generated images come from, whatever the family.
struct ImageSource {
  ImageSource() = default;
  ImageSource(const ImageSource&) = delete;
  ImageSource& operator=(const ImageSource&) = delete;
  virtual ~ImageSource() = default;

  /// The images for these seeds, [seeds.size(), C, H, W] float32 on the CPU, in [-1, 1] as far as the model keeps to
  /// it; image i depends on seeds[i] alone, not on the batch it is drawn in. Throws Error{usage} for a condition that
  /// the model was not trained with.
  virtual torch::Tensor images(std::span<const std::uint64_t> seeds, const Condition& condition) = 0;
};

}  // namespace nodulus::sample
