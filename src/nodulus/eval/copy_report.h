#pragma once

#include "nodulus/core/manifest.h"
#include "nodulus/eval/feature_store.h"
#include "nodulus/eval/image_set.h"

namespace nodulus::eval {

/// The training images in all their turns, as features and as pixels, and how near held-out real images come to them.
class CopySearch {
 public:
  /// All must outlive it.
  CopySearch(const Images& training, const Images& held_out, FeatureStore& store);

  /// "copies": does a set repeat training images? As docs/formats.md has it.
  [[nodiscard]] Json report(const Images& images, std::string_view what);

 private:
  struct Seen {
    torch::Tensor features;  // [N, D]
    torch::Tensor pixels;    // [N, H W], HU
  };
  [[nodiscard]] Seen seen(const Images& images, std::string_view what) const;

  const Images& training_;
  FeatureStore& store_;
  std::vector<torch::Tensor> turned_features_;
  std::vector<torch::Tensor> turned_pixels_;
  Seen held_out_;
};

}  // namespace nodulus::eval
